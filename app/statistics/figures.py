"""The published figures: counters and imported figures as series over years and provinces.

Knows what is a fact, what is not known (None, never 0), what is still growing and what is hidden
because it is small. Reads a few hundred rows whatever was counted. `report` is the whole of it;
tables, charts and files are made of its result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy.orm import Session

from app.statistics.counts import (
    COUNTED,
    PARTS,
    PROVINCES,
    Count,
    Known,
    Name,
    Source,
    Status,
    known,
    of_persons,
)
from app.statistics.imports import LEGACY, MADE_BY_HAND
from app.statistics.legacy import STATED, Discrepancy
from app.statistics.model import ALL, Basis, Channel, Measure
from app.statistics.suppression import hidden

# In the order of the old answer, what is new after what was asked then.
NAMES: tuple[Name, ...] = (
    (Measure.CARDS, ALL),
    (Measure.ENTITLED, ALL),
    *((Measure.CARDS, channel) for channel in MADE_BY_HAND),
    *COUNTED[:5],
    (Measure.REPLACED, ALL),
    (Measure.REPLACED, Channel.DIGITAL),
    (Measure.COLLECTED, Channel.PICK_UP),
    (Measure.ISSUED, ALL),
    (Measure.ACTIVATED, ALL),
    (Measure.USED, ALL),
    (Measure.USES, ALL),
    (Measure.USES, Channel.IN_PERSON),
    (Measure.USES, Channel.ONLINE),
    (Measure.WEBSITE, ALL),
)
OF_A_PERSON = (Basis.HOME, Basis.WORK)
OF_HOLDERS = (Measure.ISSUED, Measure.ACTIVATED, Measure.USED)


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure; a share is a fraction of those entitled."""

    value: int | Fraction | None
    status: Status

    def out_of(self, whole: "Cell") -> "Cell":
        """This as a share of another; hidden as soon as one of them is."""
        for one in (self, whole):
            if one.value is None:
                return one
        if not whole.value:
            return UNKNOWN
        return Cell(Fraction(self.value or 0) / Fraction(whole.value), self.status)


# The national figure and those of the provinces.
Column = tuple[Cell, dict[str, Cell]]
UNKNOWN = Cell(None, Status.NOT_AVAILABLE)
HIDDEN = Cell(None, Status.SUPPRESSED)


@dataclass(frozen=True, slots=True)
class Series:
    """A measure, as a whole or by one channel: a cell a year, national and of each province."""

    measure: Measure
    channel: str
    basis: Basis
    national: tuple[Cell, ...]
    provinces: Mapping[str, tuple[Cell, ...]]

    def share_of(self, whole: "Series") -> "Series":
        """Each cell as a share of that of another series."""
        return Series(
            self.measure,
            self.channel,
            self.basis,
            _shares(self.national, whole.national),
            {name: _shares(cells, whole.provinces[name]) for name, cells in self.provinces.items()},
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is published about some years."""

    years: tuple[int, ...]
    basis: Basis
    small_cell: int
    series: Mapping[Name, Series]
    sources: tuple[Source, ...]
    discrepancies: tuple[Discrepancy, ...]
    # When those entitled were counted, by year.
    entitled_at: Mapping[int, datetime]

    def shares(self) -> Mapping[Name, Series]:
        """Of those entitled: the share that was issued a card, that activated it, that used it."""
        entitled = self.series[Measure.ENTITLED, ALL]
        return {
            (measure, ALL): self.series[measure, ALL].share_of(entitled) for measure in OF_HOLDERS
        }


def report(
    session: Session, years: Sequence[int], *, basis: Basis = Basis.HOME, small_cell: int
) -> Report:
    """The figures of these years, by the province of `basis`; `small_cell` 0 hides nothing.

    Persons have no place of a partner: for that basis they stay with their homes.
    """
    return publish(known(session, years, basis=basis), years, basis=basis, small_cell=small_cell)


def publish(found: Known, years: Sequence[int], *, basis: Basis, small_cell: int) -> Report:
    """What may be seen of what is known."""
    columns = [
        _published(found.counts.get(year, {}), small=small_cell, basis=basis) for year in years
    ]
    told = {year for source in found.sources if source.name == LEGACY for year in source.years}
    return Report(
        years=tuple(years),
        basis=basis,
        small_cell=small_cell,
        series={name: _series(name, columns, basis) for name in NAMES},
        sources=found.sources,
        discrepancies=tuple(one for one in STATED if one.year in told),
        entitled_at=found.entitled_at,
    )


def _series(name: Name, columns: Sequence[Mapping[Name, Column]], basis: Basis) -> Series:
    measure, channel = name
    return Series(
        measure,
        channel,
        basis if measure is Measure.USES else of_persons(basis),
        tuple(column[name][0] for column in columns),
        {
            province: tuple(column[name][1].get(province, UNKNOWN) for column in columns)
            for province in PROVINCES
        },
    )


def _published(counts: Mapping[Name, Count], *, small: int, basis: Basis) -> dict[Name, Column]:
    """The cells of a year as anybody may see them; a total with a hidden part is hidden."""
    users = counts.get((Measure.USED, ALL), Count()).provinces if basis in OF_A_PERSON else {}
    columns = {
        name: _cells(
            counts.get(name, Count()), small, behind=users if name[0] is Measure.USES else {}
        )
        for name in NAMES
    }
    for whole, parts in PARTS.items():
        of_parts = [columns[part] for part in parts]
        national, provinces = columns[whole]
        columns[whole] = (
            HIDDEN if any(part[0] == HIDDEN for part in of_parts) else national,
            {
                name: HIDDEN if any(part[1].get(name) == HIDDEN for part in of_parts) else cell
                for name, cell in provinces.items()
            },
        )
    return columns


def _cells(count: Count, small: int, *, behind: Mapping[str, int]) -> Column:
    concealed: set[str] = set()
    total_concealed = False
    if not count.public:
        concealed, total_concealed = hidden(count.provinces, small=small, behind=behind)
        total_concealed |= count.national is not None and 0 < count.national < small
    national = UNKNOWN if count.national is None else Cell(count.national, count.status)
    return (
        HIDDEN if total_concealed else national,
        {
            name: HIDDEN if name in concealed else Cell(value, count.status)
            for name, value in count.provinces.items()
        },
    )


def _shares(parts: Sequence[Cell], wholes: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(part.out_of(whole) for part, whole in zip(parts, wholes, strict=True))
