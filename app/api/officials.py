"""Officials at the browser: of schools, of partners, and at the desks of the card office.

A route says whom it is for by the type of an argument: `PersonnelOfficer`, or
`Annotated[Officer, card_officer(Role.ISSUER)]`; `acting=True` for a change, which must come from a
form of this session, `step_up=True` for what does harm in wrong hands. Nobody logged in is sent to
the right log-in (a page) or refused with 401; another audience or a role that is missing with 403.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.exceptions import HTTPException

from app.api.cookies import read_cookie
from app.api.deps import House, Now, TheHouse
from app.api.visitors import FormToken, require_own_form
from app.cards.keyring import KeyRing
from app.errors import Forbidden, Unauthenticated
from app.identity import sessions
from app.identity.roles import CAPACITY_OF, Capacity, Official, Role, stepped_up

PLACE = "web_session|official"
# To which log-in a role leads.
AUDIENCES = {Role.PERSONNEL: "personnel", Role.PARTNER: "partner"}


@dataclass(frozen=True, slots=True)
class Officer:
    """An official who is logged in."""

    token: str
    official: Official
    authenticated_at: datetime

    @property
    def csrf(self) -> str:
        """What every form of this session sends back."""
        return sessions.csrf_token(self.token)


def seal_official(ring: KeyRing, official: Official) -> bytes:
    """The official as the session row keeps them: sealed, and no longer than the session."""
    content = asdict(official) | {"roles": sorted(official.roles)}
    return ring.keys.seal(json.dumps(content).encode(), place=PLACE)


def card_officer(
    role: Role, *, acting: bool = False, script: bool = False, step_up: bool = False
) -> Any:  # noqa: ANN401 - as FastAPI's Depends
    """What stands in `Annotated[Officer, …]` of a route for this role.

    `script` is a change too: its body is JSON, so its form token comes in a header only.
    """

    def admitted(request: Request, house: TheHouse, now: Now) -> Officer:
        audience = AUDIENCES.get(role, "office")
        officer = _officer(request, house, audience, now)
        if officer is None or officer.official.capacity is not CAPACITY_OF[role]:
            _lead_to_log_in(request, f"for={audience}")
            raise Forbidden("This is for officials of another kind of organisation.")
        if not officer.official.may(role):
            raise Forbidden("Your account has no role that may do this.")
        if step_up and not stepped_up(
            officer.official, officer.authenticated_at, accepted_acr=house.step_up_acr, now=now
        ):
            _lead_to_log_in(request, f"for={audience}&again=true")
            raise Unauthenticated("This asks for a log-in of the last ten minutes. Log in again.")
        return officer

    def acted(
        request: Request,
        house: TheHouse,
        officer: Annotated[Officer, Depends(admitted)],
        csrf: FormToken,
    ) -> Officer:
        require_own_form(request, house, officer.token, csrf)
        return officer

    def scripted(
        request: Request,
        house: TheHouse,
        officer: Annotated[Officer, Depends(admitted)],
        x_csrf_token: Annotated[str, Header()] = "",
    ) -> Officer:
        require_own_form(request, house, officer.token, x_csrf_token)
        return officer

    if script:
        return Depends(scripted)
    return Depends(acted if acting else admitted)


PersonnelOfficer = Annotated[Officer, card_officer(Role.PERSONNEL)]
ActingPersonnelOfficer = Annotated[Officer, card_officer(Role.PERSONNEL, acting=True)]


def _officer(request: Request, house: House, audience: str, now: datetime) -> Officer | None:
    """The official of this browser; None when a teacher is logged in there."""
    token = read_cookie(request, house, "sid")
    with house.database.reading() as session:
        found = sessions.find_session(session, token, now=now) if token else None
    if token is None or found is None:
        _lead_to_log_in(request, f"for={audience}")
        raise Unauthenticated("Log in first.")
    if found.teacher_id is not None or found.sealed_person is None:
        return None
    if found.touch_due:
        house.database.transact(lambda s: sessions.touch_session(s, found.id, now=now))
    kept = json.loads(house.ring.keys.unseal(found.sealed_person, place=PLACE))
    return Officer(token, _official(kept), found.authenticated_at)


def _official(kept: dict[str, Any]) -> Official:
    roles = frozenset(Role(role) for role in kept["roles"])
    return Official(**kept | {"roles": roles, "capacity": Capacity(kept["capacity"])})


def _lead_to_log_in(request: Request, query: str) -> None:
    """A page leads to the log-in; nothing happens for a machine, or where a form was sent."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        location = f"/login?{query}&to={request.url.path}"
        raise HTTPException(303, headers={"location": location})
