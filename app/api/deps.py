"""What routes may ask for, by name: the clock, the database, the people at the other end.

The one place in the web process that reads the clock. Everything long-lived was made by
`app.main` and travels in the lifespan state; a route names what it needs and gets a value.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from app.api.limits import Limits
from app.api.quotas import Quotas
from app.cards.entitlement import Policy
from app.cards.keyring import KeyRing
from app.db import Database
from app.identity.oidc import OidcClient
from app.issuing import Issuing
from app.passes.apple.certificates import Certificates
from app.passes.apple.passes import ApplePasses
from app.passes.google.callbacks import GoogleCallbacks
from app.retention.terms import Term
from app.verification.offline import OfflineLists
from app.verification.recorder import Recorder
from app.verification.verdict import Reason
from app.verification.verify import Superseded
from app.web.pages import Pages
from app.web.texts import Texts, choose_language

LANGUAGE_S = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything the web process holds from start to stop."""

    public_url: str
    code_base: str
    superseded: Superseded
    # Means of authentication strong enough for what does harm in wrong hands.
    step_up_acr: frozenset[str]
    database: Database
    ring: KeyRing
    policy: Policy
    recorder: Recorder
    offline_lists: OfflineLists
    oidc: OidcClient
    issuing: Issuing
    apple: ApplePasses
    certificates: Certificates
    google_callbacks: GoogleCallbacks
    limits: Limits
    quotas: Quotas
    terms: tuple[Term, ...]
    # Whether there is a mail server.
    notices_offered: bool
    # Published counts below this are hidden.
    small_cell: int
    pages: Pages
    texts: Texts
    verdict_messages: Mapping[Reason, dict[str, str]]

    @property
    def https(self) -> bool:
        """Whether browsers reach us encrypted; only the demo does without."""
        return self.public_url.startswith("https://")


# Coroutines, although they never wait: FastAPI runs plain functions in its threads, where a
# verdict would queue behind every page that waits for the personnel file.
async def house(request: Request) -> House:
    """The one house of this process."""
    found: House = request.state.house
    return found


async def now() -> datetime:
    """The present moment, read once per request."""
    return clock()


async def moment(request: Request) -> datetime:
    """As `now`, for a plain route, which FastAPI does not serve with dependencies."""
    told = request.app.dependency_overrides.get(now, clock)()
    found: datetime = await told if isawaitable(told) else told
    return found


def clock() -> datetime:
    """The present moment, for what is no request."""
    return datetime.now(UTC)


def language(request: Request) -> str:
    """The language for people: what the address asks for, else what the browser prefers."""
    wanted = request.query_params.get("lang") or request.cookies.get("lang")
    return choose_language(request.headers.get("accept-language", ""), wanted)


def page(request: Request, template: str, status: int = 200, **shown: object) -> HTMLResponse:
    """One page for one person: never stored, in a language that stays once it was chosen."""
    context = {"reference": request_id(request)} | shown
    wanted = language(request)
    here: House = request.state.house
    html = here.pages.render(template, wanted, **context)
    response = HTMLResponse(html, status, {"cache-control": "no-store"})
    if "lang" in request.query_params:
        response.set_cookie(
            "lang", wanted, max_age=LANGUAGE_S, secure=here.https, httponly=True, samesite="lax"
        )
    return response


def request_id(request: Request) -> uuid.UUID:
    """The correlation id of this request, also in the answer's `X-Request-Id`."""
    found: uuid.UUID = request.scope["request_id"]
    return found


def credential(request: Request, scheme: str) -> str:
    """What stands in the Authorization header under a scheme (RFC 9110 section 11.4), or ""."""
    found, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if found.lower() == scheme.lower() else ""


TheHouse = Annotated[House, Depends(house)]
Now = Annotated[datetime, Depends(now)]
