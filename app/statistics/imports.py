"""Figures that others counted, read from CSV and kept as they came: versioned, with their source.

Knows the columns and what a file must hold true: known measures, channels and provinces, whole
numbers, no cell twice, parts that do not exceed their whole. What a file does not give has no row
and stays unknown. The same file again changes nothing; another one is a new version, and for
each year the newest version that holds it counts.
"""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import uuid7
from app.errors import Conflict
from app.provinces import Province
from app.statistics.model import ALL, Channel, DataSet, ImportedFigure, Measure

COLUMNS = (
    "year",
    "measure",
    "channel",
    "province_iso",
    "province_name",
    "value",
    "source_note",
)
LEGACY, PHYSICAL = "legacy", "physical"
# The old answer gives one total in its running text and another in its table.
IN_TEXT, IN_TABLE = "cards_distributed_text", "entitled_table"
MADE_BY_HAND = (Channel.SUBSCRIPTION, Channel.STARTER, Channel.PICK_UP)
# What a file may hold, and under which channels.
ALLOWED: dict[str, tuple[str, ...]] = {
    Measure.CARDS: MADE_BY_HAND,
    Measure.REPLACED: (ALL,),
    Measure.COLLECTED: (Channel.PICK_UP,),
    Measure.WEBSITE: (ALL,),
}
ALLOWED_IN_LEGACY = ALLOWED | {IN_TEXT: (ALL,), IN_TABLE: (ALL,)}
NOTE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a file; national where `province` is None."""

    year: int
    measure: str
    channel: str
    province: str | None
    value: int
    note: str

    @property
    def cell(self) -> tuple[int, str, str, str | None]:
        """What may stand in a file once."""
        return (self.year, self.measure, self.channel, self.province)


def read(text: str, *, allowed: dict[str, tuple[str, ...]]) -> list[Figure]:
    """The figures of a file, or a `Conflict` that names its first bad line."""
    rows = csv.DictReader(StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise Conflict(f"The first line must read {','.join(COLUMNS)}.")
    figures: list[Figure] = []
    cells = set()
    for row in rows:
        try:
            figure = _figure(row, allowed)
        except (TypeError, ValueError) as fault:
            raise Conflict(f"Line {rows.line_num}: {fault}.") from fault
        if figure.cell in cells:
            raise Conflict(f"Line {rows.line_num} gives a figure that was given before.")
        cells.add(figure.cell)
        figures.append(figure)
    if not figures:
        raise Conflict("The file holds no figures.")
    return figures


def import_physical(session: Session, text: str, *, source: str, now: datetime) -> DataSet:
    """Take in the cards that were made and sent by hand in later years."""
    figures = read(text, allowed=ALLOWED)
    years = {figure.year for figure in figures}
    answered = session.scalars(
        select(ImportedFigure.year)
        .join(DataSet, ImportedFigure.data_set_id == DataSet.id)
        .where(DataSet.name == LEGACY, ImportedFigure.year.in_(years))
    )
    if first := next(iter(answered), None):
        raise Conflict(f"{first} was answered to parliament; those figures do not change.")
    if max(years) > now.year:
        raise Conflict(f"{max(years)} is not over yet.")
    for figure in figures:
        parts = sum(other.value for other in figures if _is_part(other, figure))
        if parts > figure.value and figure.province is None:
            raise Conflict(
                f"The provinces of {figure.year} {figure.measure} {figure.channel} add up to "
                f"{parts}, more than their total {figure.value}."
            )
    return keep(session, PHYSICAL, figures, text=text, source=source, now=now)


def keep(
    session: Session, name: str, figures: Sequence[Figure], *, text: str, source: str, now: datetime
) -> DataSet:
    """Store a data set as the next version of its name; the one there is, if it is the same."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    same = session.scalars(select(DataSet).where(DataSet.sha256 == sha256)).one_or_none()
    if same is not None:
        return same
    newest = session.scalar(select(func.max(DataSet.version)).where(DataSet.name == name)) or 0
    data_set = DataSet(
        id=uuid7(), name=name, version=newest + 1, source=source, sha256=sha256, imported_at=now
    )
    session.add(data_set)
    session.flush()
    session.add_all(
        ImportedFigure(
            data_set_id=data_set.id,
            position=position,
            year=figure.year,
            measure=figure.measure,
            channel=figure.channel,
            province=figure.province,
            value=figure.value,
            note=figure.note,
        )
        for position, figure in enumerate(figures)
    )
    return data_set


def _figure(row: dict[str, str], allowed: dict[str, tuple[str, ...]]) -> Figure:
    measure, channel, province = row["measure"], row["channel"], row["province_iso"]
    if measure not in allowed:
        raise ValueError(f"{measure} is none of {', '.join(allowed)}")
    if channel not in allowed[measure]:
        raise ValueError(f"{measure} has no channel {channel}")
    if not row["value"].isdecimal() or not row["value"].isascii():
        raise ValueError(f"{row['value']} is not a whole number")
    return Figure(
        year=int(row["year"]),
        measure=measure,
        channel=channel,
        province=Province(province).value if province else None,
        value=int(row["value"]),
        note=row["source_note"][:NOTE_LENGTH],
    )


def _is_part(other: Figure, whole: Figure) -> bool:
    return other.province is not None and other.cell[:3] == whole.cell[:3]
