"""For the card office's own tools: what the pages of `office` show and do, as JSON.

The session is that of the cookie. A change needs the session's form token in `X-CSRF-Token`,
which `GET /api/v1/office` gives.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.office_desk import AtDesk, Viewing, at_desk
from app.api.problems import PROBLEM_RESPONSES, Problem
from app.errors import NotFound
from app.identity.roles import Role
from app.office.acts import ACTS, Act, Why
from app.office.cases import MAX_REFERENCE, Purpose, Reason, read_number
from app.office.dossier import Dossier

router = APIRouter(prefix="/api/v1/office", tags=["card office"], responses=PROBLEM_RESPONSES)


class OfficerAnswer(BaseModel):
    """Who is at the desk, and what every change sends back."""

    name: str
    organisation: str
    roles: list[Role]
    csrf_token: str


class LookUp(BaseModel):
    """One person by a national number or a card number, and what for."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(max_length=40)
    purpose: Purpose
    reference: str = Field(min_length=1, max_length=MAX_REFERENCE)


class CaseAnswer(BaseModel):
    """The record that was opened; it stays open for half an hour, for this official only."""

    case_id: uuid.UUID


class ActAsked(BaseModel):
    """Why it is done; which reasons an act knows is in the problem otherwise."""

    model_config = ConfigDict(extra="forbid")

    why: Why


@router.get("")
def myself(desk: Viewing) -> OfficerAnswer:
    """Who I am here."""
    return OfficerAnswer(
        name=desk.official.name,
        organisation=desk.official.organisation_name,
        roles=sorted(desk.official.roles),
        csrf_token=desk.officer.csrf,
    )


@router.post("/cases", status_code=201)
def open_case(
    desk: Annotated[AtDesk, at_desk(Role.VIEWER, script=True)], asked: LookUp
) -> CaseAnswer:
    """Open a person's record; 404 when nobody has this number."""
    try:
        why = Reason(asked.purpose, asked.reference)
    except ValueError as fault:
        raise Problem("malformed-request", f"{fault}.".capitalize(), status=422) from fault
    if read_number(asked.number) is None:
        detail = "The number is neither a national number nor a card number."
        raise Problem("malformed-request", detail, status=422)
    case_id = desk.look_up(asked.number, why)
    if case_id is None:
        raise NotFound("Nobody with this number is known here.")
    return CaseAnswer(case_id=case_id)


@router.get("/cases/{case_id}")
def record(desk: Viewing, case_id: uuid.UUID) -> Dossier:
    """One person as this official may see them."""
    return desk.look(case_id)[1]


def _add_act(name: str, rule: Act) -> None:
    acting = at_desk(rule.role, step_up=rule.step_up, script=True)

    def do(desk: Annotated[AtDesk, acting], case_id: uuid.UUID, asked: ActAsked) -> Dossier:
        desk.act(case_id, name, asked.why)
        return desk.look(case_id)[1]

    router.add_api_route(
        f"/cases/{{case_id}}/{name}",
        do,
        methods=["POST"],
        name=f"{name}_card",
        description=f"Do it: {name}. Answers with the record as it is then.",
    )


for _name, _rule in ACTS.items():
    _add_act(_name, _rule)
