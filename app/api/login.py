"""For whoever logs in: off to the government's log-in, back again, and out.

The cookie of an attempt and the cookie of a session are different ones, and a session
always begins with a new id. What the provider says is judged in `app.identity`.
"""

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.cookies import drop_cookie, read_cookie, set_cookie
from app.api.deps import House, Now, TheHouse, language, page
from app.api.limits import address
from app.api.visitors import LOGIN_MAX_AGE_S, ActingVisitor, seal_person
from app.cards.names import Name
from app.errors import Unavailable
from app.identity import sessions
from app.identity.authorization import read_response
from app.identity.refusal import Cause, LoginRefused
from app.issuing import Person
from app.web.problem_texts import LOGIN_FAILURES

router = APIRouter(tags=["teacher"], include_in_schema=False)

log = structlog.get_logger()


@router.get("/")
def welcome(request: Request) -> HTMLResponse:
    """What the card is and how to get it."""
    return page(request, "welcome.html", api_documentation="/openapi.json")


@router.get("/login")
def login(request: Request, house: TheHouse, now: Now, to: str = "/card") -> RedirectResponse:
    """Send the browser to the log-in of the government."""
    house.limits.count("login", address(request))
    url, attempt = house.oidc.begin(language=language(request), now=now)
    browser = house.database.transact(
        lambda session: sessions.open_attempt(session, attempt, return_to=to)
    )
    response = RedirectResponse(url, 303, {"cache-control": "no-store"})
    set_cookie(response, house, "login", browser, max_age_s=LOGIN_MAX_AGE_S)
    return response


@router.get("/callback", response_model=None)
def callback(request: Request, house: TheHouse, now: Now) -> RedirectResponse | HTMLResponse:
    """Judge what the browser brought back and begin a session, or say why not."""
    try:
        return _begun(request, house, now)
    except LoginRefused as refusal:
        log.warning("login-refused", cause=refusal.cause)
        failure = LOGIN_FAILURES[refusal.remedy]
        response = page(request, "login_failed.html", status=403, failure=failure)
        drop_cookie(response, house, "login")
        return response


@router.post("/logout")
def logout(visitor: ActingVisitor, house: TheHouse, now: Now) -> RedirectResponse:
    """End the session here, then at the log-in of the government."""
    house.database.transact(lambda session: sessions.end_session(session, visitor.token))
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


def _begun(request: Request, house: House, now: Now) -> RedirectResponse:
    answer = read_response(request.query_params.multi_items())
    browser = read_cookie(request, house, "login")
    if browser is None:
        raise LoginRefused(Cause.ATTEMPT)
    # Used up, and committed, before the code is exchanged.
    attempt, return_to = house.database.transact(
        lambda session: sessions.take_attempt(session, state=answer.state, browser=browser, now=now)
    )
    identity = house.oidc.complete(answer, attempt, now=now)
    person = Person(identity.insz, Name(identity.given_name, identity.family_name))
    teacher_id, person = house.issuing.welcome(person, now=now)
    token = house.database.transact(
        lambda session: sessions.begin_session(
            session,
            teacher_id=teacher_id,
            sealed_person=seal_person(house.ring, person),
            authenticated_at=identity.authenticated_at,
            now=now,
            replaces=read_cookie(request, house, "sid"),
        )
    )
    response = RedirectResponse(return_to, 303, {"cache-control": "no-store"})
    set_cookie(response, house, "sid", token)
    drop_cookie(response, house, "login")
    return response
