"""For teachers at a computer: go on with the phone, through a link that is good once.

The computer shows the link as a QR code and later three numbers; the phone shows one of them.
The phone has a cookie of its own from the moment it asks, and a session only at the end.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from app.api.cookies import drop_cookie, read_cookie, set_cookie
from app.api.deps import House, Now, TheHouse, page
from app.api.limits import address
from app.api.visitors import ActingVisitor, TheVisitor, sent_from_elsewhere
from app.cards.initials import initials_of, initials_text
from app.errors import Forbidden, NotFound
from app.identity import handoff, sessions
from app.identity.handoff import Step
from app.passes import qr

router = APIRouter(tags=["teacher"], include_in_schema=False)
phone = APIRouter(prefix="/handoff", tags=["anyone"], include_in_schema=False)

COOKIE = "handoff"
Link = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]


class StepAnswer(BaseModel):
    """How far it has come; null when it is over."""

    step: Step | None


@router.post("/card/handoff")
def offer(request: Request, house: TheHouse, visitor: ActingVisitor, now: Now) -> HTMLResponse:
    """Make the link and show it, this once."""
    name = visitor.person.name
    initials = initials_text(initials_of(name.given, name.family))
    link = house.database.transact(
        lambda session: handoff.offer(session, visitor.token, initials=initials, now=now)
    )
    drawing = qr.drawing(f"{house.public_url}/handoff/{link}")
    return page(request, "handoff.html", csrf=visitor.csrf, drawing=drawing, seen=None)


@router.get("/card/handoff")
def waiting(request: Request, house: TheHouse, visitor: TheVisitor, now: Now) -> HTMLResponse:
    """Where the computer compares the numbers; the link itself is not shown again."""
    with house.database.reading() as session:
        seen = handoff.of_computer(session, visitor.token, now=now)
    return page(request, "handoff.html", csrf=visitor.csrf, drawing=None, seen=seen)


@router.get("/card/handoff/step")
def computer_step(house: TheHouse, visitor: TheVisitor, now: Now) -> StepAnswer:
    """For the script of that page: whether a phone waits."""
    with house.database.reading() as session:
        seen = handoff.of_computer(session, visitor.token, now=now)
    return StepAnswer(step=seen and seen.step)


@router.post("/card/handoff/confirm")
def confirm(
    house: TheHouse,
    visitor: ActingVisitor,
    now: Now,
    number: Annotated[int, Form(ge=0, le=99)] = 0,
) -> RedirectResponse:
    """Let the phone in, or end it all when the number was another one."""
    with house.database.reading() as session:
        found = sessions.find_session(session, visitor.token, now=now)
    if found is None or found.sealed_person is None:
        raise Forbidden("Log in again.")
    taken = handoff.Taken(
        visitor.teacher_id, found.sealed_person, found.authenticated_at, found.created_at
    )
    house.database.transact(
        lambda session: handoff.confirm(session, visitor.token, number, taken=taken, now=now)
    )
    return RedirectResponse("/card/handoff", 303)


@phone.get("/{link}")
def ask(link: Link, request: Request, house: TheHouse, now: Now) -> HTMLResponse:
    """What a camera opens: it changes nothing, so that a preview uses nothing up."""
    house.limits.count("handoff", address(request))
    with house.database.reading() as session:
        seen = handoff.of_link(session, link, read_cookie(request, house, COOKIE), now=now)
    if seen is None:
        raise NotFound("This link is over, or another phone used it.")
    return page(request, "handoff_phone.html", link=link, seen=seen)


@phone.post("/{link}")
def open_(link: Link, request: Request, house: TheHouse, now: Now) -> RedirectResponse:
    """Bind the link to this phone."""
    _require_own_page(request, house)
    house.limits.count("handoff", address(request))
    with house.database.reading() as session:
        mine = handoff.of_link(session, link, read_cookie(request, house, COOKIE), now=now)
    response = RedirectResponse(f"/handoff/{link}", 303)
    if mine is None or mine.step is Step.OFFERED:
        secret = house.database.transact(
            lambda session: handoff.open_on_phone(session, link, now=now)
        )
        age_s = int(handoff.LIFETIME.total_seconds())
        set_cookie(response, house, COOKIE, secret, max_age_s=age_s)
    return response


@phone.get("/{link}/step")
def phone_step(link: Link, request: Request, house: TheHouse, now: Now) -> StepAnswer:
    """For the script of the phone's page: whether the computer has confirmed."""
    house.limits.count("handoff-step", address(request))
    with house.database.reading() as session:
        seen = handoff.of_link(session, link, read_cookie(request, house, COOKIE), now=now)
    return StepAnswer(step=seen and seen.step)


@phone.post("/{link}/finish")
def finish(link: Link, request: Request, house: TheHouse, now: Now) -> Response:
    """Begin the phone's own session once the computer has confirmed; before that, wait on."""
    _require_own_page(request, house)
    cookie = read_cookie(request, house, COOKIE)
    if cookie is None:
        raise NotFound("This link is over, or another phone used it.")
    taken = house.database.transact(lambda session: handoff.take(session, link, cookie, now=now))
    if taken is None:
        return RedirectResponse(f"/handoff/{link}", 303)
    token = house.database.transact(
        lambda session: sessions.begin_session(
            session,
            teacher_id=taken.teacher_id,
            sealed_person=taken.sealed_person,
            authenticated_at=taken.authenticated_at,
            now=now,
            replaces=read_cookie(request, house, "sid"),
            begun_at=taken.begun_at,
        )
    )
    response = RedirectResponse("/card", 303, {"cache-control": "no-store"})
    set_cookie(response, house, "sid", token)
    drop_cookie(response, house, COOKIE)
    return response


def _require_own_page(request: Request, house: House) -> None:
    """Another site's page begins nothing here; with no token in the form, doubt means no."""
    unnamed = request.headers.get("origin") == "null" and "sec-fetch-site" not in request.headers
    if unnamed or sent_from_elsewhere(request, house):
        raise Forbidden("This form was not sent from our own page.")
