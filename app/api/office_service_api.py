"""For the card office's own tools: partners, the state of the service and the switches as JSON.

The same as the pages of `office_partners` and `office_watch`. Secrets of tills are not among it:
they are shown once, on a page.
"""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api import office_switches as switches
from app.api.office_desk import AtDesk, Viewing, at_desk
from app.api.office_switches import KeyId
from app.api.office_waiting import Decided
from app.api.office_watch import state
from app.api.problems import PROBLEM_RESPONSES
from app.cards.keyring import Kind
from app.cards.token import KeyState
from app.identity.roles import Role
from app.office.proposals import MAX_WHY
from app.verification import partners
from app.verification.partners import Listed

router = APIRouter(prefix="/api/v1/office", tags=["card office"], responses=PROBLEM_RESPONSES)

Switching = Annotated[AtDesk, at_desk(Role.SECURITY, script=True, step_up=True)]
DONE = 204


class Why(BaseModel):
    """Why it is done."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(min_length=1, max_length=MAX_WHY)


class KeyAnswer(BaseModel):
    """A key of the ring, without what it holds."""

    model_config = ConfigDict(from_attributes=True)

    kind: Kind
    id: int
    state: KeyState
    created_at: datetime


class CertificateAnswer(BaseModel):
    """A certificate; `alarm_days` is the last of 60, 30, 14 and 7 days before its end passed."""

    name: str
    ends_at: datetime
    alarm_days: int | None


class StopAnswer(BaseModel):
    """Since when no first cards are given."""

    model_config = ConfigDict(from_attributes=True)

    since: datetime
    why: str


class RevocationAnswer(BaseModel):
    """A token key that somebody wants refused; another one decides."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    key_id: int
    why: str
    proposer_name: str
    proposed_at: datetime


class StateAnswer(BaseModel):
    """What needs somebody's eye; `parked` counts passes and `unsent` notices given up."""

    keys: list[KeyAnswer]
    certificates: list[CertificateAnswer]
    revocations: list[RevocationAnswer]
    issuing_stopped: StopAnswer | None
    parked: int
    unsent: int


@router.get("/partners")
def everybody(desk: Viewing) -> list[Listed]:
    """All partners, by name."""
    with desk.house.database.reading() as session:
        return partners.listing(session)


@router.post("/partners/{partner_id}/stop", status_code=DONE)
def stop_partner(desk: Switching, partner_id: uuid.UUID, asked: Why) -> Response:
    """Refuse everything of a partner from the next request on; its people are told why."""
    switches.stop_partner(desk, partner_id, asked.why)
    return Response(status_code=DONE)


@router.post("/partners/{partner_id}/admit", status_code=DONE)
def admit_partner(desk: Switching, partner_id: uuid.UUID) -> Response:
    """Take a partner back."""
    switches.admit_partner(desk, partner_id)
    return Response(status_code=DONE)


@router.get("/watch")
def watch(desk: Viewing) -> StateAnswer:
    """Keys, certificates, what was given up, and whether cards are given."""
    seen = state(desk)
    return StateAnswer(
        keys=[KeyAnswer.model_validate(key) for key in seen.keys],
        certificates=[
            CertificateAnswer(name=name, ends_at=end, alarm_days=seen.alarm(end))
            for name, end in seen.expiries.items()
        ],
        revocations=[RevocationAnswer.model_validate(one) for one in seen.revocations],
        issuing_stopped=StopAnswer.model_validate(seen.stop) if seen.stop else None,
        parked=len(seen.parked),
        unsent=sum(one.count for one in seen.unsent),
    )


@router.post("/watch/stop-issuing", status_code=DONE)
def stop_issuing(desk: Switching, asked: Why) -> Response:
    """Give no first cards, in every process, from the next request on."""
    switches.stop_issuing(desk, asked.why)
    return Response(status_code=DONE)


@router.post("/watch/go-on-issuing", status_code=DONE)
def go_on_issuing(desk: Switching) -> Response:
    """Give cards again."""
    switches.go_on_issuing(desk)
    return Response(status_code=DONE)


@router.post("/watch/keys/{key_id}/revoke", status_code=DONE)
def propose_revocation(desk: Switching, key_id: KeyId, asked: Why) -> Response:
    """Propose that a token key is refused for good."""
    switches.propose_revocation(desk, key_id, asked.why)
    return Response(status_code=DONE)


@router.post("/watch/revocations/{number}", status_code=DONE)
def decide_revocation(desk: Switching, number: uuid.UUID, asked: Decided) -> Response:
    """Say yes or no to what a colleague proposed; a yes counts from the very next check."""
    switches.decide_revocation(desk, number, approve=asked.approve, why=asked.why)
    return Response(status_code=DONE)
