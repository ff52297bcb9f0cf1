"""Who asks at a partner's route: a till with its key, or a machine with an access token.

Knows both credentials, and that only the Authorization header carries them. Hides from the routes
which of the two it was: they ask for the partner, or for the one till, that stands behind it.
"""

import uuid
from datetime import datetime
from typing import Annotated, Any, NamedTuple, NoReturn

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.orm import Session

from app.api.deps import House, TheHouse, credential
from app.api.limits import address
from app.errors import Forbidden, Unauthenticated
from app.identity.access_tokens import PresentedToken, read_token, verifiers
from app.identity.clients import Scope
from app.verification.callers import caller_of, require_open
from app.verification.tills import Credential, PresentedKey, TokenAtTill, read_key

EITHER: list[dict[str, list[str]]] = [{"tillKey": []}, {"accessToken": [Scope.VERIFICATIONS_WRITE]}]
# For routes of FastAPI; the lean one describes itself.
TAKES_EITHER: dict[str, Any] = {"security": EITHER}

A_KEY = "A till key (lk_live_… or lk_test_…)"

Presented = PresentedKey | PresentedToken


class Asker(NamedTuple):
    """A partner, and whether it asks about its rehearsals; a token never does."""

    partner_id: uuid.UUID
    test: bool


def presented(request: Request, house: House) -> Presented:
    """What the caller proves itself with, not yet looked up; `Unauthenticated` without any."""
    text = credential(request, "Bearer")
    found = read_token(text) or read_key(text)
    return found or _nothing(request, house, f"{A_KEY} or an access token")


def presented_key(request: Request, house: House) -> PresentedKey:
    """The till key of a request, not yet looked up; `Unauthenticated` without one."""
    return read_key(credential(request, "Bearer")) or _nothing(request, house, A_KEY)


# Coroutines, as in `deps`.
async def _either(request: Request, house: TheHouse) -> Presented:
    return presented(request, house)


async def _key(request: Request, house: TheHouse) -> PresentedKey:
    return presented_key(request, house)


Either = Annotated[Presented, Depends(_either)]
Key = Annotated[PresentedKey, Depends(_key)]


def at_till(shown: Presented, till_id: uuid.UUID | None, *, named_in: str) -> Credential:
    """A key is that of one till; the bearer of an access token names one, or hears where to."""
    if isinstance(shown, PresentedKey):
        return shown
    if till_id is None:
        raise RequestValidationError([{"type": "missing", "loc": (named_in, "till_id")}])
    return TokenAtTill(shown, till_id)


def asker_of(session: Session, shown: Presented, *, now: datetime) -> Asker:
    """The partner behind a credential; `Unauthenticated` or `Forbidden` when there is none."""
    if isinstance(shown, PresentedKey):
        return Asker(caller_of(session, shown).partner_id, shown.test)
    partners = verifiers(session, [shown], now=now)
    if shown not in partners:
        raise Unauthenticated("This access token is not valid.")
    return Asker(require_open(session, partners[shown]), test=False)


def till_of(
    session: Session, shown: Presented, till_id: uuid.UUID | None, *, now: datetime
) -> uuid.UUID:
    """The till that asks, as on the way of a check: that of the key, or the one a token names."""
    credential = at_till(shown, till_id, named_in="query")
    tokens = [shown] if isinstance(shown, PresentedToken) else []
    caller = caller_of(session, credential, verifiers(session, tokens, now=now))
    if till_id not in {None, caller.till_id}:
        raise Forbidden("This key belongs to another till than the one named.")
    return caller.till_id


def _nothing(request: Request, house: House, wanted: str) -> NoReturn:
    house.limits.count("refused-key", address(request))
    raise Unauthenticated(f"{wanted} is needed as Bearer token.")
