"""From the log-in to a code that a shop accepts, in a real browser, in each language.

A computer and a phone, as people use them: the wallet of the phone, going on from one to the
other, the live code through a camera, and the page on which the check then stands.
"""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO

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


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_teacher_walks_from_the_log_in_to_an_accepted_code(
    here: World, chromium: Browser, texts: Texts, language: str
) -> None:
    say = texts.get(language)
    service, shop = here.addresses.service, here.deployment.shops["museum"]
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
    with closing(Till(service, shop.name, shop.live_key)) as till:
        assert gist(till.scan(decoded(phone)))["valid"]
    phone.goto(f"{service}/card/activity")
    expect(phone.get_by_text(shop.name)).to_be_visible()
    expect(phone.get_by_text(say(Msgid("Accepted")), exact=True)).to_be_visible()
    for page in (computer, phone):
        page.context.close()
