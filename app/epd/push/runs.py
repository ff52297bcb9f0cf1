"""What was accepted is carried out: judged as a whole, then person by person in small steps.

Knows the order: a run is complete, the brake looks at it, its chunks are carried out one
transaction each, and last of all, for a full snapshot, those who were left out are dealt with.
Everything that is yet to be done stands in the database and goes with the transaction that does
it, so a worker may die at any moment and another goes on. Every call of `Runs.run` is one step.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app import fence
from app.cards.entitlement import Policy
from app.cards.keyring import KeyRing, Keys
from app.db import Database
from app.epd import merge
from app.epd.merge import Outcome
from app.epd.push import brake
from app.epd.push.accept import CHUNK, place
from app.epd.push.missing import losing, missing
from app.epd.push.model import Batch, Decision, Fault, Pending, Run, RunState
from app.epd.push.news import News, unpack

# As long the same batch sent again is known as such.
KEPT = timedelta(days=30)
RUNS_AT_ONCE = 20

log = structlog.get_logger()


class Runs:
    """Carries out what was pushed; any number of workers may do so at once."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        *,
        policy: Policy,
        brake_percent: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._ring = ring
        self._policy = policy
        self._brake_percent = brake_percent
        self._clock = clock

    def run(self) -> int:
        """One step of the oldest run that can go on; 0 when there is none."""
        can_go_on = (RunState.COMPLETE, RunState.RELEASED, RunState.APPLYING)
        oldest = select(Run).where(Run.state.in_(can_go_on)).order_by(Run.begun_at, Run.id)
        with self._database.reading() as session:
            run = session.scalars(oldest.limit(1)).one_or_none()
        if run is None:
            return 0
        if run.state is RunState.COMPLETE:
            self._judge(run)
        elif not self._carry_out(run.id):
            self._leave_out(run)
        return 1

    def _judge(self, run: Run) -> None:
        """Let the brake look at the whole before anything of it is done."""
        absent = 0
        if run.full:
            with self._database.reading() as session:
                absent = losing(session, run)
        judged = self._database.transact(
            lambda session: brake.judge(
                session, run.id, absent=absent, percent=self._brake_percent, now=self._clock()
            )
        )
        if judged is RunState.PARKED:
            log.error("epd-run-parked", run=str(run.id))

    def _carry_out(self, run_id: uuid.UUID) -> bool:
        """The next chunk of a run; False when none is left."""
        keys, now = self._ring.keys, self._clock()

        def work(session: Session) -> bool:
            chunk = _take(session, run_id)
            if chunk is None:
                return False
            where = place(chunk.batch_id, chunk.first)
            news = unpack(keys.unseal(chunk.sealed, place=where))
            heard_at = session.get_one(Batch, chunk.batch_id).received_at
            outcomes = self._apply(session, news, keys=keys, now=now, heard_at=heard_at)
            _count(session, chunk.batch_id, outcomes)
            return True

        return self._database.transact(work)

    def _apply(
        self, session: Session, news: list[News], *, keys: Keys, now: datetime, heard_at: datetime
    ) -> list[Outcome]:
        policy = self._policy
        for one in news:
            if one.replaces is not None:
                merge.replace_number(
                    session, one.replaces, one.insz, keys=keys, policy=policy, now=now
                )
        snapshots = [one.snapshot for one in news if one.snapshot is not None]
        outcomes = merge.merge(
            session, snapshots, keys=keys, policy=policy, now=now, heard_at=heard_at
        )
        removed = [(one.insz, one.version) for one in news if one.snapshot is None]
        return outcomes + merge.remove(session, removed, keys=keys, policy=policy, now=now)

    def _leave_out(self, run: Run) -> None:
        """The next persons whom a full snapshot left out; the run is done when there are none."""
        absent: list[tuple[bytes, uuid.UUID]] = []
        if run.full:
            with self._database.reading() as session:
                absent = missing(session, run, limit=CHUNK)
        now = self._clock()

        def work(session: Session) -> None:
            here = session.get_one(Run, run.id, with_for_update=True, populate_existing=True)
            if absent:
                ids = [teacher_id for _, teacher_id in absent]
                merge.leave_out(session, ids, policy=self._policy, now=now)
                here.absent_up_to = absent[-1][0]
            else:
                here.state, here.finished_at = RunState.DONE, now
                if run.full:
                    fence.heard_everybody(session, began=run.begun_at)
                forget = update(Batch).where(Batch.run_id == run.id).values(seen=None)
                session.execute(forget)

        self._database.transact(work)
        if not absent:
            log.info("epd-run-done", run=str(run.id), full=run.full)


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete up to 20 runs that have long been over; what people decided stays in the audit."""
    old = select(Run.id).where(Run.finished_at < now - KEPT).limit(RUNS_AT_ONCE)
    runs = session.scalars(old).all()
    batches = session.scalars(select(Batch.id).where(Batch.run_id.in_(runs))).all()
    for table in (Pending, Fault):
        session.execute(delete(table).where(table.batch_id.in_(batches)))
    session.execute(delete(Batch).where(Batch.id.in_(batches)))
    session.execute(delete(Decision).where(Decision.run_id.in_(runs)))
    session.execute(delete(Run).where(Run.id.in_(runs)))
    return len(runs)


def _take(session: Session, run_id: uuid.UUID) -> Pending | None:
    """The next chunk, which is nobody else's from here on: it goes with this transaction."""
    first = (
        select(Pending)
        .join(Batch, Batch.id == Pending.batch_id)
        .where(Batch.run_id == run_id)
        .order_by(Batch.number, Pending.first)
        .limit(1)
    )
    chunk = session.scalars(first).one_or_none()
    if chunk is None:
        return None
    own = delete(Pending).filter_by(batch_id=chunk.batch_id, first=chunk.first)
    mine = session.execute(own.returning(Pending.first)).first()
    return chunk if mine else _take(session, run_id)


def _count(session: Session, batch_id: uuid.UUID, outcomes: list[Outcome]) -> None:
    session.execute(
        update(Batch)
        .where(Batch.id == batch_id)
        .values(
            new=Batch.new + outcomes.count(Outcome.NEW),
            changed=Batch.changed + outcomes.count(Outcome.CHANGED),
            unchanged=Batch.unchanged + outcomes.count(Outcome.UNCHANGED),
            outdated=Batch.outdated + outcomes.count(Outcome.OUTDATED),
        )
    )
