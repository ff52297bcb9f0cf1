"""What ends soon on an institution's list, so that its personnel office hears of it in time."""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.db import insert_once
from app.epd.model import (
    EPD,
    PersonnelRecord,
    status_from_json,
)
from app.epd.rosters.model import RosterReminder

REMIND_BEFORE = timedelta(days=30)


def ending_soon(session: Session, numbers: frozenset[str], *, on: date) -> dict[date, int]:
    """How many entries end on which of the next thirty days, unless later ones follow."""
    soon: dict[date, int] = {}
    rows = select(PersonnelRecord.snapshot).where(PersonnelRecord.source.in_(numbers))
    for snapshot in session.scalars(rows.execution_options(yield_per=500)):
        ends = [e.end for e in status_from_json(snapshot).employments if e.end is not None]
        last = max(ends, default=None)
        if last is not None and on <= last <= on + REMIND_BEFORE:
            soon[last] = soon.get(last, 0) + 1
    return dict(sorted(soon.items()))


def remind(session: Session, *, after: str, now: datetime) -> str | None:
    """Note what ends soon at the next institution after a number; that number, None at the end."""
    rows = select(func.min(PersonnelRecord.source)).where(
        PersonnelRecord.source != EPD, PersonnelRecord.source > after
    )
    institution = session.scalars(rows).one()
    if institution is None:
        return None
    found = ending_soon(session, frozenset({institution}), on=belgian_day(now))
    for day, count in found.items():
        reminder = {"institution": institution, "ends_on": day}
        insert_once(session, RosterReminder, reminder | {"entries": count, "noted_at": now})
    return str(institution)
