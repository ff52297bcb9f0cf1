"""The live card of the real service in dead spots, and on two phones: a browser, cut off for real.

The service runs as a process of its own; `World` has everybody around it.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.shop import Till, gist
from demo.world import World, world

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
KEPT = """async () => {
  const names = await caches.keys();
  const lists = await Promise.all(names.map(async (name) => {
    const cache = await caches.open(name);
    return Promise.all((await cache.keys()).map(async (key) =>
      [new URL(key.url).pathname, await (await cache.match(key)).text()]));
  }));
  return lists.flat();
}"""
REMEMBERED = """() => new Promise((resolve) => {
  const opening = indexedDB.open("lerarenkaart-live");
  opening.onsuccess = () => {
    const card = opening.result.transaction("card").objectStore("card").get("card");
    card.onsuccess = () => resolve(JSON.stringify(card.result ?? null));
  };
})"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("dead-spots") / "world") as here:
        yield here


@pytest.fixture
def phone(here: World, chromium: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Makes phones, each with a key of its own."""
    phones: list[BrowserContext] = []

    def make() -> BrowserContext:
        context = chromium.new_context(
            base_url=here.addresses.service, locale="en-BE", reduced_motion="reduce", **PHONE
        )
        phones.append(context)
        return context

    yield make
    for context in phones:
        context.close()


def open_live(context: BrowserContext, person: str) -> Page:
    """Log in as one of the cast and open the live card."""
    page = context.new_page()
    page.goto("/card")
    page.check(f'input[name="person"][value="{person}"]')
    page.locator('button[value="log-in"]').click()
    get = page.get_by_role("button", name="Get my card")
    if get.count():
        get.click()
    page.goto("/card/live")
    return page


def installed(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


def decoded(page: Page) -> str | None:
    found = zxingcpp.read_barcode(Image.open(BytesIO(page.screenshot(full_page=True))))
    return found.text if found else None


def judged(here: World, code: str | None) -> object:
    shop = here.deployment.shops["museum"]
    with closing(Till(here.addresses.service, shop.name, shop.live_key)) as till:
        return gist(till.scan(code or ""))["reason"]


def test_the_card_opens_in_a_dead_spot_says_until_when_and_its_code_is_accepted(
    here: World, phone: Callable[[], BrowserContext]
) -> None:
    context = phone()
    page = open_live(context, "permanent")
    expect(page.locator("#qr")).to_be_visible()
    printed = page.locator(".name").inner_text(), page.locator("#card-number").inner_text()
    installed(page)
    context.set_offline(True)
    page.reload()
    expect(page.locator("#qr")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("No connection. Your card works until ")
    assert printed == (
        page.locator(".name").inner_text(),
        page.locator("#card-number").inner_text(),
    )
    assert judged(here, decoded(page)) == "ok"

    context.set_offline(False)
    expect(page.get_by_role("status")).to_have_text("This code is valid now.")
    expect(page.get_by_role("button", name="for an hour")).to_be_attached()


def test_nothing_about_the_holder_is_kept_beside_the_codes_in_hand(
    phone: Callable[[], BrowserContext],
) -> None:
    page = open_live(phone(), "clb")
    expect(page.locator("#qr")).to_be_visible()
    installed(page)
    kept = dict(page.evaluate(KEPT))
    name = page.locator("#holder-name").inner_text()
    number = page.locator("#card-number").inner_text()
    assert {"/card/live/offline"} == {path for path in kept if not path.startswith("/static/")}
    assert not [path for path, text in kept.items() if name in text or number in text]
    assert "csrf-token" not in kept["/card/live/offline"]
    assert number in page.evaluate(REMEMBERED)


def test_who_logs_out_leaves_no_code_behind(phone: Callable[[], BrowserContext]) -> None:
    context = phone()
    page = open_live(context, "university")
    expect(page.locator("#qr")).to_be_visible()
    installed(page)
    page.goto("/card")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Goodbye")
    assert page.evaluate(REMEMBERED) == "null"
    context.set_offline(True)
    page.goto("/card/live")
    expect(page.get_by_role("status")).to_contain_text("this device holds no codes")
    expect(page.locator(".name")).to_be_hidden()
    assert decoded(page) is None


def test_a_card_that_moves_is_refused_on_the_first_phone_which_says_so_and_what_to_do(
    here: World, phone: Callable[[], BrowserContext]
) -> None:
    first = open_live(phone(), "diacritics")
    expect(first.locator("#qr")).to_be_visible()
    second = open_live(phone(), "diacritics")
    expect(second.get_by_role("status")).to_have_text("Another device shows your card.")
    expect(second.locator("#qr")).to_be_hidden()
    stored = decoded(first)

    second.get_by_role("button", name="Show it here").click()
    expect(second.locator("#qr")).to_be_visible()
    assert judged(here, stored) == "unknown_card"
    assert judged(here, decoded(second)) == "ok"
    first.evaluate("dispatchEvent(new Event('online'))")
    expect(first.get_by_role("status")).to_contain_text("Your card has moved to another device.")
    assert decoded(first) is None
    assert first.evaluate(REMEMBERED) == "null"
    expect(first.get_by_role("link", name="Stop my card")).to_be_visible()

    # The first may have it back, by the same one press.
    first.get_by_role("button", name="Show it here").click()
    expect(first.locator("#qr")).to_be_visible()
