"""For the card office: what takes two people. One proposes, another one decides.

Every decision asks for a fresh log-in. A proposal about a person shows nothing of them; who
decides opens the record, which is on record like every look.
"""

import uuid
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.office_desk import AtDesk, at_desk
from app.api.problems import PROBLEM_RESPONSES
from app.epd.grants import LONGEST
from app.identity.roles import Role
from app.office import cases, proposals, waiting
from app.office.cases import Purpose, Reason
from app.office.proposals import MAX_WHY, Kind, Wish
from app.office.waiting import Subject, Waiting
from app.web.second_person_texts import DecidePage, ProposePage, WaitingPage

pages = APIRouter(prefix="/office", tags=["card office"], include_in_schema=False)
router = APIRouter(prefix="/api/v1/office", tags=["card office"], responses=PROBLEM_RESPONSES)

Issuer = Annotated[AtDesk, at_desk(Role.ISSUER)]
Careful = Annotated[AtDesk, at_desk(Role.ISSUER, step_up=True)]
ActingCarefully = Annotated[AtDesk, at_desk(Role.ISSUER, step_up=True, acting=True)]
ScriptedCarefully = Annotated[AtDesk, at_desk(Role.ISSUER, step_up=True, script=True)]
Words = Annotated[str, Form(max_length=400)]


class Proposed(BaseModel):
    """What is proposed for the person of an open record; `until` with a right by hand."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    why: str = Field(min_length=1, max_length=MAX_WHY)
    until: date | None = None


class Decided(BaseModel):
    """Yes or no, and why."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    why: str = Field(min_length=1, max_length=MAX_WHY)


@pages.get("/waiting")
def list_page(desk: Issuer) -> HTMLResponse:
    """Everything that waits for a second person."""
    return desk.page("office_waiting.html", WaitingPage(tuple(_everything(desk))))


@pages.get("/cases/{case_id}/propose/{kind}")
def ask(desk: Careful, case_id: uuid.UUID, kind: Kind) -> HTMLResponse:
    """What a proposal leads to, before it is made."""
    _, person = desk.look(case_id)
    latest = desk.today + LONGEST
    value = ProposePage(case_id=case_id, kind=kind, person=person, today=desk.today, latest=latest)
    return desk.page("office_propose.html", value)


@pages.post("/cases/{case_id}/propose/{kind}")
def propose(
    desk: ActingCarefully,
    case_id: uuid.UUID,
    kind: Kind,
    why: Words,
    until: Annotated[date | None, Form()] = None,
) -> RedirectResponse:
    """Propose it."""
    _propose(desk, case_id, Wish(kind, why, until))
    return RedirectResponse(f"/office/cases/{case_id}", 303)


@pages.get("/waiting/{subject}/{number}")
def look(desk: Careful, subject: Subject, number: uuid.UUID) -> HTMLResponse:
    """One thing that waits, with the two answers to it."""
    with desk.house.database.reading() as session:
        value = waiting.one(session, subject, number, desk=desk.desk, now=desk.now)
    return desk.page("office_decide.html", DecidePage(value))


@pages.post("/waiting/{subject}/{number}/record")
def open_record(
    desk: Annotated[AtDesk, at_desk(Role.ISSUER, acting=True)], subject: Subject, number: uuid.UUID
) -> RedirectResponse:
    """Open the record of the person whom a proposal is about."""
    why = Reason(Purpose.SECOND_PERSON, f"{subject} {number.hex[-8:]}")
    return RedirectResponse(f"/office/cases/{_case_of(desk, number, why)}", 303)


@pages.post("/waiting/{subject}/{number}/{answer}")
def answer(
    desk: ActingCarefully, subject: Subject, number: uuid.UUID, answer: waiting.Answer, why: Words
) -> RedirectResponse:
    """Say yes or no."""
    _decide(desk, subject, number, approve=answer is waiting.Answer.APPROVE, why=why)
    return RedirectResponse("/office/waiting", 303)


@router.get("/waiting")
def everything(desk: Issuer) -> list[Waiting]:
    """Everything that waits for a second person, oldest first."""
    return _everything(desk)


@router.post("/cases/{case_id}/proposals", status_code=204)
def make_proposal(desk: ScriptedCarefully, case_id: uuid.UUID, asked: Proposed) -> Response:
    """Propose something for the person of an open record."""
    _propose(desk, case_id, Wish(asked.kind, asked.why, asked.until))
    return Response(status_code=204)


@router.post("/waiting/{subject}/{number}", status_code=204)
def decide(
    desk: ScriptedCarefully, subject: Subject, number: uuid.UUID, asked: Decided
) -> Response:
    """Say yes or no; who proposed something cannot approve it."""
    _decide(desk, subject, number, approve=asked.approve, why=asked.why)
    return Response(status_code=204)


def _everything(desk: AtDesk) -> list[Waiting]:
    with desk.house.database.reading() as session:
        return waiting.everything(session, desk=desk.desk, now=desk.now)


def _propose(desk: AtDesk, case_id: uuid.UUID, wish: Wish) -> None:
    name = desk.official.name
    desk.transact(
        lambda session: proposals.propose(
            session, case_id, wish, desk=desk.desk, name=name, now=desk.now
        )
    )


def _decide(desk: AtDesk, subject: Subject, number: uuid.UUID, *, approve: bool, why: str) -> None:
    desk.transact(
        lambda session: waiting.decide(
            session,
            subject,
            number,
            approve=approve,
            why=why,
            desk=desk.desk,
            means=desk.means,
            now=desk.now,
        )
    )


def _case_of(desk: AtDesk, number: uuid.UUID, why: Reason) -> uuid.UUID:
    desk.count_look_up()
    return desk.transact(
        lambda session: cases.open_record(
            session,
            proposals.proposal_of(session, number, now=desk.now).teacher_id,
            why=why,
            desk=desk.desk,
            by="proposal",
            now=desk.now,
        )
    )
