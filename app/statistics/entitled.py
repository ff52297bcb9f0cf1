"""How many persons have a right to a card: those of the last complete snapshot of a year.

A snapshot says of everybody in education who they are and where, so right after one the rules'
answer is kept for all of them. The last one up to 31 December stands for the year; a year
without any has no figure.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.model import Teacher
from app.db import Database
from app.epd.model import EPD
from app.epd.places import residences
from app.epd.pull.model import PullState
from app.epd.push.model import Run, RunState
from app.statistics.books import Books, replace_measure, take_turn
from app.statistics.flags import places
from app.statistics.model import Basis, CountedYear, Measure

TEACHERS_AT_ONCE = 2000

Counts = Mapping[tuple[Basis, str], int]


def count_entitled(database: Database, *, now: datetime) -> int:
    """Count those entitled if a complete snapshot came since the last time; 1 when it did."""
    with database.reading() as session:
        snapshot_at = last_complete_snapshot(session)
        if snapshot_at is None or not is_due(session, snapshot_at=snapshot_at):
            return 0
        counts = entitled(session, now=now)
    kept = database.transact(
        lambda session: keep_entitled(session, counts, snapshot_at=snapshot_at)
    )
    return int(kept)


def last_complete_snapshot(session: Session) -> datetime | None:
    """When the personnel file last said all it knows, pushed or asked by us, carried out whole."""
    whole = select(func.max(Run.finished_at)).where(Run.full, Run.state == RunState.DONE)
    pushed = session.scalar(whole.where(Run.source == EPD))
    asked = session.scalar(select(PullState.full_at).where(PullState.source == EPD))
    return max((at for at in (pushed, asked) if at is not None), default=None)


def is_due(session: Session, *, snapshot_at: datetime) -> bool:
    """Whether a snapshot that was complete at this moment is not counted yet."""
    year = session.get(CountedYear, belgian_day(snapshot_at).year)
    if year is None:
        return True
    later = year.entitled_at is None or year.entitled_at < snapshot_at
    return later and year.closed_at is None


def entitled(session: Session, *, now: datetime) -> Counts:
    """Everybody with a right to a card, by province of home and of work; only reads."""
    found = select(Teacher.id).where(Teacher.entitled.is_(True)).order_by(Teacher.id)
    counts: Counter[tuple[Basis, str]] = Counter()
    for ids in session.scalars(found.execution_options(yield_per=TEACHERS_AT_ONCE)).partitions():
        for residence in residences(session, ids, on=belgian_day(now)).values():
            counts.update(places(residence).items())
    return counts


def keep_entitled(session: Session, counts: Counts, *, snapshot_at: datetime) -> bool:
    """Let these counts stand for the year of the snapshot, unless a later one does already."""
    year = belgian_day(snapshot_at).year
    if not take_turn(session) or not is_due(session, snapshot_at=snapshot_at):
        return False
    if not Books(session).takes(year):
        return False
    session.flush()
    session.get_one(CountedYear, year).entitled_at = snapshot_at
    replace_measure(session, year, Measure.ENTITLED, counts)
    return True
