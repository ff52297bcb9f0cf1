"""What can be seen from outside: how far a batch is, where a person stands, how old our news is."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cards.entitlement import CardStatus
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.cards.lifecycle import IN_FORCE
from app.cards.model import Card, Teacher
from app.epd.model import EPD, PersonnelRecord
from app.epd.push.model import OVER, Batch, Fault, Run, RunState, Sequence

# The contract's own words for how far a batch is.
STATUSES = {
    RunState.RECEIVING: "AANVAARD",
    RunState.COMPLETE: "AANVAARD",
    RunState.PARKED: "WACHT_OP_BEVESTIGING",
    RunState.RELEASED: "BEZIG",
    RunState.APPLYING: "BEZIG",
    RunState.DONE: "VERWERKT",
    RunState.REFUSED: "GEWEIGERD",
    RunState.SUPERSEDED: "GEWEIGERD",
}


def status_of_batch(batch: Batch) -> str:
    """How far a batch is; one with faults is in the end carried out in part, or not at all."""
    status = STATUSES[batch.run.state]
    if status != "VERWERKT" or not batch.faulty:
        return status
    carried_out = batch.new + batch.changed + batch.unchanged + batch.outdated
    return "GEDEELTELIJK" if carried_out else "GEWEIGERD"


def faults_of(session: Session, batch_id: uuid.UUID, *, after: int, limit: int) -> list[Fault]:
    """A page of a batch's faults, in the order of its records."""
    page = select(Fault).where(Fault.batch_id == batch_id, Fault.index > after)
    return list(session.scalars(page.order_by(Fault.index).limit(limit)))


@dataclass(frozen=True, slots=True)
class Standing:
    """What we make of what EPD said of one person."""

    version: int
    received_at: datetime
    absent_since: date | None
    entitled: bool | None
    reason: str | None
    review_on: date | None
    card: CardStatus | None


def standing_of(session: Session, insz: Insz, *, keys: Keys) -> Standing | None:
    """Where a person stands; None of whom EPD never spoke."""
    pseudonyms = [insz.pseudonym(pepper.value) for pepper in keys.usable("pepper")]
    found = session.execute(
        select(Teacher, PersonnelRecord)
        .join(PersonnelRecord, PersonnelRecord.teacher_id == Teacher.id)
        .where(Teacher.insz_pseudonym.in_(pseudonyms), PersonnelRecord.source == EPD)
    ).first()
    if found is None:
        return None
    teacher, record = found
    card = select(Card.status).where(Card.teacher_id == teacher.id, Card.status.in_(IN_FORCE))
    return Standing(
        version=record.version,
        received_at=record.received_at,
        absent_since=record.absent_since,
        entitled=teacher.entitled,
        reason=teacher.entitlement_reason,
        review_on=teacher.review_on,
        card=session.scalars(card).one_or_none(),
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """For those who watch the service; None where nothing was ever pushed."""

    last_number: int | None
    last_batch_age_s: int | None
    unfinished: int
    parked: int
    oldest_unfinished_age_s: int | None


def figures(session: Session, *, now: datetime) -> Figures:
    """The age of the last batch, and what is still to be done."""
    last = session.get(Sequence, EPD)
    count, oldest, waiting = session.execute(
        select(
            func.count(),
            func.min(Run.begun_at),
            func.count().filter(Run.state == RunState.PARKED),
        ).where(Run.state.not_in(OVER))
    ).one()
    return Figures(
        last_number=last.last_number if last else None,
        last_batch_age_s=_age_s(last.received_at if last else None, now),
        unfinished=count,
        parked=waiting,
        oldest_unfinished_age_s=_age_s(oldest, now),
    )


def _age_s(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else max(0, int((now - moment).total_seconds()))
