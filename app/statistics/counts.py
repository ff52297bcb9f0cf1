"""Everything that is known of some years before anything is hidden: counted and imported.

Knows which series this service counts, how those of the old answer are named, which totals follow
from parts, and that of several versions of an import the newest counts. What nobody counted is
absent here, which is not the same as 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.provinces import Province
from app.statistics.imports import IN_TABLE, IN_TEXT, LEGACY, MADE_BY_HAND
from app.statistics.model import (
    ALL,
    NOWHERE,
    Basis,
    Channel,
    CountedYear,
    Counter,
    DataSet,
    ImportedFigure,
    Measure,
)

Name = tuple[Measure, str]

# In the order of the old answer, what is new after what was asked then.
PROVINCES = (*(province.value for province in Province), NOWHERE)
COUNTED: tuple[Name, ...] = (
    (Measure.CARDS, Channel.DIGITAL),
    (Measure.CARDS, Channel.APPLE),
    (Measure.CARDS, Channel.GOOGLE),
    (Measure.CARDS, Channel.WEB),
    (Measure.CARDS, Channel.PAPER),
    (Measure.REPLACED, Channel.DIGITAL),
    (Measure.ISSUED, ALL),
    (Measure.ACTIVATED, ALL),
    (Measure.USED, ALL),
    (Measure.USES, Channel.IN_PERSON),
    (Measure.USES, Channel.ONLINE),
)
PARTS: Mapping[Name, tuple[Name, ...]] = {
    (Measure.CARDS, ALL): tuple(
        (Measure.CARDS, channel) for channel in (*MADE_BY_HAND, Channel.DIGITAL)
    ),
    (Measure.USES, ALL): ((Measure.USES, Channel.IN_PERSON), (Measure.USES, Channel.ONLINE)),
}
AS_IMPORTED: dict[str, Name] = {
    IN_TEXT: (Measure.CARDS, ALL),
    IN_TABLE: (Measure.ENTITLED, ALL),
}


class Status(StrEnum):
    """How far a figure can be relied on, or why there is none."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    SUPPRESSED = "suppressed"
    NOT_AVAILABLE = "not_available"


@dataclass(slots=True)
class Count:
    """A series in one year before anything is hidden; a province that is not there is unknown."""

    national: int | None = None
    provinces: dict[str, int] = field(default_factory=dict)
    status: Status = Status.FINAL
    # Told to parliament as it is; nothing of it is hidden.
    public: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where the figures of some years came from."""

    name: str
    version: int
    source: str
    imported_at: datetime
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The series of some years, where imported ones came from, when those entitled were counted."""

    counts: Mapping[int, dict[Name, Count]]
    sources: tuple[Source, ...] = ()
    entitled_at: Mapping[int, datetime] = field(default_factory=dict)


def known(session: Session, years: Sequence[int], *, basis: Basis) -> Known:
    """Everything there is of these years, totals included."""
    counts, sources = _imported(session, years)
    counted = session.scalars(select(CountedYear).where(CountedYear.year.in_(years))).all()
    cells = _counters(session, [one.year for one in counted], {basis, of_persons(basis)})
    for year in counted:
        counts.setdefault(year.year, {}).update(_counted(year, cells, basis))
    entitled_at = {one.year: one.entitled_at for one in counted if one.entitled_at is not None}
    return Known({year: with_totals(of) for year, of in counts.items()}, sources, entitled_at)


def years_known(session: Session, *, now: datetime) -> tuple[int, ...]:
    """From the first year of which anything is known to the present one, without gaps."""
    first = [
        session.scalar(select(column).order_by(column).limit(1))
        for column in (ImportedFigure.year, CountedYear.year)
    ]
    this = belgian_day(now).year
    return tuple(range(min([year for year in first if year is not None], default=this), this + 1))


def of_persons(basis: Basis) -> Basis:
    """By whose place persons count: they have none of a partner, so they stay with their homes."""
    return Basis.HOME if basis is Basis.PARTNER else basis


def _counters(
    session: Session, years: Sequence[int], bases: set[Basis]
) -> dict[tuple[int, str, str, str], dict[str, int]]:
    """The cells of provinces by year, measure, channel and basis."""
    found = select(Counter).where(Counter.year.in_(years), Counter.basis.in_(bases))
    cells: dict[tuple[int, str, str, str], dict[str, int]] = {}
    for one in session.scalars(found):
        key = (one.year, one.measure, one.channel, one.basis)
        cells.setdefault(key, {})[one.province] = one.value
    return cells


def _counted(
    year: CountedYear, cells: Mapping[tuple[int, str, str, str], dict[str, int]], basis: Basis
) -> dict[Name, Count]:
    """What this service counted of a year; what it never counted is 0."""
    status = Status.FINAL if year.closed_at else Status.PROVISIONAL
    names = list(COUNTED)
    if year.entitled_at is not None:
        names.append((Measure.ENTITLED, ALL))
    counts = {}
    for measure, channel in names:
        by = basis if measure is Measure.USES else of_persons(basis)
        found = cells.get((year.year, measure, channel, by), {})
        provinces = {province: found.get(province, 0) for province in PROVINCES}
        counts[measure, channel] = Count(sum(provinces.values()), provinces, status)
    return counts


def _imported(
    session: Session, years: Sequence[int]
) -> tuple[dict[int, dict[Name, Count]], tuple[Source, ...]]:
    """The imported figures of each year, from the newest data set that holds it."""
    rows = session.execute(
        select(ImportedFigure, DataSet)
        .join(DataSet, ImportedFigure.data_set_id == DataSet.id)
        .where(ImportedFigure.year.in_(years))
        .order_by(DataSet.version, ImportedFigure.position)
    ).all()
    newest = {figure.year: data_set for figure, data_set in rows}
    counts: dict[int, dict[Name, Count]] = {}
    for figure, data_set in rows:
        if newest[figure.year].id != data_set.id:
            continue
        name = AS_IMPORTED.get(figure.measure) or (Measure(figure.measure), figure.channel)
        count = counts.setdefault(figure.year, {}).setdefault(
            name, Count(public=data_set.name == LEGACY)
        )
        if figure.province is None:
            count.national = figure.value
        else:
            count.provinces[figure.province] = figure.value
    sets = {one.id: one for one in newest.values()}
    sources = tuple(
        Source(
            one.name,
            one.version,
            one.source,
            one.imported_at,
            tuple(year for year in years if year in newest and newest[year].id == one.id),
        )
        for one in sets.values()
    )
    return counts, sources


def with_totals(counts: dict[Name, Count]) -> dict[Name, Count]:
    """Add the totals that follow from their parts, where all parts are known."""
    totals = {
        whole: _sum([counts.get(part, Count()) for part in parts]) for whole, parts in PARTS.items()
    }
    return totals | counts


def _sum(parts: Sequence[Count]) -> Count:
    total = Count(status=max(part.status for part in parts))
    national = [part.national for part in parts if part.national is not None]
    if len(national) == len(parts):
        total.national = sum(national)
    for province in PROVINCES:
        known = [part.provinces[province] for part in parts if province in part.provinces]
        if len(known) == len(parts):
            total.provinces[province] = sum(known)
    return total
