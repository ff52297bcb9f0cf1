"""A shop with a USB scanner: it types, on an AZERTY till what nobody can read."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.cards.token import Carrier
from app.web.sheet import test_texts as sheet_texts
from tests.cards.test_azerty import AS_SHOWN
from tests.web.scanner.gun import shoot
from tests.web.scanner.shop import Shop

pytestmark = pytest.mark.browser


def test_a_gun_on_an_azerty_till_checks_cards_without_anybody_touching_the_page(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    teacher = shop.customer()
    page = as_till(open_window())
    garbled = teacher.web().translate(AS_SHOWN)
    assert garbled.startswith("HTTPM==")
    shoot(page, garbled)
    expect(page.locator("#word")).to_have_text("Valid")
    expect(page.locator("#initials-letters")).to_have_text("A P")
    assert teacher.scans() == [(True, "ok", False)]


def test_enter_at_the_end_of_a_scan_presses_no_button_and_tab_moves_no_focus(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    teacher = shop.customer()
    page = as_till(open_window())
    settings = page.get_by_text("Settings", exact=True)
    settings.focus()
    for end in ("Enter", "Tab"):
        shoot(page, teacher.fixed(Carrier.APPLE), end=end)
        expect(page.locator("#word")).to_have_text("Valid")
        expect(settings).to_be_focused()
    expect(page.get_by_label("Which codes do you accept?")).to_be_hidden()


def test_what_a_person_types_is_no_scan_and_a_held_key_neither(
    open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    page = as_till(open_window())
    shoot(page, "HTTPS://", gap_ms=200)
    shoot(page, "abc")
    page.keyboard.down("a")
    for _ in range(20):
        page.keyboard.down("a")  # the second and later ones are repeats
    page.keyboard.up("a")
    page.keyboard.press("Enter")
    expect(page.locator("#shift-count")).to_have_text("0")
    expect(page.locator("#result")).to_be_hidden()


def test_a_card_number_is_typed_by_hand(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    teacher = shop.customer()
    page = as_till(open_window())
    field = page.get_by_label("Card number or webshop code")
    field.fill(f" {teacher.number[:5].lower()}-{teacher.number[5:]} ")
    field.press("Enter")
    expect(page.locator("#word")).to_have_text("Valid")
    expect(page.locator("#facts")).to_contain_text("fixed code")
    expect(field).to_have_value("")
    field.fill("7KM3PX9Q2E")
    field.press("Enter")
    expect(page.locator("#message")).to_contain_text("This is not a teacher card code")
    page.keyboard.press("Escape")
    expect(page.locator("#result")).to_be_hidden()


def test_a_shop_that_accepts_live_codes_only_refuses_paper(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page]
) -> None:
    teacher = shop.customer()
    page = as_till(open_window())
    page.get_by_text("Settings", exact=True).click()
    page.get_by_label("Which codes do you accept?").select_option("live")
    page.reload()
    expect(page.locator("#connection")).to_contain_text("up to date")
    shoot(page, teacher.fixed(Carrier.PAPER))
    expect(page.locator("#message")).to_contain_text("A code of this kind is not enough here")
    shoot(page, teacher.web())
    expect(page.locator("#word")).to_have_text("Valid")


def test_the_sheet_tells_what_is_set_up_wrongly(
    shop: Shop, open_window: Callable[..., Page]
) -> None:
    page = open_window()
    page.goto("/scanner/sheet?lang=en")
    said = page.locator("#outcome-words")
    for letter, text in zip("AB", sheet_texts(shop.base), strict=True):
        shoot(page, text)
        expect(said).to_have_text(f"Code {letter} was read well, letter by letter.")
        shoot(page, text.translate(AS_SHOWN))
        expect(said).to_contain_text(f"Code {letter} was read well, but the gun types for a US")
        shoot(page, text.lower())
        expect(said).to_contain_text("small letters and capitals are mixed up")
    shoot(page, text.replace("Y", "Z"))
    expect(said).to_contain_text("Wrong characters: Z instead of Y.")
    shoot(page, "5410041001204")
    expect(said).to_have_text("This is another code. Scan code A or code B of this page.")
    shoot(page, text, end="")
    expect(said).to_contain_text("no Enter came at the end")
