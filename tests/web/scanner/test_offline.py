"""A museum without a network: it goes on checking, says so, and sends each check once."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from app.cards.token import Carrier
from tests.web.scanner.gun import shoot
from tests.web.scanner.shop import Holder, Shop

pytestmark = pytest.mark.browser

KEPT = """async () => {
  const names = await caches.keys();
  const lists = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return lists.flat().map(({ url }) => new URL(url).pathname);
}"""
REMEMBERED = """() => new Promise((resolve) => {
  const opening = indexedDB.open("lerarenkaart-scanner");
  opening.onsuccess = async () => {
    const names = [...opening.result.objectStoreNames];
    const reading = opening.result.transaction(names);
    const all = names.map((name) => new Promise((done) => {
      reading.objectStore(name).getAll().onsuccess = ({ target }) => done(target.result);
    }));
    resolve(JSON.stringify(await Promise.all(all)));
  };
})"""


def connection(page: Page) -> Any:
    return expect(page.locator("#connection"))


def installed(page: Page) -> None:
    """Wait until the page can be opened without a network."""
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


def test_the_page_opens_checks_and_remembers_without_a_network_and_sends_each_check_once(
    shop: Shop, lost_card: Holder, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitors = [shop.customer() for _ in range(3)]
    page = as_till(open_window())
    installed(page)
    page.context.set_offline(True)
    page.reload()
    connection(page).to_contain_text("Offline. List of refused cards")
    expect(page.locator("#unseen")).to_be_visible()

    live = visitors[0].web()
    shoot(page, live)
    expect(page.locator("#word")).to_have_text("Valid")
    expect(page.locator("#initials-letters")).to_have_text("A P")
    expect(page.locator("#facts")).to_contain_text("live code")
    expect(page.locator("#hints")).to_contain_text("Offline: we cannot see")
    shoot(page, live)
    expect(page.locator("#hints")).to_contain_text("Scanned here a moment ago: counted once.")
    shoot(page, visitors[1].fixed(Carrier.APPLE))
    expect(page.locator("#facts")).to_contain_text("recent code")
    shoot(page, visitors[2].fixed(Carrier.PAPER))
    expect(page.locator("#facts")).to_contain_text("fixed code")
    shoot(page, lost_card.fixed(Carrier.APPLE))
    expect(page.locator("#message")).to_contain_text("This card is not valid")
    shoot(page, visitors[2].number)
    expect(page.locator("#message")).to_contain_text("A typed number can only be checked with a")
    expect(page.locator("#word")).to_have_text("Not checked")

    page.reload()
    connection(page).to_contain_text("Checks waiting to be sent: 3.")
    assert [visitor.scans() for visitor in visitors] == [[], [], []]
    page.context.set_offline(False)
    connection(page).to_have_text("Connected. List of refused cards: up to date.")
    assert [visitor.scans() for visitor in visitors] == [[(True, "ok", True)]] * 3
    assert lost_card.scans() == []
    page.get_by_text("This shift").click()
    expect(page.get_by_text("offline, sent", exact=False)).to_have_count(3)


def test_an_upload_whose_answer_is_lost_is_sent_again_and_counted_once(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor = shop.customer()
    page = as_till(open_window(service_workers="block"))
    lost: list[Route] = []

    def lose_the_answer(route: Route) -> None:
        lost.append(route)
        route.fetch()
        route.abort()

    page.context.set_offline(True)
    shoot(page, visitor.fixed(Carrier.APPLE))
    expect(page.locator("#word")).to_have_text("Valid")
    page.route("**/api/v1/verifications", lose_the_answer, times=1)
    with page.expect_event("requestfailed", lambda request: "verifications" in request.url):
        page.context.set_offline(False)
    connection(page).to_contain_text("Checks waiting to be sent: 1.")
    page.reload()
    connection(page).to_have_text("Connected. List of refused cards: up to date.")
    assert len(lost) == 1
    assert visitor.scans() == [(True, "ok", True)]


def test_a_check_that_the_service_refuses_afterwards_is_marked_in_the_list_of_the_shift(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor = shop.customer()
    page = as_till(open_window())
    visitor.revoke()
    page.wait_for_timeout(1500)  # a device knows the time of the service to the second
    page.context.set_offline(True)
    shoot(page, visitor.fixed(Carrier.APPLE))
    expect(page.locator("#word")).to_have_text("Valid")
    page.context.set_offline(False)
    connection(page).to_contain_text("Connected.")
    page.get_by_text("This shift").click()
    expect(page.locator("#shift-lines")).to_contain_text("refused afterwards")
    assert visitor.scans() == [(False, "not_valid", True)]


def test_after_a_day_without_the_service_nothing_is_judged_any_more(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor = shop.customer()
    page = as_till(open_window())
    page.context.set_offline(True)
    page.clock.install()
    page.clock.fast_forward("23:50:00")
    shoot(page, visitor.fixed(Carrier.PAPER))
    expect(page.locator("#word")).to_have_text("Valid")
    connection(page).to_contain_text("List of refused cards: 23 hours old.")
    page.clock.fast_forward("00:20:00")
    shoot(page, visitor.fixed(Carrier.PAPER))
    expect(page.locator("#word")).to_have_text("Not checked")
    expect(page.locator("#message")).to_contain_text("for more than 24 hours")
    connection(page).to_contain_text("cards cannot be checked")


def test_a_clock_that_is_set_back_does_not_make_the_list_young_again(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor = shop.customer()
    page = as_till(open_window())
    page.context.set_offline(True)
    page.clock.install()
    page.clock.fast_forward("12:00:00")
    shoot(page, visitor.fixed(Carrier.PAPER))
    expect(page.locator("#word")).to_have_text("Valid")
    page.evaluate("Date.now = ((now) => () => now() - 6 * 3600_000)(Date.now)")
    shoot(page, visitor.fixed(Carrier.APPLE))
    expect(page.locator("#message")).to_contain_text("The clock of this device was set back")


@pytest.mark.parametrize("answer", [200, 502])
def test_a_log_in_page_of_a_hotel_and_a_broken_proxy_count_as_no_network(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page], answer: int
) -> None:
    visitor = shop.customer()
    page = as_till(open_window(service_workers="block"))
    page.route("**/api/**", lambda route: route.fulfill(status=answer, body="<p>Welcome"))
    shoot(page, visitor.web())
    expect(page.locator("#word")).to_have_text("Valid")
    connection(page).to_contain_text("Offline.")
    page.unroute_all()
    page.reload()
    connection(page).to_have_text("Connected. List of refused cards: up to date.")
    assert visitor.scans() == [(True, "ok", True)]


def test_without_a_list_nothing_is_judged(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor = shop.customer()
    page = as_till(open_window())
    page.evaluate("""async () => {
      const styles = document.querySelector('link[href$="scanner.css"]').href;
      const store = await import(new URL("store.js", styles));
      await store.keep("known", undefined);
    }""")
    installed(page)
    page.context.set_offline(True)
    page.reload()
    shoot(page, visitor.web())
    expect(page.locator("#message")).to_contain_text("has not downloaded the list")


def test_nothing_about_holders_and_no_verdict_stays_on_the_device(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor, code = shop.customer(), shop.customer().fixed(Carrier.APPLE)
    page = as_till(open_window())
    installed(page)
    shoot(page, visitor.web())
    expect(page.locator("#shift-count")).to_have_text("1")
    page.context.set_offline(True)
    shoot(page, code)
    expect(page.locator("#shift-count")).to_have_text("2")
    assert code in page.evaluate(REMEMBERED)
    page.context.set_offline(False)
    connection(page).to_have_text("Connected. List of refused cards: up to date.")
    remembered = page.evaluate(REMEMBERED)
    assert "/1" not in remembered
    assert '"initials"' not in remembered
    kept = page.evaluate(KEPT)
    assert "/scanner" in kept
    assert [path for path in kept if not path.startswith(("/scanner", "/static/"))] == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
