"""A report as bars: for each row the parts of it and where they stand, in per cent of the width.

Only geometry: whoever draws it gives the words. A figure that is hidden or unknown has no bar and
keeps its row, so that nobody takes it for 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.statistics.counts import Name, Status
from app.statistics.figures import Cell, Report
from app.statistics.imports import MADE_BY_HAND
from app.statistics.model import ALL, NOWHERE, Channel, Measure
from app.statistics.tables import HOLDERS, key_of

CARDS: tuple[Name, ...] = tuple(
    (Measure.CARDS, channel) for channel in (*MADE_BY_HAND, Channel.DIGITAL)
)
USES: tuple[Name, ...] = (
    (Measure.USES, Channel.IN_PERSON),
    (Measure.USES, Channel.ONLINE),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar; `tone` counts from 1 and says which colour it has."""

    key: str
    tone: int
    begin: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: a year or a key, its parts, and the figure that stands at its end."""

    label: int | str
    parts: tuple[Part, ...]
    cell: Cell
    share: Cell | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one scale; `year` where all of them belong to one."""

    key: str
    bars: tuple[Bar, ...]
    year: int | None = None

    @property
    def legend(self) -> tuple[Part, ...]:
        """One part of each tone, where there are several tones."""
        kinds = {part.tone: part for bar in self.bars for part in bar.parts}
        return tuple(kinds[tone] for tone in sorted(kinds)) if len(kinds) > 1 else ()


def charts(report: Report) -> dict[str, Chart]:
    """The charts that have something to show, by the key of the table that they stand above."""
    drawn = {
        "by_channel": _by_year(report, "by_channel", (Measure.CARDS, ALL), CARDS),
        "pick_up_by_province": _by_province(
            report, "pick_up_by_province", (Measure.CARDS, Channel.PICK_UP)
        ),
        "digital_by_province": _by_province(
            report, "digital_by_province", (Measure.CARDS, Channel.DIGITAL)
        ),
        "holders": _holders(report),
        "use": _by_year(report, "use", (Measure.USES, ALL), USES),
        "use_by_province": _by_province(report, "use_by_province", (Measure.USES, ALL)),
    }
    return {key: chart for key, chart in drawn.items() if chart is not None}


def _by_year(report: Report, key: str, whole: Name, names: Sequence[Name]) -> Chart | None:
    """A bar a year, of the parts that are known."""
    rows = [
        [_value(report.series[name].national[column]) for name in names]
        for column in range(len(report.years))
    ]
    longest = max(map(sum, rows), default=0)
    if not longest:
        return None
    bars = []
    for column, (year, values) in enumerate(zip(report.years, rows, strict=True)):
        parts, begin = [], 0.0
        for tone, (name, value) in enumerate(zip(names, values, strict=True), start=1):
            if value:
                parts.append(Part(key_of(name), tone, begin, 100 * value / longest))
                begin += parts[-1].width
        cell = report.series[whole].national[column]
        if cell.status is Status.NOT_AVAILABLE and parts:
            # The whole is not known; then the bar says how much of it is.
            cell = Cell(sum(values), Status.PROVISIONAL)
        bars.append(Bar(year, tuple(parts), cell))
    return Chart(key, tuple(bars))


def _by_province(report: Report, key: str, name: Name) -> Chart | None:
    """A bar for each province in the last year of which there is anything to show."""
    provinces = report.series[name].provinces
    column = _last(report, [list(cells) for cells in provinces.values()])
    if column is None:
        return None
    longest = max(_value(cells[column]) for cells in provinces.values())
    bars = [
        _bar("unknown" if province == NOWHERE else province, cells[column], longest)
        for province, cells in provinces.items()
    ]
    return Chart(key, tuple(bars), report.years[column])


def _holders(report: Report) -> Chart | None:
    """From those entitled to those who used their card, in the last year that has any of them."""
    series, shares = report.series, report.shares()
    column = _last(report, [list(series[name].national) for name in HOLDERS])
    if column is None:
        return None
    cells = {name: series[name].national[column] for name in HOLDERS}
    longest = max(map(_value, cells.values()))
    bars = [
        _bar(key_of(name), cell, longest, shares[name].national[column] if name in shares else None)
        for name, cell in cells.items()
    ]
    return Chart("holders", tuple(bars), report.years[column])


def _bar(label: str, cell: Cell, longest: int, share: Cell | None = None) -> Bar:
    value = _value(cell)
    parts = (Part(label, 1, 0.0, 100 * value / longest),) if value else ()
    return Bar(label, parts, cell, share)


def _last(report: Report, rows: Sequence[Sequence[Cell]]) -> int | None:
    filled = [
        column
        for column in range(len(report.years))
        if any(_value(cells[column]) for cells in rows)
    ]
    return filled[-1] if filled else None


def _value(cell: Cell) -> int:
    return int(cell.value or 0)
