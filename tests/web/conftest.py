"""Every page in every state, as sample values; a server and a browser to look at them with."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from mimetypes import guess_type
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.web.card_page import Appointment, CardPage, CardState
from app.web.pages import STATIC_DIRECTORY, Pages
from app.web.problem_texts import LOGIN_FAILURES, PROBLEMS
from app.web.texts import Texts
from app.web.verdict_texts import VERDICT_MESSAGES, VerdictPage

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
CSRF = "n5XxFQ"
# The policy that pages are written for; `app.api` sends it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses its sandbox to root, and only our own pages are opened
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

States = dict[str, tuple[str, dict[str, Any]]]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of the tests that drive a browser."""
    config.addinivalue_line("markers", "browser: drives Chromium; skipped where there is none")


def _card(state: CardState, **more: object) -> tuple[str, dict[str, Any]]:
    appointments = (
        Appointment("012345 Basisschool De Linde, Gent", date(2024, 9, 1), None, "Onderwijzend"),
        Appointment("067890 CVO Aan de Leie", date(2026, 9, 1), date(2027, 6, 30), "Bestuur"),
    )
    page = CardPage(
        state=state,
        holder_name="An-Sofie van den Berghe",
        csrf=CSRF,
        reference="4F7K-2MX9",
        year=2026,
        **{
            "number": "7KM3PX9Q2D",
            "valid_until": date(2026, 12, 31),
            "appointments": appointments,
            "received_at": AT,
            "wallet_first": "apple",
            **more,
        },
    )
    return "card.html", {"page": page}


def _without_card(
    state: CardState, reason: str | None, **more: object
) -> tuple[str, dict[str, Any]]:
    return _card(state, reason=reason, number=None, valid_until=None, **more)


def _verdict(reason: str, **more: object) -> tuple[str, dict[str, Any]]:
    page = VerdictPage(valid=reason == "ok", reason=reason, checked_at=AT, **more)
    return "verdict.html", {"page": page}


def _cards() -> States:
    nothing = {"appointments": (), "received_at": None, "wallet_first": None}
    return {
        "card-active": _card(CardState.ACTIVE, reason="appointment"),
        "card-google-first": _card(CardState.ACTIVE, reason=None, wallet_first="google"),
        "card-none-yet": _without_card(CardState.ACTIVE, "institution_list"),
        "card-grace": _card(CardState.GRACE, reason="grace", appointments=()),
        "card-summer-bridge": _card(CardState.SUMMER_BRIDGE, reason="summer_bridge"),
        "card-epd-silent-known": _card(CardState.EPD_UNREACHABLE_KNOWN, reason="appointment"),
        "card-epd-silent-new": _without_card(CardState.EPD_UNREACHABLE_NEW, None, **nothing),
        "card-not-entitled": _without_card(CardState.NOT_ENTITLED, "full_leave"),
        "card-unknown": _without_card(CardState.UNKNOWN_TO_EPD, None, appointments=()),
        "card-suspended": _card(CardState.SUSPENDED, reason="no_appointment", appointments=()),
        "card-revoked": _card(CardState.REVOKED, reason="misuse", valid_until=None),
        "card-ended": _card(CardState.ENDED, reason="left", appointments=()),
    }


def _verdicts() -> States:
    read = {"carrier": "web", "grade": "live"}
    return {
        **{f"verdict-{reason}": _verdict(reason) for reason in VERDICT_MESSAGES},
        "verdict-ok": _verdict("ok", **read, initials="A.V."),
        "verdict-advice": _verdict(
            "ok", carrier="paper", grade="static", advice=("check_id",), test=True
        ),
        "verdict-already_used": _verdict("already_used", **read),
        "verdict-test_card": _verdict("test_card", carrier="google", grade="recent", test=True),
    }


def _states() -> States:
    live = {"holder_name": "Łukasz Ørsted", "card_number": "7KM3PX9Q2D", "csrf": CSRF}
    return {
        "welcome": ("welcome.html", {"api_documentation": "/api/documentation"}),
        **_cards(),
        **_verdicts(),
        "live": ("live.html", live | {"initials": "L.O."}),
        "live-withheld": ("live.html", live | {"initials": None}),
        "problems": ("problems.html", {"problems": PROBLEMS}),
        **{
            f"problem-{kind}": ("problem.html", {"kind": kind, "problem": problem})
            for kind, problem in PROBLEMS.items()
        },
        "error": (
            "error.html",
            {"problem": PROBLEMS["unavailable"], "reference": "0198c2", "retry_after_s": 5},
        ),
        "error-without-retry": (
            "error.html",
            {"problem": PROBLEMS["internal-error"], "reference": "0198c2", "retry_after_s": None},
        ),
        **{
            f"login-{cause}": ("login_failed.html", {"failure": failure, "reference": "0198c2"})
            for cause, failure in LOGIN_FAILURES.items()
        },
        "logged-out": ("logged_out.html", {}),
    }


@pytest.fixture(scope="session")
def texts() -> Texts:
    return Texts.load()


@pytest.fixture(scope="session")
def pages(texts: Texts) -> Pages:
    return Pages(texts, environment_name="demo")


@pytest.fixture(scope="session")
def states() -> States:
    """Name of a state -> template and context."""
    return _states()


@dataclass
class Site:
    """A small web server with the pages: `/<state>?lang=xx`, the static files, the strips."""

    pages: Pages
    states: States
    address: str = ""
    # What `POST /card/strips` answers, and the tokens it was asked with.
    strips_status: int = HTTPStatus.OK
    strips: Callable[[], dict[str, Any]] = dict
    tokens: list[str | None] = field(default_factory=list)

    def respond(self, path: str) -> tuple[str, bytes] | None:
        static = self.pages.static_path + "/"
        if path.startswith(static):
            kind = guess_type(path)[0] or "application/octet-stream"
            return kind, (STATIC_DIRECTORY / path.removeprefix(static)).read_bytes()
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


@pytest.fixture(scope="session")
def serving(pages: Pages, states: States) -> Iterator[Site]:
    site = Site(pages, states)
    with ThreadingHTTPServer(("127.0.0.1", 0), _serving(site)) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


@pytest.fixture
def site(serving: Site) -> Site:
    """The running site, its strips as after a fresh start."""
    serving.strips = lambda: {"server_time": 0, "strips": []}
    serving.strips_status = HTTPStatus.OK
    serving.tokens.clear()
    return serving


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("NO BROWSER: install Chromium or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A fresh window on the site that fails the test on any refused or broken code."""
    complaints: list[str] = []
    context = chromium.new_context(
        base_url=site.address,
        viewport={"width": 900, "height": 900},
        reduced_motion="reduce",  # or colours are measured half-way through a transition
    )
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.extend([line.text] * (line.type == "error")))
    yield page
    context.close()
    unexpected = [line for line in complaints if "Failed to load resource" not in line]
    assert unexpected == []
