"""Who is at the browser: the session of its cookie, its form token, the person behind it.

A page for nobody in particular asks for nothing here; a page of a teacher asks for a `Visitor`,
a change for an `ActingVisitor`, and a page for everybody that shows more to a teacher for
`AnyVisitor`.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Form, Header, Request
from starlette.exceptions import HTTPException

from app.api.cookies import read_cookie
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


def seal_person(ring: KeyRing, person: Person) -> bytes:
    """The person as the session row keeps them: no longer than the session, never in the clear."""
    content = [person.insz.digits, person.name.given, person.name.family]
    return ring.keys.seal(json.dumps(content).encode(), place=PLACE)


def any_visitor(request: Request, house: TheHouse, now: Now) -> Visitor | None:
    """The teacher of this browser, if one is logged in."""
    token = read_cookie(request, house, "sid")
    with house.database.reading() as session:
        found = sessions.find_session(session, token, now=now) if token else None
    if token is None or found is None or found.teacher_id is None or found.sealed_person is None:
        return None
    if found.touch_due:
        house.database.transact(lambda s: sessions.touch_session(s, found.id, now=now))
    insz, given, family = json.loads(house.ring.keys.unseal(found.sealed_person, place=PLACE))
    person = Person(Insz(insz), Name(given, family))
    return Visitor(token, found.teacher_id, person, found.created_at)


AnyVisitor = Annotated[Visitor | None, Depends(any_visitor)]


def visitor(request: Request, found: AnyVisitor) -> Visitor:
    """The teacher of this browser; a page sends everybody else to the log-in."""
    if found is not None:
        return found
    path = request.url.path
    if (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not path.startswith("/api/")
    ):
        raise HTTPException(303, headers={"location": f"/login?to={path}"})
    raise Unauthenticated("Log in first.")


TheVisitor = Annotated[Visitor, Depends(visitor)]


def form_token(
    csrf: Annotated[str, Form()] = "", x_csrf_token: Annotated[str, Header()] = ""
) -> str:
    """The form token of a request: a field of a form, or a header of a script."""
    return csrf or x_csrf_token


FormToken = Annotated[str, Depends(form_token)]


def sent_from_elsewhere(request: Request, house: House) -> bool:
    """Whether a browser says that the page of another site sent this.

    Our pages give no referrer, and then browsers name no origin of a form either ("null"): where
    they say more exactly who sent it (Fetch Metadata), that counts.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    return request.headers.get("origin") not in {None, "null", house.public_url}


def require_own_form(request: Request, house: House, token: str, presented: str) -> None:
    """Refuse a change that did not come from a page of ours, in the session of `token`."""
    if sent_from_elsewhere(request, house):
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
