"""For an app of the teacher: what the pages show and do, as JSON under `/api/v1/me`.

The session is that of the cookie. A change needs the session's form token in `X-CSRF-Token`,
which `GET /api/v1/me` gives.
"""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from app.api.card_state import card_page
from app.api.deps import House, Now, TheHouse
from app.api.problems import PROBLEM_RESPONSES
from app.api.visitors import ActingVisitor, TheVisitor, Visitor
from app.cards.token import Carrier
from app.identity import sessions
from app.retention.erasure import erase
from app.retention.export import export
from app.verification.activity import checks_of, number_of_checks
from app.web.card_texts import CardState

router = APIRouter(prefix="/api/v1/me", tags=["teacher"], responses=PROBLEM_RESPONSES)


class AppointmentAnswer(BaseModel):
    """One employment as the personnel file, or the institution's own list, gave it."""

    model_config = ConfigDict(from_attributes=True)

    institution: str
    category: str
    begin: date
    end: date | None


class LeaveAnswer(BaseModel):
    """Leave as the personnel file gave it; `kind` is its own word (dienstonderbreking)."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    full: bool
    begin: date
    end: date | None


class MeAnswer(BaseModel):
    """Where a teacher stands; `reason` says why, `card_number` is null without a card."""

    name: str
    state: CardState
    reason: str | None
    may_get_card: bool
    card_number: str | None
    year: int
    valid_until: date | None
    appointments: list[AppointmentAnswer]
    leaves: list[LeaveAnswer]
    personnel_file_answered_at: datetime | None
    csrf_token: str


class CheckAnswer(BaseModel):
    """One check of a card of this teacher."""

    at: datetime
    partner: str
    place: str
    postcode: str | None
    channel: str
    carrier: str | None
    card_number: str
    valid: bool
    reason: str


class ActivityAnswer(BaseModel):
    """One page of the checks, the newest first, and how many there are in all."""

    total: int
    checks: list[CheckAnswer]


@router.get("")
def me(house: TheHouse, visitor: TheVisitor, now: Now) -> MeAnswer:
    """Who I am here, and where I stand."""
    return _me(house, visitor, now)


@router.post("/card")
def get_my_card(house: TheHouse, visitor: ActingVisitor, now: Now) -> MeAnswer:
    """Get a card; asking twice gives the same one."""
    house.issuing.issue(visitor.person, now=now)
    return _me(house, visitor, now)


@router.post("/card/report-lost")
def report_my_card_lost(house: TheHouse, visitor: ActingVisitor, now: Now) -> MeAnswer:
    """Stop the card at once, get a new one, and log every other browser out."""
    house.issuing.report_lost(visitor.teacher_id, now=now)
    house.database.transact(
        lambda session: sessions.end_sessions_of(session, visitor.teacher_id, but=visitor.token)
    )
    return _me(house, visitor, now)


@router.get("/activity")
def my_activity(
    house: TheHouse,
    visitor: TheVisitor,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ActivityAnswer:
    """Who checked my card, where and when."""
    with house.database.reading() as session:
        checks = checks_of(session, visitor.teacher_id, offset=offset, limit=limit)
        total = number_of_checks(session, visitor.teacher_id)
    return ActivityAnswer(
        total=total,
        checks=[
            CheckAnswer(
                at=check.at,
                partner=check.partner,
                place=check.place,
                postcode=check.postcode,
                channel=check.channel,
                carrier=Carrier(check.carrier).label if check.carrier else None,
                card_number=check.card_number,
                valid=check.valid,
                reason=check.reason,
            )
            for check in checks
        ],
    )


@router.get("/export")
def my_data(house: TheHouse, visitor: TheVisitor, now: Now) -> dict[str, Any]:
    """Everything that is kept about me."""
    with house.database.reading() as session:
        return export(session, visitor.teacher_id, keys=house.ring.keys, terms=house.terms, now=now)


@router.post("/erase", status_code=204)
def erase_me(house: TheHouse, visitor: ActingVisitor, now: Now) -> Response:
    """Be forgotten; every session ends with it."""
    house.database.transact(lambda session: erase(session, visitor.teacher_id, now=now))
    return Response(status_code=204)


def _me(house: House, visitor: Visitor, now: datetime) -> MeAnswer:
    standing = house.issuing.standing(visitor.teacher_id, now=now)
    shown = card_page(standing, visitor=visitor, wallet_first=None, now=now)
    return MeAnswer(
        name=shown.holder_name,
        state=shown.state,
        reason=shown.reason,
        may_get_card=shown.may_get_card or shown.may_begin_anew,
        card_number=shown.number,
        year=shown.year,
        valid_until=shown.valid_until,
        appointments=[AppointmentAnswer.model_validate(one) for one in shown.appointments],
        leaves=[LeaveAnswer.model_validate(one) for one in shown.leaves],
        personnel_file_answered_at=shown.received_at,
        csrf_token=visitor.csrf,
    )
