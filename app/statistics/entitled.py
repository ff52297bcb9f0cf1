"""How many persons have a right to a card: those of the last complete snapshot of a year.

A snapshot says of everybody in education who they are and where, so right after one the rules'
answer is kept for all of them. The last one up to 31 December stands for the year; a year
without any has no figure.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.entitlement import belgian_day
from app.cards.model import Teacher
from app.epd.places import residences
from app.statistics.books import Books, replace_measure, take_turn
from app.statistics.flags import places
from app.statistics.model import Basis, CountedYear, Measure

TEACHERS_AT_ONCE = 2000

Counts = Mapping[tuple[Basis, str], int]


def is_due(session: Session, *, snapshot_at: datetime) -> bool:
    """Whether a snapshot that was complete at this moment is not counted yet."""
    year = session.get(CountedYear, belgian_day(snapshot_at).year)
    if year is None or year.entitled_at is None:
        return True
    return year.closed_at is None and year.entitled_at < snapshot_at


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
