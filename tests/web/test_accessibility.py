"""WCAG 2.2 AA as far as a machine sees it, in a real browser: every state of every page.

axe, a screen of 320 px, magnification, forced colours, less motion, and the keyboard alone.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.passes.content import LANGUAGES
from tests.web.gallery import Gallery
from tests.web.site import Site

pytestmark = pytest.mark.browser

OFF_THE_SCREEN = """() => {
  const root = document.documentElement;
  return root.scrollWidth > root.clientWidth ? root.scrollWidth - root.clientWidth : 0;
}"""
LARGE_TEXT = "() => { document.documentElement.style.fontSize = '200%'; }"
NORMAL_TEXT = "() => { document.documentElement.style.fontSize = ''; }"
IN_MOTION = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const { animationDuration, transitionDuration, scrollBehavior } = getComputedStyle(element);
  return parseFloat(animationDuration) > 0 || parseFloat(transitionDuration) > 0
    || scrollBehavior === "smooth";
}).map((element) => element.outerHTML.slice(0, 120))"""
# Forced colours take grounds and shadows away: what can be pressed keeps an edge or is a link.
WITHOUT_AN_EDGE = """() => [...document.querySelectorAll(
    ".button, .card, .status, .verdict, .ticket, select, input:is([type=text], [type=search])")]
  .filter((element) => element.checkVisibility())
  .filter((element) => {
    const { borderTopStyle, borderTopWidth, borderTopColor } = getComputedStyle(element);
    return borderTopStyle === "none" || parseFloat(borderTopWidth) === 0
      || borderTopColor === "rgba(0, 0, 0, 0)";
  }).map((element) => element.outerHTML.slice(0, 120))"""
# A ring may be drawn on the control, on what stands before it, or on its label.
KEYBOARD = """() => {
  const controls = "a[href], button, input:not([type=hidden]), select, summary, [tabindex]";
  const isDrawn = ({ outlineStyle, outlineWidth }) =>
    outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const faults = [];
  for (const control of document.querySelectorAll(controls)) {
    if (!control.checkVisibility() || control.disabled || control.id === "content") continue;
    const name = control.outerHTML.slice(0, 120);
    if (control.tabIndex !== 0) faults.push(`no stop of its own: ${name}`);
    control.focus();
    if (document.activeElement !== control) faults.push(`takes no focus: ${name}`);
    const labels = [...(control.labels ?? [])];
    const places = [[control], [control, "::after"], ...labels.map((label) => [label])];
    const hasRing = places.some((place) => isDrawn(getComputedStyle(...place)));
    if (!hasRing) faults.push(`no ring: ${name}`);
    const { left, right, top, bottom } = control.getBoundingClientRect();
    const isSeen = left >= -1 && right <= innerWidth + 1 && bottom > 0 && top < innerHeight;
    if (!isSeen && labels.length === 0) faults.push(`out of sight with the focus: ${name}`);
  }
  return faults;
}"""

Opens = Callable[..., Gallery]


@pytest.fixture
def opened(chromium: Browser, site: Site) -> Iterator[Opens]:
    """Opens a window that looks as the test wants it."""
    windows = []

    def open_(**looks: Any) -> Gallery:
        context = chromium.new_context(
            base_url=site.address, service_workers="block", **{"reduced_motion": "reduce"} | looks
        )
        windows.append(context)
        return Gallery(context.new_page())

    yield open_
    for context in windows:
        context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_nothing_runs_off_the_screen_in_any_state(
    opened: Opens, states: dict[str, Any], language: str
) -> None:
    # axe sees every state in Dutch and in light, and once more in dark, in the others by turns.
    others = [one for one in LANGUAGES if one != "nl"]
    gallery = opened(color_scheme="light" if language == "nl" else "dark")
    wrong = {}
    for i, state in enumerate(states):
        gallery.show(state, language)
        # 200 % of 1280 px leaves a page 640 px of its own, 400 % leaves it 320.
        found = {width: gallery.measured(OFF_THE_SCREEN, width=width) for width in (640, 320)}
        if language in {"nl", others[i % 3]}:
            found |= {"axe": gallery.findings()}
        gallery.measured(LARGE_TEXT, width=1280)
        found |= {"large text": gallery.measured(OFF_THE_SCREEN)}
        gallery.measured(NORMAL_TEXT)
        wrong |= {(state, what): fault for what, fault in found.items() if fault}
    assert wrong == {}


