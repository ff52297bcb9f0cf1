"""How a device becomes a till of a shop, and how it stops being one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.cards.token import Carrier
from tests.web.scanner.gun import shoot
from tests.web.scanner.shop import Shop

pytestmark = pytest.mark.browser


def test_a_code_works_once_and_its_key_stays_with_the_device(
    shop: Shop, open_window: Callable[..., Page]
) -> None:
    code, page = shop.set_up_code(), open_window()
    # The link of a set-up sheet carries the code where no server and no log sees it.
    page.goto(f"/scanner?lang=en#enrol={code}")
    expect(page.get_by_label("Set-up code")).to_have_value(code)
    assert "enrol" not in page.url
    page.get_by_label("Set-up code").press("Enter")
    expect(page.locator("#place")).to_have_text(f"{shop.name} – 1")  # noqa: RUF001 - a dash
    page.reload()
    expect(page.locator("#place")).to_have_text(f"{shop.name} – 1")  # noqa: RUF001 - a dash

    second = open_window()
    second.goto("/scanner?lang=en")
    second.get_by_label("Set-up code").fill(code)
    second.get_by_role("button", name="Set up this device").click()
    expect(second.get_by_role("alert").first).to_contain_text("works once, within a day")
    second.context.set_offline(True)
    second.get_by_role("button", name="Set up this device").click()
    expect(second.get_by_role("alert").first).to_contain_text("the code was not used")


def test_a_device_whose_key_was_withdrawn_says_so_and_keeps_what_it_has_to_send(
    shop: Shop, open_window: Callable[..., Page]
) -> None:
    visitor, page = shop.customer(), open_window()
    page.goto("/scanner?lang=en")
    page.get_by_label("Set-up code").fill(shop.set_up_code())
    page.get_by_label("Set-up code").press("Enter")
    expect(page.locator("#connection")).to_contain_text("up to date")
    page.context.set_offline(True)
    shoot(page, visitor.fixed(Carrier.APPLE))
    expect(page.locator("#word")).to_have_text("Valid")
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("button", name="Forget this till").click()
    expect(page.locator("#leave-fault")).to_contain_text("nothing is lost")

    shop.withdraw_newest()
    page.context.set_offline(False)
    expect(page.get_by_role("alert").first).to_contain_text("its key was withdrawn")
    page.get_by_label("Set-up code").fill(shop.set_up_code())
    page.get_by_label("Set-up code").press("Enter")
    expect(page.locator("#connection")).to_have_text(
        "Connected. List of refused cards: up to date."
    )
    assert visitor.scans() == [(True, "ok", True)]

    page.get_by_role("button", name="Forget this till").click()
    expect(page.get_by_label("Set-up code")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Set-up code")).to_be_visible()


def test_a_practice_device_knows_test_cards_only(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    visitor = shop.customer()
    page = as_till(open_window(), test=True)
    expect(page.get_by_text("Practice: this device knows test cards only")).to_be_visible()
    for offline in (False, True):
        page.context.set_offline(offline)
        shoot(page, visitor.web())
        expect(page.locator("#message")).to_contain_text("We do not know this card")
        page.keyboard.press("Escape")
