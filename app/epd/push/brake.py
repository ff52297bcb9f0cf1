"""The brake: a run that would take too many cards waits for two people of the card office.

Knows how many are too many (decision 0015) and that what a source did within a day counts
together, so that a mass change in small pieces is one all the same. A release needs two different
persons, each with a reason; one person is enough to refuse.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app import audit
from app.audit import Act, AuditKey
from app.cards.entitlement import CardStatus
from app.cards.model import Card
from app.epd.push.model import Batch, Decision, Pending, Run, RunState
from app.errors import Conflict, NotFound

WINDOW = timedelta(hours=24)
NEEDED = 2
MAX_WHY = 200


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody of the card office who decides: the subject of their log-in, and the reason."""

    subject: str
    capacity: str
    organisation: str
    why: str
    request_id: str = ""


def judge(
    session: Session, run_id: uuid.UUID, *, absent: int, percent: float, now: datetime
) -> RunState:
    """Let a complete run go on, or park it; `absent` are the holders whom a snapshot leaves out."""
    run = _locked(session, run_id)
    if run.state is not RunState.COMPLETE:
        return run.state
    by_news = session.scalar(select(func.sum(Batch.losing)).where(Batch.run_id == run_id)) or 0
    run.losing = by_news + absent
    run.holders = holders(session)
    run.judged_at = now
    lately = _lately(session, run, now=now)
    # Measured by who held one before: each piece of a mass change would else lower the bar.
    parked = run.losing > 0 and too_many(run.losing + lately, run.holders + lately, percent=percent)
    run.state = RunState.PARKED if parked else RunState.APPLYING
    return run.state


def too_many(losing: int, holders: int, *, percent: float) -> bool:
    """Whether so many losses are more than one person and more than the share that is allowed."""
    return losing > max(1.0, holders * percent / 100)


def holders(session: Session) -> int:
    """How many cards are active now."""
    active = select(func.count()).select_from(Card).where(Card.status == CardStatus.ACTIVE)
    return session.scalar(active) or 0


def parked(session: Session) -> list[Run]:
    """What waits for the card office, oldest first."""
    waiting = select(Run).where(Run.state == RunState.PARKED).order_by(Run.judged_at)
    return list(session.scalars(waiting))


def release(
    session: Session, run_id: uuid.UUID, *, by: Decider, key: AuditKey, now: datetime
) -> bool:
    """One person lets a parked run go on; True once a second, another one, has done so too."""
    run = _decide(session, run_id, by=by, release=True, key=key, now=now)
    said = select(func.count(Decision.person.distinct())).where(
        Decision.run_id == run_id, Decision.release
    )
    if (session.scalar(said) or 0) < NEEDED:
        return False
    run.state = RunState.RELEASED
    return True


def refuse(
    session: Session, run_id: uuid.UUID, *, by: Decider, key: AuditKey, now: datetime
) -> None:
    """One person stops a parked run for good; nothing of it was done, nothing will be."""
    run = _decide(session, run_id, by=by, release=False, key=key, now=now)
    run.state, run.finished_at = RunState.REFUSED, now
    batches = select(Batch.id).where(Batch.run_id == run_id)
    session.execute(delete(Pending).where(Pending.batch_id.in_(batches)))


def _decide(
    session: Session,
    run_id: uuid.UUID,
    *,
    by: Decider,
    release: bool,
    key: AuditKey,
    now: datetime,
) -> Run:
    run = _locked(session, run_id)
    if run.state is not RunState.PARKED:
        raise Conflict("This run does not wait for a decision.")
    if not by.subject or not by.why.strip() or len(by.why) > MAX_WHY:
        raise Conflict(f"A decision needs a person and a reason of at most {MAX_WHY} characters.")
    earlier = select(Decision.id).where(Decision.run_id == run_id, Decision.person == by.subject)
    if session.scalars(earlier).first() is not None:
        raise Conflict("The same person cannot decide twice; somebody else is needed.")
    session.add(Decision(run_id=run_id, person=by.subject, release=release, why=by.why, at=now))
    act = Act(
        actor=by.subject,
        capacity=by.capacity,
        organisation=by.organisation,
        action="epd-run.release" if release else "epd-run.refuse",
        object=f"epd_run:{run_id}",
        purpose=by.why,
        request_id=by.request_id,
        details={"losing": run.losing, "holders": run.holders or 0},
    )
    audit.record(session, act, key=key, now=now)
    session.flush()
    return run


def _locked(session: Session, run_id: uuid.UUID) -> Run:
    run = session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise NotFound("There is no such run.")
    return run


def _lately(session: Session, run: Run, *, now: datetime) -> int:
    """How many lost their card within a day by what nobody had to release."""
    released = select(Decision.run_id).where(Decision.release)
    lately = select(func.sum(Run.losing)).where(
        Run.source == run.source,
        Run.judged_at > now - WINDOW,
        Run.state.in_((RunState.APPLYING, RunState.DONE)),
        Run.id != run.id,
        Run.id.not_in(released),
    )
    return session.scalar(lately) or 0
