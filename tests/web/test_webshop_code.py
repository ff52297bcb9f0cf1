"""The page that shows a webshop code, in a browser: to be copied by a press or by hand."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CODE = "W7K3MPX9Q2D"


def test_one_press_copies_the_code_without_its_gaps_and_says_so(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/webshop-code-given?lang=en")
    page.get_by_role("button", name="Copy the code").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == CODE


def test_one_touch_selects_the_whole_code_without_its_gaps(page: Page) -> None:
    page.goto("/webshop-code-given?lang=en")
    page.locator("#code span").first.click()
    assert page.evaluate("getSelection().toString().trim()") == CODE


def test_the_page_goes_on_by_itself_when_the_code_was_used(page: Page) -> None:
    page.route("**/card/webshop-codes/step", lambda route: route.fulfill(json={"step": "used"}))
    page.route("**/card/webshop-codes", lambda route: route.fulfill(body="What became of it"))
    page.goto("/webshop-code-given?lang=en")
    expect(page.get_by_text("What became of it")).to_be_visible()
