"""The scanner page: for a shop with nothing but a phone, or a scanner gun at a till.

The page itself is the same for everybody; a device becomes a till by a one-time code and then
asks the interface of `partner`. Hides which files a browser has to keep to open it offline.
"""

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from app.api.deps import TheHouse, language, page
from app.api.envelope import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from app.passes import qr
from app.web.pages import STATIC_DIRECTORY
from app.web.scanner_texts import WORDS
from app.web.sheet import test_texts
from app.web.texts import Msgid

router = APIRouter(tags=["partner"], include_in_schema=False)

SCRIPTS = STATIC_DIRECTORY / "scanner"
JAVASCRIPT = "text/javascript; charset=utf-8"
PAGE_HEADERS = {
    "content-security-policy": f"{CONTENT_SECURITY_POLICY}; manifest-src 'self'",
    "permissions-policy": SECURITY_HEADERS["permissions-policy"].replace(
        "camera=()", "camera=(self)"
    ),
}
# A worker has the policy of its own answer, so only this one may compile WebAssembly.
DECODER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
# What the page needs without a network; by how the names of the files begin.
KEPT = ("icon.svg", "scanner/", "style.css", "vendor/zxing-wasm/reader/", "vendor/zxing-wasm/share")
ICONS = (
    ("icon-192", 192, "any"),
    ("icon-512", 512, "any"),
    ("icon-maskable-512", 512, "maskable"),
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
    """What makes the page installable (W3C Web Application Manifest)."""
    say = house.texts.get(language(request))
    icons = [
        {
            "src": house.pages.asset(f"scanner/{name}.png"),
            "sizes": f"{side_px}x{side_px}",
            "type": "image/png",
            "purpose": purpose,
        }
        for name, side_px, purpose in ICONS
    ]
    content: dict[str, Any] = {
        "id": "/scanner",
        "name": say(Msgid("Scanner for teacher cards")),
        "short_name": say(Msgid("Scanner")),
        "lang": say.code,
        "start_url": "/scanner",
        "scope": "/scanner",
        "display": "standalone",
        "background_color": "#f7f9fc",
        "theme_color": "#ffe615",
        "icons": icons,
    }
    return JSONResponse(content, media_type="application/manifest+json")


@router.get("/scanner/worker.js")
def service_worker(house: TheHouse) -> Response:
    """The service worker: the names of the files to keep, then the script that keeps them."""
    files = ["/scanner/decoder.js", *house.pages.assets(*KEPT)]
    version = house.pages.static_path.rpartition("/")[2]
    names = f"const VERSION = {json.dumps(version)};\nconst FILES = {json.dumps(files)};\n"
    script = (SCRIPTS / "service-worker.js").read_text("utf-8")
    # It may govern the page /scanner, which lies above its own folder.
    headers = {"service-worker-allowed": "/scanner", "cache-control": "no-cache"}
    return Response(names + script, media_type=JAVASCRIPT, headers=headers)


@router.get("/scanner/decoder.js")
def decoder() -> FileResponse:
    """The worker that reads pictures where the browser cannot do so itself."""
    headers = {"content-security-policy": DECODER_POLICY, "cache-control": "no-cache"}
    return FileResponse(SCRIPTS / "decoder.js", media_type=JAVASCRIPT, headers=headers)
