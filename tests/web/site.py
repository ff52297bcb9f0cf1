"""A small web server with every page in every state, under the policy they are written for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from mimetypes import guess_type
from threading import Thread
from typing import Any

from app.api.installable import POLICY
from app.web.pages import STATIC_DIRECTORY, Pages
from demo import scanner_states
from demo.states import State


@dataclass
class Site:
    """What is served: `/<state>?lang=xx`, the static files, the strips."""

    pages: Pages
    states: dict[str, State]
    address: str = ""
    # What `POST /card/strips` answers, and the tokens it was asked with.
    strips_status: int = HTTPStatus.OK
    strips: Callable[[], dict[str, Any]] = dict
    tokens: list[str | None] = field(default_factory=list)
    # The proofs of the device that asked, and the forms it sent.
    proofs: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def respond(self, path: str) -> tuple[str, bytes] | None:
        """Media type and body for a path, None where nothing is."""
        static = self.pages.static_path + "/"
        if path.startswith(static):
            kind = guess_type(path)[0] or "application/octet-stream"
            return kind, (STATIC_DIRECTORY / path.removeprefix(static)).read_bytes()
        if path == scanner_states.SCRIPT_ADDRESS:
            return "text/javascript", scanner_states.SCRIPT.read_bytes()
        name, _, query = path.removeprefix("/").partition("?")
        if name not in self.states:
            return None
        template, context = self.states[name]
        html = self.pages.render(template, query.removeprefix("lang=") or "nl", **context)
        return "text/html; charset=utf-8", html.encode()


def _serving(site: Site) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = site.respond(self.path)
            if found is None:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", b"")
            else:
                self._send(HTTPStatus.OK, *found)

        def do_POST(self) -> None:
            site.tokens.append(self.headers.get("X-CSRF-Token"))
            site.proofs.append(self.headers.get("DPoP", ""))
            site.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            body = dumps(site.strips()).encode()
            self._send(site.strips_status, "application/json", body)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal of the tests."""

    return Answer


@contextmanager
def running(site: Site) -> Iterator[Site]:
    """The site on a free port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _serving(site)) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()
