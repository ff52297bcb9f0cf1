"""The scanner page: for a shop with nothing but a phone, or a scanner gun at a till.

The page itself is the same for everybody; a device becomes a till by a one-time code and then
asks the interface of `partner`. Hides which files a browser has to keep to open it offline.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from app.api.deps import TheHouse, language, page
from app.api.envelope import SECURITY_HEADERS
from app.api.installable import JAVASCRIPT, POLICY, Installable
from app.passes import qr
from app.web.pages import STATIC_DIRECTORY
from app.web.scanner_texts import WORDS
from app.web.sheet import test_texts
from app.web.texts import Msgid

router = APIRouter(tags=["partner"], include_in_schema=False)

SCRIPTS = STATIC_DIRECTORY / "scanner"
PAGE_HEADERS = {
    "content-security-policy": POLICY,
    "permissions-policy": SECURITY_HEADERS["permissions-policy"].replace(
        "camera=()", "camera=(self)"
    ),
}
# A worker has the policy of its own answer, so only this one may compile WebAssembly.
DECODER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
SCANNER = Installable(
    scope="/scanner",
    kept_page="/scanner",
    name=Msgid("Scanner for teacher cards"),
    short_name=Msgid("Scanner"),
    folder="scanner",
    files=(
        *("icon.svg", "offline/", "scanner/", "style.css"),
        *("vendor/zxing-wasm/reader/", "vendor/zxing-wasm/share"),
    ),
    addresses=("/scanner/decoder.js",),
)


@router.get("/scanner")
def scanner(request: Request, house: TheHouse) -> HTMLResponse:
    """The page that reads, checks and remembers."""
    response = page(
        request,
        "scanner.html",
        script=house.pages.asset("scanner/main.js"),
        code_base=house.code_base,
        words=WORDS,
    )
    response.headers.update(PAGE_HEADERS)
    return response


@router.get("/scanner/sheet")
def sheet(request: Request, house: TheHouse) -> HTMLResponse:
    """How to set up a scanner gun, and codes to test it with; to print, or to test on screen."""
    tests = [(text, qr.modules(text)) for text in test_texts(house.code_base)]
    return page(request, "sheet.html", tests=tests, address=f"{house.public_url}/scanner")


@router.get("/scanner/manifest.webmanifest")
def manifest(request: Request, house: TheHouse) -> JSONResponse:
    """What makes the scanner installable."""
    return SCANNER.manifest(house.pages, house.texts.get(language(request)))


@router.get("/scanner/worker.js")
def service_worker(house: TheHouse) -> Response:
    """The service worker of the scanner."""
    return SCANNER.service_worker(house.pages)


@router.get("/scanner/decoder.js")
def decoder() -> FileResponse:
    """The worker that reads pictures where the browser cannot do so itself."""
    headers = {"content-security-policy": DECODER_POLICY, "cache-control": "no-cache"}
    return FileResponse(SCRIPTS / "decoder.js", media_type=JAVASCRIPT, headers=headers)
