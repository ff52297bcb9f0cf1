"""The service of one test, behind real HTTP, in a world where the clock is moved by hand.

Starting a server takes longer than most tests, so one `Stage` listens for the whole run and
the application of the test steps onto it. Everybody around it is simulated by `demo`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.envelope import Envelope
from demo import apple_phone, google_phone
from demo.browser import Browser
from demo.deployment import Deployment
from demo.office import print_card
from demo.shop import Till
from demo.world import World

# Where the service would be behind TLS; the simulated log-in knows it too.
HTTPS = "https://kaart.example"
STRONG = "urn:be:vlaanderen:authmech:eid"


@dataclass(slots=True)
class Clock:
    """Shows one moment until it is moved."""

    moment: datetime

    def __call__(self) -> datetime:
        """The moment."""
        return self.moment

    def advance(self, **time: float) -> None:
        """Move on, as `timedelta` counts."""
        self.moment += timedelta(**time)


class Stage:
    """An application behind a port that another one can step onto."""

    def __init__(self) -> None:
        self._app: ASGIApp = Starlette()
        self._state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to whoever stands here now."""
        await self._app(scope | {"state": dict(self._state)}, receive, send)

    @contextmanager
    def showing(self, app: FastAPI) -> Iterator[None]:
        """Let the application open, serve, and close."""
        # In a thread of its own: a browser test may have left a loop running in this one.
        with start_blocking_portal() as portal:
            lifespan = app.router.lifespan_context(app)
            with portal.wrap_async_context_manager(lifespan) as state:
                before = self._app, self._state
                self._app, self._state = app, dict(state or {})
                try:
                    yield
                finally:
                    self._app, self._state = before


@dataclass(frozen=True, slots=True)
class Service:
    """The service of this test with the people and shops around it."""

    app: FastAPI
    world: World
    clock: Clock
    address: str
    http: httpx.Client
    _open: list[Browser | Till] = field(default_factory=list)
    _scripted: set[str] = field(default_factory=set)

    @property
    def deployment(self) -> Deployment:
        """What it runs with."""
        return self.world.deployment

    def close(self) -> None:
        """Close every window and shop, and let those around recover from what they were told."""
        for one in (self.http, *self._open):
            one.close()
        files = [person.record for person in self.world.people if person.record is not None]
        strangers = [person.insz for person in self.world.people if person.record is None]
        peace = {
            "epd": {"faults": [], "people": files, "forgotten": strangers},
            "google": {},
            "identity_provider": {"lie": None},
        }
        for who in sorted(self._scripted):
            self.script(who, **peace[who])

    def browser(self) -> Browser:
        """A browser that was nowhere yet."""
        browser = Browser(self.address)
        self._open.append(browser)
        return browser

    def till(self, shop: str = "museum", *, test: bool = False) -> Till:
        """The till of a shop, with its live key or its key for the sandbox."""
        known = self.deployment.shops[shop]
        till = Till(self.address, known.name, known.test_key if test else known.live_key)
        self._open.append(till)
        return till

    def logged_in(self, key: str = "permanent", browser: Browser | None = None) -> Browser:
        """One of the cast, logged in and on the card page."""
        browser = browser or self.browser()
        browser.open("/card")
        browser.press("auth/choice", person=key, decision="log-in")
        return browser

    def official(self, key: str, audience: str = "office") -> Browser:
        """An official at their desk, logged in by strong means a moment ago."""
        browser = self.browser()
        browser.open(f"/login?for={audience}&to=/problems")
        browser.press("auth/choice", person=key, acr=STRONG, decision="log-in")
        return browser

    def with_card(self, key: str = "permanent") -> Browser:
        """One of the cast who just got a card."""
        browser = self.logged_in(key)
        browser.press("/card")
        return browser

    def as_teacher(self, browser: Browser) -> dict[str, str]:
        """The headers with which a teacher's script changes something: session and form token."""
        browser.open("/card")
        csrf = browser.forms[0].fields["csrf"]
        return {"cookie": browser.page.request.headers["cookie"], "x-csrf-token": csrf}

    def web_codes(self, teacher: Browser) -> list[str]:
        """The next codes of the web card, the present one first."""
        teacher.open("/card/live")
        return [strip["code"] for strip in teacher.fetch("/card/strips").json()["strips"]]

    def apple_code(self, teacher: Browser) -> str:
        """The code on the Apple pass."""
        teacher.open("/card")
        code = apple_phone.install(teacher.press("/card/apple").content).code
        assert code is not None
        return code

    def google_code(self, teacher: Browser) -> str:
        """What Google Wallet shows now."""
        teacher.open("/card")
        teacher.press("/card/google")
        return google_phone.shown_text(self.google_objects()[-1], now=self.clock())

    def google_objects(self) -> list[dict[str, Any]]:
        """Every object that the simulated Google holds, oldest first."""
        state = httpx.get(f"{self.world.addresses.google}/_state").json()
        return list(state["objects"].values())

    def printed(self) -> tuple[str, str]:
        """The code on paper and the card number of the one active card."""
        return print_card(self.world)

    def script(self, who: str, **orders: object) -> None:
        """Tell a simulator ("google", "epd" or "identity_provider") what goes wrong next."""
        address = getattr(self.world.addresses, who)
        httpx.post(f"{address}/_control", json=orders).raise_for_status()
        self._scripted.add(who)

    def hurry(self, **limits: float) -> None:
        """Shorten the patience of the envelope before the first request."""
        envelope = next(one for one in self.app.user_middleware if one.cls is Envelope)
        envelope.kwargs |= limits

    def fail_with(self, error: Exception) -> None:
        """Let every request that looks at the clock meet an error that nobody foresaw."""
        self.app.dependency_overrides |= {
            dependency: partial(_fail, error) for dependency in self.app.dependency_overrides
        }


class LogIn:
    """A log-in done by hand, so that every answer and cookie on the way can be looked at.

    `begun` is our answer that sends the browser away, `cookie` what it gave the browser, and
    `callback` the path with which the provider sends the browser back.
    """

    def __init__(
        self,
        service: Service,
        person: str = "permanent",
        *,
        to: str = "/card",
        decision: str = "log-in",
    ) -> None:
        self._http = service.http
        self.begun = service.http.get("/login", params={"to": to})
        self.cookie = self.begun.headers["set-cookie"].split(";")[0]
        with httpx.Client() as browser:
            page = browser.get(self.begun.headers["location"])
            form = re.search(r'name="request" value="([^"]+)"', page.text)
            assert form is not None
            means = re.findall(r'name="acr" value="([^"]+)"', page.text)
            chosen = {"request": form[1], "person": person, "acr": means[0], "decision": decision}
            back = browser.post(str(page.url.join("auth/choice")), data=chosen)
        self.sent_to = httpx.URL(back.headers["location"])
        self.callback = self.sent_to.raw_path.decode()

    def finish(self, *, cookie: str | None = None, callback: str | None = None) -> httpx.Response:
        """Come back, with the cookie of this log-in or with another."""
        headers = {"cookie": self.cookie if cookie is None else cookie, "accept": "text/html"}
        return self._http.get(callback or self.callback, headers=headers)


def cookies_of(answer: httpx.Response) -> dict[str, set[str]]:
    """What an answer gives the browser to keep: `name=value` and its flags."""
    lines = (line.split("; ") for line in answer.headers.get_list("set-cookie"))
    return {crumb: set(flags) for crumb, *flags in lines if "Max-Age=0" not in flags}


def _fail(error: Exception) -> None:
    raise error
