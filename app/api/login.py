"""For whoever logs in: off to the government's log-in, back again, and out.

The cookie of an attempt and the cookie of a session are different ones, and a session
always begins with a new id. What the provider says is judged in `app.identity`.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.cookies import drop_cookie, read_cookie, set_cookie
from app.api.deps import House, Now, TheHouse, language, page
from app.api.limits import address
from app.api.officials import seal_official
from app.api.visitors import LOGIN_MAX_AGE_S, FormToken, require_own_form, seal_person
from app.cards.names import Name
from app.errors import Unauthenticated, Unavailable
from app.identity import sessions
from app.identity.authorization import AuthorizationResponse, LoginAttempt, read_response
from app.identity.oidc import Identity, OfficialIdentity
from app.identity.refusal import Cause, LoginRefused
from app.identity.roles import STEP_UP_LIFETIME, Capacity
from app.issuing import Person
from app.web.problem_texts import LOGIN_FAILURES

router = APIRouter(tags=["teacher"], include_in_schema=False)

Audience = Literal["teacher", "personnel", "office", "partner"]
CAPACITIES: dict[Audience, Capacity] = {
    "teacher": Capacity.CITIZEN,
    "personnel": Capacity.SCHOOL,
    "office": Capacity.GOVERNMENT,
    "partner": Capacity.ENTERPRISE,
}
HOMES = {
    Capacity.SCHOOL: "/roster",
    Capacity.GOVERNMENT: "/office",
    Capacity.ENTERPRISE: "/partner",
}
# An official who proved who they are longer ago does it again, whatever the provider remembers.
OFFICIAL_MAX_AGE_S = 8 * 3_600

log = structlog.get_logger()


@router.get("/")
def welcome(request: Request) -> HTMLResponse:
    """What the card is and how to get it."""
    return page(request, "welcome.html", api_documentation="/openapi.json")


@router.get("/login")
def login(
    request: Request,
    house: TheHouse,
    now: Now,
    to: str = "/card",
    audience: Annotated[Audience, Query(alias="for")] = "teacher",
    *,
    again: bool = False,
) -> RedirectResponse:
    """Send the browser to the log-in of the government.

    `for` says in which capacity; `again` asks an official to prove who they are once more.
    """
    house.limits.count("login", address(request))
    capacity = CAPACITIES[audience]
    official = capacity is not Capacity.CITIZEN
    step_up = again and official
    url, attempt = house.oidc.begin(
        language=language(request),
        capacity=capacity,
        step_up=step_up,
        max_age_s=_max_age_s(step_up=step_up) if official else None,
        now=now,
    )
    browser = house.database.transact(
        lambda session: sessions.open_attempt(session, attempt, return_to=to)
    )
    response = RedirectResponse(url, 303, {"cache-control": "no-store"})
    set_cookie(response, house, "login", browser, max_age_s=LOGIN_MAX_AGE_S)
    return response


@router.get("/callback", response_model=None)
def callback(request: Request, house: TheHouse, now: Now) -> RedirectResponse | HTMLResponse:
    """Judge what the browser brought back and begin a session, or say why not."""
    capacity = Capacity.CITIZEN
    try:
        answer = read_response(request.query_params.multi_items())
        attempt, return_to = _taken(request, house, answer, now)
        capacity = attempt.capacity
        identity = house.oidc.complete(answer, attempt, now=now)
        return _begun(request, house, identity, return_to, now)
    except LoginRefused as refusal:
        log.warning("login-refused", cause=refusal.cause)
        failure = LOGIN_FAILURES[refusal.remedy]
        shown = {"failure": failure, "log_in": log_in_path(capacity)}
        response = page(request, "login_failed.html", status=403, **shown)
        drop_cookie(response, house, "login")
        return response


@router.post("/logout")
def logout(request: Request, house: TheHouse, csrf: FormToken, now: Now) -> RedirectResponse:
    """End the session here, a teacher's or an official's, then at the log-in of the government."""
    token = read_cookie(request, house, "sid")
    if token is None or not _in_force(house, token, now):
        raise Unauthenticated("Nobody is logged in here.")
    require_own_form(request, house, token, csrf)
    house.database.transact(lambda session: sessions.end_session(session, token))
    try:
        there = house.oidc.logout_url(state="logged-out", now=now)
    except Unavailable:
        there = None  # here the session is over, whether or not the provider answers
    response = RedirectResponse(there or "/logged-out", 303, {"cache-control": "no-store"})
    drop_cookie(response, house, "sid")
    return response


@router.get("/logged-out")
def logged_out(request: Request) -> HTMLResponse:
    """Where the log-in of the government sends people back to."""
    return page(request, "logged_out.html")


def _in_force(house: House, token: str, now: datetime) -> bool:
    with house.database.reading() as session:
        return sessions.find_session(session, token, now=now) is not None


def log_in_path(capacity: Capacity) -> str:
    """The log-in of an audience."""
    if capacity is Capacity.CITIZEN:
        return "/login"
    audience = next(audience for audience, own in CAPACITIES.items() if own is capacity)
    return f"/login?for={audience}&to={HOMES[capacity]}"


def _max_age_s(*, step_up: bool) -> int:
    # Half of what a step-up is worth, so that the session it leads to lasts a while.
    return int(STEP_UP_LIFETIME.total_seconds()) // 2 if step_up else OFFICIAL_MAX_AGE_S


def _taken(
    request: Request, house: House, answer: AuthorizationResponse, now: Now
) -> tuple[LoginAttempt, str]:
    browser = read_cookie(request, house, "login")
    if browser is None:
        raise LoginRefused(Cause.ATTEMPT)
    # Used up, and committed, before the code is exchanged.
    return house.database.transact(
        lambda session: sessions.take_attempt(session, state=answer.state, browser=browser, now=now)
    )


def _begun(
    request: Request,
    house: House,
    identity: Identity | OfficialIdentity,
    return_to: str,
    now: Now,
) -> RedirectResponse:
    teacher_id, sealed = _who(house, identity, now)
    token = house.database.transact(
        lambda session: sessions.begin_session(
            session,
            teacher_id=teacher_id,
            sealed_person=sealed,
            authenticated_at=identity.authenticated_at,
            now=now,
            replaces=read_cookie(request, house, "sid"),
        )
    )
    response = RedirectResponse(return_to, 303, {"cache-control": "no-store"})
    set_cookie(response, house, "sid", token)
    drop_cookie(response, house, "login")
    return response


def _who(
    house: House, identity: Identity | OfficialIdentity, now: Now
) -> tuple[uuid.UUID | None, bytes]:
    """The teacher, if it is one, and what the session keeps of the person."""
    if isinstance(identity, OfficialIdentity):
        return None, seal_official(house.ring, identity.official)
    person = Person(identity.insz, Name(identity.given_name, identity.family_name))
    teacher_id, person = house.issuing.welcome(person, now=now)
    return teacher_id, seal_person(house.ring, person)
