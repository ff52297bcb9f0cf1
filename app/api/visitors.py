"""Who is at the browser: the session cookie, its form token, and the person behind it.

Knows the names and flags of our cookies. A page for nobody in particular asks for nothing
here; a page of a teacher asks for a `Visitor`, a change for an `ActingVisitor`.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Form, Header, Request, Response
from starlette.exceptions import HTTPException

from app.api.deps import House, Now, TheHouse
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.cards.names import Name
from app.errors import Forbidden, Unauthenticated
from app.identity import sessions
from app.issuing import Person

LOGIN_MAX_AGE_S = 600
PLACE = "web_session|person"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A teacher who is logged in."""

    token: str
    teacher_id: uuid.UUID
    person: Person
    logged_in_at: datetime

    @property
    def csrf(self) -> str:
        """What every form of this session sends back."""
        return sessions.csrf_token(self.token)


def set_cookie(
    response: Response, house: House, name: str, value: str, *, max_age_s: int | None = None
) -> None:
    """Give the browser a cookie that only this host gets and no script reads."""
    response.set_cookie(
        cookie_name(house, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=house.https,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, house: House, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        cookie_name(house, name), path="/", secure=house.https, httponly=True, samesite="lax"
    )


def read_cookie(request: Request, house: House, name: str) -> str | None:
    """The value of one of our cookies."""
    return request.cookies.get(cookie_name(house, name))


def cookie_name(house: House, name: str) -> str:
    """Under https the browser itself guards host, path and Secure; only the demo does without."""
    return f"__Host-{name}" if house.https else name


def seal_person(ring: KeyRing, person: Person) -> bytes:
    """The person as the session row keeps them: no longer than the session, never in the clear."""
    content = [person.insz.digits, person.name.given, person.name.family]
    return ring.keys.seal(json.dumps(content).encode(), place=PLACE)


def visitor(request: Request, house: TheHouse, now: Now) -> Visitor:
    """The teacher of this browser; a page sends everybody else to the log-in."""
    token = read_cookie(request, house, "sid")
    with house.database.reading() as session:
        found = sessions.find_session(session, token, now=now) if token else None
    if token is None or found is None or found.teacher_id is None or found.sealed_person is None:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            raise HTTPException(303, headers={"location": f"/login?to={request.url.path}"})
        raise Unauthenticated("Log in first.")
    if found.touch_due:
        house.database.transact(lambda s: sessions.touch_session(s, found.id, now=now))
    insz, given, family = json.loads(house.ring.keys.unseal(found.sealed_person, place=PLACE))
    person = Person(Insz(insz), Name(given, family))
    return Visitor(token, found.teacher_id, person, found.created_at)


TheVisitor = Annotated[Visitor, Depends(visitor)]


def form_token(
    csrf: Annotated[str, Form()] = "", x_csrf_token: Annotated[str, Header()] = ""
) -> str:
    """The form token of a request: a field of a form, or a header of a script."""
    return csrf or x_csrf_token


FormToken = Annotated[str, Depends(form_token)]


def require_own_form(request: Request, house: House, token: str, presented: str) -> None:
    """Refuse a change that did not come from a page of ours, in the session of `token`."""
    origin = request.headers.get("origin")
    if origin not in {None, house.public_url}:
        raise Forbidden("This form was not sent from our own page.")
    if not sessions.csrf_matches(token, presented):
        raise Forbidden("This form is out of date. Load the page again; nothing was changed.")


def acting_visitor(
    request: Request, house: TheHouse, visitor: TheVisitor, csrf: FormToken
) -> Visitor:
    """A visitor whose change came from a page of ours, in this very session."""
    require_own_form(request, house, visitor.token, csrf)
    return visitor


ActingVisitor = Annotated[Visitor, Depends(acting_visitor)]
