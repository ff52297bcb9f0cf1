"""A shop with nothing but a phone: set up by a code, then point and see."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.cards.token import Carrier
from app.passes import qr
from tests.web.scanner.clip import film
from tests.web.scanner.shop import Shop

pytestmark = pytest.mark.browser


def test_a_phone_is_set_up_and_sees_the_rotating_code_as_one_card(
    shop: Shop,
    open_window: Callable[..., Page],
    film_of: Callable[[Path], Browser],
    tmp_path: Path,
) -> None:
    teacher = shop.customer()
    before, now = teacher.web(ago=timedelta(seconds=30)), teacher.web()
    # The code changes before the camera's eyes; then the phone leaves the picture and comes back.
    clip = film(tmp_path / "rotating.y4m", [(before, 4), (now, 4), (None, 4), (now, 20)])
    page = open_window(film_of(clip))
    page.goto("/scanner?lang=en")
    page.get_by_label("Set-up code").fill(shop.set_up_code().lower())
    page.get_by_role("button", name="Set up this device").click()
    # The camera of this browser may be used without asking, so nobody has to press anything.
    expect(page.locator("#word")).to_have_text("Valid")
    expect(page.locator("#initials-letters")).to_have_text("A P")
    expect(page.locator("#facts")).to_contain_text("live code")
    expect(page.locator("#stage")).to_have_attribute("data-tone", "ok")
    assert teacher.scans() == [(True, "ok", False)]
    expect(page.locator("#shift-count")).to_have_text("2")
    assert teacher.scans() == [(True, "ok", False)] * 2


def test_a_photo_of_the_code_does_where_there_is_no_camera(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page], tmp_path: Path
) -> None:
    teacher = shop.customer()
    page = as_till(open_window())
    picture = tmp_path / "photo.png"
    code = Image.open(BytesIO(qr.png(teacher.fixed(Carrier.PAPER), module_px=5)))
    table = Image.new("RGB", (1600, 1200), "beige")
    table.paste(code.rotate(12, expand=True, fillcolor=255), (700, 300))
    table.save(picture)
    page.locator("#photo").set_input_files(picture)
    expect(page.locator("#word")).to_have_text("Valid")
    expect(page.locator("#facts")).to_contain_text("Paper")
    Image.new("RGB", (640, 480), "beige").save(picture)
    page.locator("#photo").set_input_files(picture)
    expect(page.locator("#message")).to_contain_text("No QR code found in the photo")
    assert len(teacher.scans()) == 1


def test_a_browser_that_reads_codes_itself_fetches_no_decoder(
    shop: Shop, open_window: Callable[..., Page], as_till: Callable[..., Page], tmp_path: Path
) -> None:
    teacher = shop.customer()
    page = open_window(service_workers="block")
    page.add_init_script("""self.BarcodeDetector = class {
      static getSupportedFormats = async () => ["ean_13", "qr_code"];
      detect = async () => [{ rawValue: self.shown }];
    };""")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    as_till(page)
    page.evaluate("(code) => { self.shown = code; }", teacher.web())
    picture = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "beige").save(picture)
    page.locator("#photo").set_input_files(picture)
    expect(page.locator("#word")).to_have_text("Valid")
    assert [url for url in fetched if "decoder" in url or "zxing" in url] == []
