"""A report as tables, in the order of the questions that parliament asked.

Every table has a column for each year and names its rows by keys, which whoever shows it turns
into words: `cards_distributed`, `cards_distributed/APPLE`, `share/holders_used`, a province's ISO
code, `unknown` for one that is not known, `total`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.statistics.counts import Name
from app.statistics.figures import Cell, Report, Series
from app.statistics.imports import MADE_BY_HAND
from app.statistics.model import ALL, NOWHERE, Channel, Measure

HANDED_OUT: tuple[Name, ...] = (
    (Measure.ENTITLED, ALL),
    *((Measure.CARDS, channel) for channel in MADE_BY_HAND),
    (Measure.CARDS, Channel.DIGITAL),
    (Measure.CARDS, Channel.APPLE),
    (Measure.CARDS, Channel.GOOGLE),
    (Measure.CARDS, Channel.WEB),
    (Measure.CARDS, Channel.PAPER),
    (Measure.REPLACED, ALL),
    (Measure.REPLACED, Channel.DIGITAL),
    (Measure.COLLECTED, Channel.PICK_UP),
)
HOLDERS: tuple[Name, ...] = (
    (Measure.ENTITLED, ALL),
    (Measure.ISSUED, ALL),
    (Measure.ACTIVATED, ALL),
    (Measure.USED, ALL),
)
USES: tuple[Name, ...] = (
    (Measure.USES, ALL),
    (Measure.USES, Channel.IN_PERSON),
    (Measure.USES, Channel.ONLINE),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A key and a cell for each year."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A key and its rows; all tables of a report have the same years."""

    key: str
    years: tuple[int, ...]
    rows: tuple[Row, ...]


def tables(report: Report) -> tuple[Table, ...]:
    """All tables of a report."""
    series, shares = report.series, report.shares()

    def table(key: str, *rows: Row) -> Table:
        return Table(key, report.years, rows)

    return (
        table("distributed", *_national(series, ((Measure.CARDS, ALL),))),
        table("by_channel", *_national(series, HANDED_OUT)),
        table("pick_up_by_province", *_provinces(series[Measure.CARDS, Channel.PICK_UP])),
        table("digital_by_province", *_provinces(series[Measure.CARDS, Channel.DIGITAL])),
        table("holders", *_national(series, HOLDERS), *_national(shares, shares, "share/")),
        table("share_by_province", *_provinces(shares[Measure.ACTIVATED, ALL])),
        table("use", *_national(series, USES)),
        table("use_by_province", *_provinces(series[Measure.USES, ALL])),
        table("website", *_national(series, ((Measure.WEBSITE, ALL),))),
    )


def key_of(name: Name) -> str:
    """The key of a series."""
    measure, channel = name
    return f"{measure}/{channel}" if channel else str(measure)


def _national(
    series: Mapping[Name, Series], names: "Mapping[Name, Series] | tuple[Name, ...]", kind: str = ""
) -> list[Row]:
    return [Row(kind + key_of(name), series[name].national) for name in names]


def _provinces(series: Series) -> list[Row]:
    rows = [
        Row("unknown" if province == NOWHERE else province, cells)
        for province, cells in series.provinces.items()
    ]
    return [*rows, Row("total", series.national)]
