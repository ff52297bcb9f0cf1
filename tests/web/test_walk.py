"""From the log-in to a code that a shop accepts, in a real browser, in each language.

A computer and a phone, as people use them: the wallet of the phone, going on from one to the
other, the live code through a camera, and the page on which the check then stands.
"""

import zipfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.passes.content import LANGUAGES
from app.web.texts import Msgid, Texts
from demo.shop import Till, gist
from demo.world import World, world

pytestmark = pytest.mark.browser

# Who walks in which language: each has a right to a card and none yet.
WALKERS = dict(zip(LANGUAGES, ("permanent", "clb", "university", "diacritics"), strict=True))
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("walk") / "world") as here:
        yield here


def decoded(page: Page) -> str:
    """What a camera reads on the screen."""
    found = zxingcpp.read_barcode(Image.open(BytesIO(page.screenshot(full_page=True))))
    assert found is not None
    return found.text


def a_till(here: World) -> Till:
    """The museum's."""
    shop = here.deployment.shops["museum"]
    return Till(here.addresses.service, shop.name, shop.live_key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_teacher_walks_from_the_log_in_to_an_accepted_code(
    here: World, chromium: Browser, texts: Texts, language: str
) -> None:
    say = texts.get(language)
    service, shop = here.addresses.service, here.deployment.shops["museum"].name
    computer = chromium.new_context(locale=f"{language}-BE", reduced_motion="reduce").new_page()
    computer.goto(service)
    computer.get_by_role("link", name=say(Msgid("Log in and get your card"))).click()
    computer.check(f'input[name="person"][value="{WALKERS[language]}"]')
    computer.locator('button[value="log-in"]').click()
    computer.get_by_role("button", name=say(Msgid("Get my card"))).click()
    expect(computer.get_by_text(say(Msgid("Valid")), exact=True).first).to_be_visible()

    computer.get_by_role("button", name=say(Msgid("Go on with my phone"))).click()
    phone = chromium.new_context(locale=f"{language}-BE", **PHONE).new_page()
    phone.goto(decoded(computer))
    phone.get_by_role("button", name=say(Msgid("Yes, go on"))).click()
    number = phone.locator(".big-number").inner_text()
    # The script of the page notices by itself that a phone waits.
    computer.get_by_role("button", name=number, exact=True).click()
    expect(phone.get_by_role("heading", level=1)).to_have_text(say(Msgid("Your teacher card")))

    phone.get_by_role("link", name=say(Msgid("Show the card live here"))).click()
    expect(phone.locator("#qr")).to_be_visible()
    with closing(a_till(here)) as till:
        assert gist(till.scan(decoded(phone)))["valid"]
    phone.goto(f"{service}/card/activity")
    expect(phone.get_by_text(shop)).to_be_visible()
    expect(phone.get_by_text(say(Msgid("Accepted")), exact=True)).to_be_visible()
    for page in (computer, phone):
        page.context.close()


def test_everything_but_the_live_code_works_without_javascript(
    here: World, chromium: Browser
) -> None:
    context = chromium.new_context(
        java_script_enabled=False, base_url=here.addresses.service, locale="en-BE"
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Log in and get your card").click()
    page.check('input[name="person"][value="partial-leave"]')
    page.locator('button[value="log-in"]').click()
    page.get_by_role("button", name="Get my card").click()
    expect(page.get_by_text("Valid", exact=True).first).to_be_visible()
    number = page.locator(".card .number").inner_text()

    with page.expect_download() as download:
        page.get_by_role("button", name="Add to Apple Wallet").click()
    assert zipfile.is_zipfile(download.value.path())
    page.get_by_role("button", name="Add to Google Wallet").click()
    assert page.url.startswith(here.addresses.google)

    page.goto("/card/live")
    expect(page.get_by_text("does not run the JavaScript")).to_be_visible()
    expect(page.get_by_text(number)).to_be_visible()
    page.get_by_role("link", name="Back to your card").click()

    page.get_by_role("link", name="Code for a webshop").click()
    page.get_by_role("button", name="Make a code").click()
    expect(page.get_by_role("button", name="Copy the code")).to_be_hidden()
    code = page.locator("#code").inner_text()
    with closing(a_till(here)) as till:
        assert gist(till.scan(code, channel="webshop"))["valid"]
    page.get_by_role("link", name="What became of my code?").click()
    expect(page.get_by_text("Used", exact=True)).to_be_visible()
    page.get_by_role("link", name="See who checked your card").click()
    expect(page.get_by_text("Accepted", exact=True)).to_be_visible()

    page.goto("/card/paper")
    page.get_by_role("button", name="Make my card on paper").click()
    expect(page.get_by_role("link", name="Open a sheet of A4 (PDF)")).to_be_visible()
    page.goto("/benefits")
    page.get_by_label("Near postcode").fill("9000")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("about 1 km").first).to_be_visible()

    page.goto("/card/lost")
    page.get_by_role("button", name="Stop this card and give me a new one").click()
    expect(page.get_by_text("Your old card has stopped.")).to_be_visible()
    assert page.locator(".card .number").inner_text() != number

    page.goto("/privacy")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data (JSON)").click()
    assert number.replace("\N{NO-BREAK SPACE}", "") in Path(download.value.path()).read_text()
    page.get_by_text("Erase my data", exact=True).click()
    page.get_by_role("button", name="Erase everything about me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your data is erased")
    context.close()
