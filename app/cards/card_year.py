"""The year a card is named after, and the Belgian day that everything is judged by. Pure.

Knows when a card year begins and ends and from when its successor can be prepared; a day is a
calendar day in Belgium, whatever the clock of the machine says.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
NEXT_YEAR_FROM_MONTH = 12


@dataclass(frozen=True, slots=True)
class CardYear:
    """The calendar year a card is named after: Belgian time, up to the last whole second."""

    year: int
    valid_from: datetime
    valid_until: datetime


def belgian_day(now: datetime) -> date:
    """The calendar day in Belgium at a moment; a naive moment is refused."""
    if now.tzinfo is None:
        raise ValueError("a moment without a time zone falls on no particular day")
    return now.astimezone(BRUSSELS).date()


@lru_cache
def card_year(year: int) -> CardYear:
    """The whole of one card year."""
    return CardYear(
        year=year,
        valid_from=datetime(year, 1, 1, tzinfo=BRUSSELS),
        valid_until=datetime(year, 12, 31, 23, 59, 59, tzinfo=BRUSSELS),
    )


def next_turn(year: int, *, on: date) -> date:
    """The day after `on` on which the calendar alone may change a card of that card year.

    On the first of December its successor can be prepared; when that did not happen, its
    year is over on New Year's Day.
    """
    prepared_from = date(year, NEXT_YEAR_FROM_MONTH, 1)
    return prepared_from if on < prepared_from else date(year + 1, 1, 1)
