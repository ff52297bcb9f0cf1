"""WCAG 2.2 AA as far as a machine sees it, in a real browser: axe, small screens, keyboard."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Axe()


def looks(states: dict[str, Any]) -> list[str]:
    """The states that differ in more than one sentence from another of the same template."""
    alike = ("problem-", "login-", "verdict-")
    chosen = {"problem-conflict", "login-stronger-means", "verdict-ok", "verdict-advice"}
    chosen |= {"verdict-already_used", "verdict-malformed", "verdict-test_card"}
    return [name for name in states if name in chosen or not name.startswith(alike)]


def visit(page: Page, name: str, language: str) -> None:
    """Open a state; the scanner's are drawn by a script that may come after the page."""
    page.goto(f"/{name}?lang={language}")
    if name.startswith("scanner-"):
        expect(page.locator("#plain")).to_have_count(0)


def findings(page: Page, only: dict[str, Any]) -> list[str]:
    result = AXE.run(page, options={"resultTypes": ["violations"], "runOnly": only})
    return [
        f"{found['id']}: {node['html']}"
        for found in result.response["violations"]
        for node in found["nodes"]
    ]


def test_axe_finds_nothing_in_light_and_dark(page: Page, states: dict[str, Any]) -> None:
    found = {}
    for name in looks(states):
        page.emulate_media(color_scheme="light")
        visit(page, name, "nl")
        found[name, "light"] = findings(page, {"type": "tag", "values": RULES})
        page.emulate_media(color_scheme="dark")
        found[name, "dark"] = findings(page, {"type": "rule", "values": ["color-contrast"]})
    assert {state: faults for state, faults in found.items() if faults} == {}
    assert len(found) > 40


@pytest.mark.parametrize("language", ["nl", "de"])
def test_nothing_runs_off_a_screen_of_320_px(
    page: Page, states: dict[str, Any], language: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    wide = []
    for name in looks(states):
        visit(page, name, language)
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(name)
    assert wide == []


def test_the_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/card-active?lang=en")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_every_button_of_the_card_is_reached_by_keyboard_with_a_visible_ring(page: Page) -> None:
    page.goto("/card-active?lang=en")
    page.get_by_role("main").focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("""() => {
              const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
              return [document.activeElement.innerText.trim(), outlineStyle, outlineWidth];
            }""")
        )
    names = [
        "Add to Apple Wallet",
        "Add to Google Wallet",
        "Show the card live here",
        "Who checked your card",
    ]
    assert seen[:3] == [[name, "solid", "3px"] for name in names[:3]]
    # A tile is wholly a link: its ring is drawn around the tile.
    assert seen[3][0] == names[3]


def test_erasing_everything_takes_a_second_deliberate_step(page: Page) -> None:
    page.goto("/privacy-own?lang=en")
    erase = page.get_by_role("button", name="Erase everything about me")
    expect(erase).to_be_hidden()
    page.get_by_text("Erase my data", exact=True).click()
    expect(erase).to_be_visible()
