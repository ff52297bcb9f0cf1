"""Sample figures for pages: the real answer about 2021 and 2022, and made-up years after it."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.statistics.counts import (
    COUNTED,
    PROVINCES,
    Count,
    Known,
    Name,
    Source,
    Status,
    with_totals,
)
from app.statistics.figures import Report, publish
from app.statistics.imports import ALLOWED_IN_LEGACY, IN_TABLE, IN_TEXT, LEGACY, read
from app.statistics.legacy import FILE, SOURCE
from app.statistics.model import ALL, Basis, CountedYear, Counter, Measure

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
YEARS = (2021, 2022, 2023, 2024, 2025, 2026)
# Of a thousand teachers, by province; so few in Luxembourg that some cells stay hidden.
SHARES = (284, 139, 232, 172, 148, 2, 1, 3, 0.02, 14, 3, 1)
# Of a thousand entitled: how many of each series in the first year and in the second.
GROWTH = ((120, 410), (60, 200), (40, 150), (30, 90), (2, 7), (1, 6), (120, 405))
LATER = ((90, 350), (60, 240), (200, 1900), (8, 90))


def sample() -> Report:
    """Six years: told, unknown, closed, and still growing."""
    counts = {year: _told(year) for year in (2021, 2022)}
    counts |= {year: _counted(turn) for turn, year in enumerate((2025, 2026))}
    found = Known(
        counts={year: with_totals(of) for year, of in counts.items()},
        sources=(Source(LEGACY, 1, SOURCE, AT, (2021, 2022)),),
        entitled_at={2025: AT.replace(year=2025), 2026: AT},
    )
    return publish(found, YEARS, basis=Basis.HOME, small_cell=5)


def last_year(session: Session, year: int, *, now: datetime) -> None:
    """Make up the counters of a year that is over, for a demonstration that begins today."""
    session.add(CountedYear(year=year, closed_at=now, entitled_at=now))
    for (measure, channel), count in _counted(0).items():
        session.add_all(
            Counter(
                year=year,
                measure=measure,
                channel=channel,
                basis=basis,
                province=province,
                value=value,
            )
            for basis in Basis
            for province, value in count.provinces.items()
        )


def nothing() -> Report:
    """A deployment in which nothing was imported or counted yet."""
    return publish(Known({}), (2026,), basis=Basis.HOME, small_cell=5)


def _told(year: int) -> dict[Name, Count]:
    counts: dict[Name, Count] = {}
    names = {IN_TEXT: (Measure.CARDS, ALL), IN_TABLE: (Measure.ENTITLED, ALL)}
    for figure in read(FILE.read_text("utf-8"), allowed=ALLOWED_IN_LEGACY):
        if figure.year != year:
            continue
        name = names.get(figure.measure) or (Measure(figure.measure), figure.channel)
        count = counts.setdefault(name, Count(public=True))
        if figure.province is None:
            count.national = figure.value
        else:
            count.provinces[figure.province] = figure.value
    return counts


def _counted(turn: int) -> dict[Name, Count]:
    counts = {}
    rates = {(Measure.ENTITLED, ALL): (1000, 1000)} | dict(
        zip(COUNTED, (*GROWTH, *LATER), strict=True)
    )
    for name, rate in rates.items():
        provinces = {
            province: int(228 * share * rate[turn] / 1000)
            for province, share in zip(PROVINCES, SHARES, strict=True)
        }
        status = Status.PROVISIONAL if turn else Status.FINAL
        counts[name] = Count(sum(provinces.values()), provinces, status)
    return counts
