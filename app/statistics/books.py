"""The counters as whoever counts sees them: a turn, years that are open, cells to add to.

One transaction holds the turn, reads the cells of the years that it touches once and writes back
what changed; nobody else writes them meanwhile, so a plain addition is exact. A year that is
closed takes nothing more: what came too late is counted here and logged.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_once
from app.statistics.model import ALL, Basis, CountedYear, Counter, CountingTurn, Measure

# The cell of a province under each basis; a use has three, a person two.
Places = Mapping[Basis, str]
Cell = tuple[int, str, str, str, str]


def take_turn(session: Session) -> bool:
    """Whether this transaction may count; False while another worker does."""
    insert_once(session, CountingTurn, {"id": 1})
    turn = select(CountingTurn.id).with_for_update(skip_locked=True)
    return session.scalars(turn).first() is not None


class Books:
    """What a transaction that has the turn adds to the counters."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._years = {one.year: one for one in session.scalars(select(CountedYear))}
        self._added: defaultdict[Cell, int] = defaultdict(int)
        self.late = 0

    def takes(self, year: int) -> bool:
        """Whether a year is still open; one that was never counted opens now."""
        if year not in self._years:
            self._years[year] = CountedYear(year=year)
            self._session.add(self._years[year])
        if self._years[year].closed_at is None:
            return True
        self.late += 1
        return False

    def add(self, year: int, measure: Measure, places: Places, *, channel: str = ALL) -> None:
        """Count one, in the province of each basis."""
        for basis, province in places.items():
            self._added[year, measure, channel, basis, province] += 1

    def write(self) -> None:
        """Bring what was added into the counters."""
        years = {cell[0] for cell in self._added}
        known = {
            (one.year, one.measure, one.channel, one.basis, one.province): one
            for one in self._session.scalars(select(Counter).where(Counter.year.in_(years)))
        }
        for cell, count in self._added.items():
            if cell in known:
                known[cell].value += count
            else:
                year, measure, channel, basis, province = cell
                self._session.add(
                    Counter(
                        year=year,
                        measure=measure,
                        channel=channel,
                        basis=basis,
                        province=province,
                        value=count,
                    )
                )


def replace_measure(
    session: Session, year: int, measure: Measure, counts: Mapping[tuple[Basis, str], int]
) -> None:
    """Put new counts in the place of all there are of a measure in a year."""
    cells = select(Counter).where(Counter.year == year, Counter.measure == measure)
    for cell in session.scalars(cells):
        session.delete(cell)
    session.flush()
    session.add_all(
        Counter(year=year, measure=measure, channel=ALL, basis=basis, province=where, value=count)
        for (basis, where), count in counts.items()
    )


def close_years(session: Session, *, before: int, now: datetime) -> list[int]:
    """Close every open year before one; returns those that were closed now."""
    found = select(CountedYear).where(CountedYear.year < before, CountedYear.closed_at.is_(None))
    years = session.scalars(found.order_by(CountedYear.year)).all()
    for year in years:
        year.closed_at = now
    return [year.year for year in years]
