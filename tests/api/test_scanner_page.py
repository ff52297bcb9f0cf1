"""The scanner page over HTTP: what it may do, what makes it installable, what it keeps."""

import re
from io import BytesIO
from urllib.parse import urljoin

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


def test_the_page_can_be_installed_in_the_language_of_the_browser(service: Service) -> None:
    page = service.http.get("/scanner")
    (address,) = re.findall(r'rel="manifest" href="([^"]+)"', page.text)
    for language, name in {
        "nl": "Scanner voor lerarenkaarten",
        "en": "Scanner for teacher cards",
    }.items():
        answer = service.http.get(address, headers={"accept-language": language})
        manifest = answer.json()
        assert answer.headers["content-type"] == "application/manifest+json"
        assert (manifest["name"], manifest["lang"]) == (name, language)
        assert (manifest["start_url"], manifest["scope"], manifest["display"]) == (
            *("/scanner", "/scanner", "standalone"),
        )
    purposes = []
    for icon in manifest["icons"]:
        picture = Image.open(BytesIO(service.http.get(icon["src"]).content))
        assert icon["sizes"] == f"{picture.width}x{picture.height}"
        purposes.append((picture.width, icon["purpose"]))
    assert sorted(purposes) == [(192, "any"), (512, "any"), (512, "maskable")]


def test_the_service_worker_keeps_what_the_page_loads_and_governs_nothing_else(
    service: Service,
) -> None:
    answer = service.http.get("/scanner/worker.js")
    assert answer.headers["service-worker-allowed"] == "/scanner"
    assert answer.headers["cache-control"] == "no-cache"
    files = set(re.findall(r'"(/[^"]+)"', answer.text.partition("const FILES")[2].split("\n")[0]))
    page = service.http.get("/scanner").text
    loaded = set(re.findall(r'(?:href|src|data-\w+)="(/(?:static|scanner)/[^"]+)"', page))
    loaded -= {"/scanner/manifest.webmanifest", "/scanner/sheet"}
    script = next(path for path in loaded if path.endswith("main.js"))
    imported = modules(service, script) | modules(
        service, next(path for path in loaded if path.endswith("reader/index.js"))
    )
    assert loaded | imported <= files
    assert all(service.http.get(path).status_code == 200 for path in files)
    assert not any(path.startswith(("/api", "/1", "/card")) for path in files)


def modules(service: Service, path: str) -> set[str]:
    """A module and all that it imports."""
    found, open_ = set(), {path}
    while open_:
        one = open_.pop()
        found.add(one)
        text = service.http.get(one).text
        imports = re.findall(r'(?:from|import) "(\.[^"]+)"', text)
        open_ |= {urljoin(one, name) for name in imports} - found
    return found


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