def test_axe_would_find_something(opened: Opens) -> None:
    gallery = opened()
    gallery.show("card-active")
    gallery.measured("() => document.querySelector('h1').remove()")
    assert any("page-has-heading-one" in finding for finding in gallery.findings())


def test_every_state_can_be_used_with_less_motion_forced_colours_and_the_keyboard_alone(
    opened: Opens, states: dict[str, Any]
) -> None:
    gallery = opened(viewport={"width": 390, "height": 844})
    gallery.show("card-active")
    # From here on the browser shows where the focus is, as for everybody who uses the keyboard.
    gallery.page.keyboard.press("Tab")
    wrong = {}
    for state in states:
        page = gallery.show(state)
        found = {"motion": gallery.measured(IN_MOTION), "keyboard": gallery.measured(KEYBOARD)}
        page.emulate_media(forced_colors="active")
        found |= {"forced colours": gallery.measured(WITHOUT_AN_EDGE)}
        page.emulate_media(forced_colors="none")
        wrong |= {(state, what): fault for what, fault in found.items() if fault}
    assert wrong == {}


def test_the_checks_would_find_something(opened: Opens) -> None:
    gallery = opened(reduced_motion="no-preference")
    gallery.show("card-active")
    assert gallery.measured(IN_MOTION)
    gallery.measured("""() => {
      const tile = document.querySelector(".tiles a");
      tile.tabIndex = 3;
      tile.style.position = "fixed";
      tile.style.left = "2000px";
      document.querySelector(".button").style.border = "0";
    }""")
    assert len(gallery.measured(KEYBOARD)) == 2
    assert len(gallery.measured(WITHOUT_AN_EDGE)) == 1
    gallery.measured("() => { document.querySelector('main').style.minWidth = '3000px'; }")
    assert gallery.measured(OFF_THE_SCREEN) > 1000


@pytest.mark.parametrize("state", ["handoff", "sandbox"])
def test_codes_stay_black_on_white_in_forced_colours(opened: Opens, state: str) -> None:
    page = opened(forced_colors="active", color_scheme="dark").show(state)
    picture = page.locator(".qr svg, .code svg, svg[role=img]").first.screenshot()
    assert zxingcpp.read_barcode(Image.open(BytesIO(picture))) is not None


def test_the_tab_key_walks_the_card_page_from_top_to_bottom(page: Page) -> None:
    page.goto("/card-active?lang=en")
    stops = page.locator("a[href], button, summary").count()
    tops = []
    for _ in range(stops):
        page.keyboard.press("Tab")
        tops.append(
            page.evaluate(
                "() => [document.activeElement.closest('header, main, footer').tagName,"
                " document.activeElement.innerText.trim()]"
            )
        )
    places = [place for place, _ in tops]
    assert places == sorted(places, key=["HEADER", "MAIN", "FOOTER"].index)
    assert [name for place, name in tops if place == "MAIN"][:3] == [
        "Add to Apple Wallet",
        "Add to Google Wallet",
        "Show the card live here",
    ]


def test_the_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/card-active?lang=en")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_erasing_everything_takes_a_second_deliberate_step(page: Page) -> None:
    page.goto("/privacy-own?lang=en")
    erase = page.get_by_role("button", name="Erase everything about me")
    expect(erase).to_be_hidden()
    page.get_by_text("Erase my data", exact=True).click()
    expect(erase).to_be_visible()
