"""What takes two people: one proposes it with a reason, another one approves or refuses.

People are told apart by the subject of the log-in, which is the same in all accounts of one
person. The row is locked while it is decided, so that of any number of decisions one counts; an
approval and what it does are one transaction.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app.audit import object_of
from app.cards import lifecycle
from app.cards.card_year import belgian_day
from app.cards.model import Teacher
from app.db import insert_once, uuid7
from app.epd import grants, intake
from app.errors import Conflict, Forbidden, NotFound
from app.office.acts import Means
from app.office.cases import own, said
from app.office.desk import Desk
from app.office.model import Proposal

OPEN_FOR = timedelta(days=14)
MAX_WHY = 200
BATCH = 200


class Kind(StrEnum):
    """What can be proposed for a person."""

    GRANT = "grant"
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody proposes; `until` only with a right by hand, and always there."""

    kind: Kind
    why: str
    until: date | None = None


def propose(
    session: Session, case_id: uuid.UUID, wish: Wish, *, desk: Desk, name: str, now: datetime
) -> None:
    """Propose something for the person of an open record; `name` is the official's own.

    `Conflict` when it does not apply to them, or has been proposed and not yet decided.
    """
    case = own(session, case_id, desk=desk, now=now)
    teacher = session.get_one(
        Teacher, case.teacher_id, with_for_update=True, populate_existing=True
    )
    _check(wish, teacher, on=belgian_day(now))
    _drop_old(session, now)
    values = {
        "id": uuid7(),
        "kind": wish.kind,
        "teacher_id": teacher.id,
        "until": wish.until,
        "why": wish.why.strip(),
        "proposed_by": desk.subject,
        "proposer_name": name,
        "proposed_at": now,
    }
    if not insert_once(session, Proposal, values):
        raise Conflict("This has been proposed already and waits for a second person.")
    desk.note(
        session,
        f"{wish.kind}.propose",
        object_of("teacher", teacher.id),
        purpose=case.purpose,
        why=wish.why.strip(),
        until=wish.until.isoformat() if wish.until else "",
        now=now,
    )


def waiting(session: Session, *, now: datetime) -> Sequence[Proposal]:
    """What waits for a second person, oldest first."""
    found = select(Proposal).where(
        Proposal.decided_at.is_(None), Proposal.proposed_at > now - OPEN_FOR
    )
    return session.scalars(found.order_by(Proposal.proposed_at)).all()


def open_for(session: Session, teacher_id: uuid.UUID) -> tuple[Kind, ...]:
    """What waits for a second person about one teacher."""
    found = select(Proposal.kind).where(
        Proposal.teacher_id == teacher_id, Proposal.decided_at.is_(None)
    )
    return tuple(Kind(kind) for kind in session.scalars(found))


def proposal_of(session: Session, proposal_id: uuid.UUID, *, now: datetime) -> Proposal:
    """A proposal that waits, its row locked; `NotFound` for one that is decided or too old."""
    proposal = session.get(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    too_old = proposal is None or proposal.proposed_at <= now - OPEN_FOR
    if proposal is None or too_old or proposal.decided_at is not None:
        raise NotFound("This proposal does not wait any more: it was decided, or it grew too old.")
    return proposal


def decide(
    session: Session,
    proposal_id: uuid.UUID,
    *,
    approve: bool,
    why: str,
    desk: Desk,
    means: Means,
    now: datetime,
) -> None:
    """Approve, which does it at once and takes another person; or refuse, which anybody may."""
    proposal = proposal_of(session, proposal_id, now=now)
    if approve and proposal.proposed_by == desk.subject:
        raise Forbidden("You proposed this yourself. Somebody else has to approve it.")
    teacher = session.get_one(
        Teacher, proposal.teacher_id, with_for_update=True, populate_existing=True
    )
    proposal.decided_by, proposal.decided_at, proposal.approved = desk.subject, now, approve
    desk.note(
        session,
        f"{proposal.kind}.{'approve' if approve else 'refuse'}",
        object_of("teacher", teacher.id),
        purpose=why,
        proposal=str(proposal.id),
        until=proposal.until.isoformat() if proposal.until else "",
        now=now,
    )
    if not approve:
        return
    wish = Wish(Kind(proposal.kind), proposal.why, proposal.until)
    _check(wish, teacher, on=belgian_day(now))
    if wish.until is not None:
        grants.grant(session, teacher.id, until=wish.until, now=now)
    else:
        lifecycle.lift(teacher)
    session.flush()
    intake.review(session, teacher, policy=means.policy, now=now)


def delete_old(session: Session, *, now: datetime) -> int:
    """Delete up to 200 proposals that are over; the record of acts keeps them."""
    over = or_(Proposal.decided_at <= now - OPEN_FOR, Proposal.proposed_at <= now - 2 * OPEN_FOR)
    ids = session.scalars(select(Proposal.id).where(over).limit(BATCH)).all()
    session.execute(delete(Proposal).where(Proposal.id.in_(ids)))
    return len(ids)


def _check(wish: Wish, teacher: Teacher, *, on: date) -> None:
    if not said(wish.why, MAX_WHY):
        raise Conflict(f"Give a reason of at most {MAX_WHY} characters, without a national number.")
    if teacher.erased_at is not None and wish.kind is Kind.GRANT:
        raise Conflict("This person asked to be forgotten; they log in first.")
    if wish.kind is Kind.LIFT and teacher.barred_at is None:
        raise Conflict("This person is not excluded, so there is nothing to lift.")
    if wish.kind is Kind.GRANT and teacher.barred_at is not None:
        raise Conflict("This person is excluded. That has to be lifted first.")
    until = wish.until
    if wish.kind is Kind.GRANT and (until is None or not on <= until <= on + grants.LONGEST):
        raise Conflict(f"A right by hand ends within {grants.LONGEST.days} days from today.")


def _drop_old(session: Session, now: datetime) -> None:
    """What nobody decided in time must not stand in the way of a new proposal."""
    stale = delete(Proposal).where(
        Proposal.decided_at.is_(None), Proposal.proposed_at <= now - OPEN_FOR
    )
    session.execute(stale, execution_options={"synchronize_session": False})
