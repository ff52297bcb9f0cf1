"""The live card in a real browser against a server that hands out strips."""

from http import HTTPStatus
from io import BytesIO
from time import monotonic
from typing import Any

import jwt
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.site import Site

pytestmark = pytest.mark.browser

# A server clock of its own, far from this machine's: the phone's clock must not matter.
START = 2_000_000_000
BODY = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 4 + "0123456789ABCDEFGH"


def code(number: int) -> str:
    return f"HTTPS://KAART.EXAMPLE/1{number:02}{BODY[2:]}"


# What a script of a thief would try.
READ_KEY = """() => new Promise((resolve) => {
  const request = indexedDB.open("lerarenkaart-live");
  request.onsuccess = () => {
    const keys = request.result.transaction("keys").objectStore("keys").get("device");
    keys.onsuccess = () =>
      crypto.subtle.exportKey("jwk", keys.result.privateKey).then(
        () => resolve("read"), (error) => resolve(error.name));
  };
})"""


class Clock:
    """Hands out strips of `strip_s` seconds from a server time that really runs."""

    def __init__(self, *, strip_s: int = 30, count: int = 20) -> None:
        self.strip_s = strip_s
        self.count = count
        self.began = monotonic()

    def __call__(self) -> dict[str, Any]:
        """The answer of this moment."""
        now = START + monotonic() - self.began
        first = int(now - START) // self.strip_s
        strips = [
            {
                "code": code(number),
                "from": START + number * self.strip_s,
                "until": START + (number + 1) * self.strip_s,
            }
            for number in range(first, first + self.count)
        ]
        return {"server_time": now, "strips": strips}


def read_qr(page: Page) -> str | None:
    found = zxingcpp.read_barcode(Image.open(BytesIO(page.screenshot())))
    return found.text if found else None


def wake(page: Page) -> None:
    """What a phone does that finds its network again: asks at once, not at the next retry."""
    page.evaluate("dispatchEvent(new Event('online'))")


def open_live(page: Page, site: Site, clock: Clock, state: str = "live") -> None:
    site.strips = clock
    page.goto(f"/{state}?lang=en")
    expect(page.locator("#qr")).to_be_visible()


def test_the_code_on_the_screen_is_the_strip_of_the_server_time(page: Page, site: Site) -> None:
    open_live(page, site, Clock())
    assert read_qr(page) == code(0)
    # Version 7 (45 modules, docs/card-token.md section 1) with a quiet zone of 4 on each side.
    expect(page.locator("#qr")).to_have_attribute("viewBox", "-4 -4 53 53")
    expect(page.get_by_role("status")).to_have_text("This code is valid now.")
    assert site.tokens == ["n5XxFQ"]


@pytest.mark.parametrize("width", [320, 390])
def test_the_code_is_black_on_white_in_dark_mode_on_a_small_phone(
    page: Page, site: Site, width: int
) -> None:
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": width, "height": 700})
    open_live(page, site, Clock())
    assert read_qr(page) == code(0)


def test_the_next_strip_follows_without_a_word_to_the_screen_reader(page: Page, site: Site) -> None:
    open_live(page, site, Clock(strip_s=2))
    page.evaluate("""() => {
      window.spoken = 0;
      const status = document.getElementById("status");
      const changes = { childList: true, characterData: true, subtree: true };
      new MutationObserver(() => window.spoken++).observe(status, changes);
    }""")
    page.wait_for_timeout(2200)
    assert read_qr(page) in {code(1), code(2)}
    assert page.evaluate("window.spoken") == 0


def test_the_countdown_runs_down_to_the_next_strip(page: Page, site: Site) -> None:
    open_live(page, site, Clock())
    first = int(page.locator("#seconds").inner_text())
    page.wait_for_timeout(2100)
    assert first - 3 <= int(page.locator("#seconds").inner_text()) <= first - 2


def test_a_dead_spot_is_bridged_by_the_strips_in_hand(page: Page, site: Site) -> None:
    open_live(page, site, Clock(count=9))
    page.context.set_offline(offline=True)
    wake(page)
    expect(page.get_by_role("status")).to_contain_text("No connection. Your card works until ")
    assert read_qr(page) == code(0)


