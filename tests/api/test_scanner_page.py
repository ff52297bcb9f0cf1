"""The scanner page over HTTP: what it may do, what makes it installable, what it keeps."""

import re

import httpx
from PIL import Image

from demo.scanner import read_code
from tests.api.stage import Service

PAGE = {"accept": "text/html"}
OWN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def directives(answer: httpx.Response) -> set[str]:
    return set(answer.headers["content-security-policy"].split("; "))


def test_only_the_scanner_may_use_the_camera_and_only_its_decoder_may_compile(
    service: Service,
) -> None:
    page, decoder = service.http.get("/scanner"), service.http.get("/scanner/decoder.js")
    assert directives(page) == {*OWN.split("; "), "manifest-src 'self'"}
    assert "camera=(self), " in page.headers["permissions-policy"]
    assert directives(decoder) == {
        *("default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'")
    }
    for other in ("/", "/scanner/sheet", "/scanner/worker.js", "/1ABC"):
        answer = service.http.get(other, headers=PAGE)
        assert "camera=()" in answer.headers["permissions-policy"]
        assert "wasm" not in answer.headers["content-security-policy"]


def test_the_page_says_which_codes_are_ours(service: Service) -> None:
    base = service.address.upper()
    assert f'data-code-base="{base}"' in service.http.get("/scanner").text


def test_the_codes_of_the_sheet_are_read_by_a_camera_and_are_no_cards(service: Service) -> None:
    sheet = service.http.get("/scanner/sheet").text
    tests = re.findall(
        r'data-test="([^"]+)".*?viewBox="0 0 (\d+) \2"><path d="([^"]+)"', sheet, re.DOTALL
    )
    assert [int(side) for _, side, _ in tests] == [41, 57]
    for text, side, path in tests:
        picture = Image.new("1", (int(side), int(side)), 1)
        for x, y in re.findall(r"M(\d+) (\d+)h", path):
            picture.putpixel((int(x), int(y)), 0)
        assert read_code(picture.resize((int(side) * 6, int(side) * 6)).convert("L")) == text
        assert service.till().scan(text).json()["reason"] == "malformed"


def test_a_preview_of_a_link_proves_nothing_uses_nothing_and_is_counted(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    link = "/1" + code.rpartition("/1")[2]
    heads = [service.http.head(link, headers=PAGE) for _ in range(61)]
    assert [head.status_code for head in heads] == [200] * 60 + [429]
    assert heads[0].content == b""
    assert heads[0].headers["cache-control"] == "no-store"
    assert service.till().scan(code).json()["reason"] == "ok"


def test_the_camera_page_says_how_to_become_a_partner(service: Service) -> None:
    page = service.http.get("/1ABC", headers=PAGE | {"accept-language": "en"}).text
    assert "Become a partner" in page
    assert 'href="/scanner"' in page
    assert "noindex" in page
