"""A page that can be put on the home screen and opens without a network.

Knows the two documents that make it so, a manifest and a service worker, and what they say. What
the worker keeps is the page and its files, never an answer about anybody: the script is
`offline/service-worker.js`, in front of which the names of this page are written.
"""

import json
from dataclasses import dataclass
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from app.api.envelope import CONTENT_SECURITY_POLICY
from app.web.pages import STATIC_DIRECTORY, Pages
from app.web.texts import Language, Msgid

JAVASCRIPT = "text/javascript; charset=utf-8"
POLICY = f"{CONTENT_SECURITY_POLICY}; manifest-src 'self'"
SCRIPT = STATIC_DIRECTORY / "offline" / "service-worker.js"
ICONS = (
    ("icon-192", 192, "any"),
    ("icon-512", 512, "any"),
    ("icon-maskable-512", 512, "maskable"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installable:
    """One such page: `scope` is its address, `kept_page` what opens there without a network.

    `folder` holds its scripts and icons; `files` are how the names of the static files begin that
    it needs, and `addresses` what it needs besides.
    """

    scope: str
    kept_page: str
    name: Msgid
    short_name: Msgid
    folder: str
    files: tuple[str, ...]
    addresses: tuple[str, ...] = ()

    def manifest(self, pages: Pages, say: Language) -> JSONResponse:
        """What the browser installs (W3C Web Application Manifest), in one language."""
        icons = [
            {
                "src": pages.asset(f"{self.folder}/{name}.png"),
                "sizes": f"{side_px}x{side_px}",
                "type": "image/png",
                "purpose": purpose,
            }
            for name, side_px, purpose in ICONS
        ]
        content: dict[str, Any] = {
            "id": self.scope,
            "name": say(self.name),
            "short_name": say(self.short_name),
            "lang": say.code,
            "start_url": self.scope,
            "scope": self.scope,
            "display": "standalone",
            "background_color": "#f7f9fc",
            "theme_color": "#ffe615",
            "icons": icons,
        }
        return JSONResponse(content, media_type="application/manifest+json")

    def service_worker(self, pages: Pages) -> Response:
        """The names of what is kept, then the script that keeps it."""
        names = {
            "NAME": self.folder,
            "SCOPE": self.scope,
            "PAGE": self.kept_page,
            "VERSION": pages.static_path.rpartition("/")[2],
            "FILES": [*self.addresses, *pages.assets(*self.files)],
        }
        lines = (f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
        # It governs an address that lies above its own folder.
        headers = {"service-worker-allowed": self.scope, "cache-control": "no-cache"}
        script = "".join(lines) + SCRIPT.read_text("utf-8")
        return Response(script, media_type=JAVASCRIPT, headers=headers)