def test_without_strips_no_dead_code_stays_on_the_screen(page: Page, site: Site) -> None:
    open_live(page, site, Clock(strip_s=1, count=2))
    site.strips_status = HTTPStatus.SERVICE_UNAVAILABLE
    expect(page.get_by_text("No code to show")).to_be_visible()
    wake(page)
    expect(page.get_by_role("status")).to_contain_text("the code is out of date")
    assert read_qr(page) is None

    site.strips_status = HTTPStatus.OK
    site.strips = Clock()
    wake(page)
    expect(page.locator("#qr")).to_be_visible()
    assert read_qr(page) == code(0)


def test_an_ended_session_offers_to_log_in_again(page: Page, site: Site) -> None:
    site.strips_status = HTTPStatus.UNAUTHORIZED
    page.goto("/live?lang=en")
    expect(page.get_by_role("status")).to_have_text(
        "You are logged out. Log in again to show your card."
    )
    expect(page.get_by_role("link", name="Log in again")).to_be_visible()
    expect(page.locator("#qr")).to_be_hidden()


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
def test_a_refusal_points_to_the_card_page_and_is_not_repeated(
    page: Page, site: Site, status: HTTPStatus
) -> None:
    site.strips_status = status
    page.goto("/live?lang=en")
    expect(page.get_by_role("status")).to_contain_text("Your card page says why.")
    page.wait_for_timeout(1500)
    assert len(site.tokens) == 1


def test_another_device_says_so_and_takes_over_only_when_told(page: Page, site: Site) -> None:
    site.strips_status = HTTPStatus.CONFLICT
    page.goto("/live?lang=en")
    expect(page.get_by_role("status")).to_have_text("Another device shows your card.")
    expect(page.locator("#qr")).to_be_hidden()
    page.wait_for_timeout(1500)
    assert site.bodies == ["minutes=10&moving=false"]

    site.strips_status = HTTPStatus.OK
    site.strips = Clock()
    page.get_by_role("button", name="Show it here").click()
    expect(page.locator("#qr")).to_be_visible()
    assert site.bodies[1:] == ["minutes=10&moving=true"]
    expect(page.get_by_role("button", name="Show it here")).to_be_hidden()


def test_codes_for_an_hour_are_fetched_when_asked_for(page: Page, site: Site) -> None:
    open_live(page, site, Clock())
    site.strips = Clock(count=120)
    page.get_by_role("button", name="for an hour").click()
    expect(page.get_by_role("button", name="for an hour")).to_be_hidden()
    assert site.bodies == ["minutes=10&moving=false", "minutes=60&moving=false"]


def test_one_key_signs_every_request_and_cannot_leave_the_browser(page: Page, site: Site) -> None:
    open_live(page, site, Clock())
    page.reload()
    expect(page.locator("#qr")).to_be_visible()
    headers = [jwt.get_unverified_header(proof) for proof in site.proofs]
    assert len(headers) == 2
    assert headers[0] == headers[1]
    assert headers[0].keys() == {"typ", "alg", "jwk"}
    key = jwt.PyJWK(headers[0]["jwk"], algorithm="ES256")
    claims = jwt.decode(site.proofs[0], key, options={"verify_iat": False})
    told = (claims["htm"], claims["htu"], claims["nonce"])
    assert told == ("POST", f"{site.address}/card/strips", "n5XxFQ")
    assert page.evaluate(READ_KEY) == "InvalidAccessError"


def test_no_code_is_left_in_the_browser(page: Page, site: Site) -> None:
    open_live(page, site, Clock())
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]


def test_without_javascript_the_page_gives_the_number(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=site.address)
    plain = context.new_page()
    plain.goto("/live?lang=en")
    expect(plain.get_by_text("this browser does not run the JavaScript")).to_be_visible()
    expect(plain.get_by_text("7KM3P\u00a0X9Q2D")).to_be_visible()
    context.close()
