"""What parliament was told about 2021 and 2022, kept for ever as it was told.

The answer contradicts itself in three places, and these are part of it: they are stated here, and
a file in which they, or the sums of its provinces, come out otherwise is not that answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from app.errors import Conflict
from app.statistics.imports import (
    ALLOWED_IN_LEGACY,
    IN_TABLE,
    IN_TEXT,
    LEGACY,
    Figure,
    keep,
    read,
)
from app.statistics.model import ALL, Channel, DataSet, Measure

FILE = Path(__file__).parent / "data" / "legacy-figures.csv"
SOURCE = "Parliamentary question on the Lerarenkaart, answer about 2021 and 2022"

Kind = Literal["text_over_table", "table_over_channels"]


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """By how much one figure of the answer exceeds another that should be the same.

    `text_over_table`: cards distributed in the running text, over persons entitled in the table.
    `table_over_channels`: persons entitled in the table, over the sum of the cards by channel.
    """

    year: int
    kind: Kind
    value: int


STATED = (
    Discrepancy(2021, "text_over_table", 29),
    Discrepancy(2021, "table_over_channels", 913),
    Discrepancy(2022, "table_over_channels", 5736),
)


def import_legacy(session: Session, text: str, *, now: datetime) -> DataSet:
    """Take in the answer; once is for ever, and again is the same."""
    figures = read(text, allowed=ALLOWED_IN_LEGACY)
    if (found := discrepancies(figures)) != STATED:
        raise Conflict(f"The sums of this file differ from those of the answer: {found}.")
    data_set = keep(session, LEGACY, figures, text=text, source=SOURCE, now=now)
    if data_set.version > 1:
        raise Conflict("The answer was imported before, with other words or figures.")
    return data_set


def discrepancies(figures: Iterable[Figure]) -> tuple[Discrepancy, ...]:
    """Where the figures contradict each other; `Conflict` where provinces miss their total."""
    value = {figure.cell: figure.value for figure in figures}
    found = []
    for year in sorted({year for year, *_ in value}):
        by_channel = {
            channel: value.get((year, Measure.CARDS, channel, None), 0) for channel in Channel
        }
        provinces = sum(
            count
            for (of, measure, _, province), count in value.items()
            if of == year and measure == Measure.CARDS and province is not None
        )
        if provinces != by_channel[Channel.PICK_UP]:
            raise Conflict(f"The provinces of {year} do not add up to the pick-up points.")
        table = value.get((year, IN_TABLE, ALL, None), 0)
        kinds: dict[Kind, int] = {
            "text_over_table": value.get((year, IN_TEXT, ALL, None), 0) - table,
            "table_over_channels": table - sum(by_channel.values()),
        }
        found += [Discrepancy(year, kind, gap) for kind, gap in kinds.items() if gap]
    return tuple(found)
