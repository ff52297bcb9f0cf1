"""A partner's own counts: per day, till, channel and benefit; never per card."""

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from app.cards.card_year import BRUSSELS
from app.db import Database
from app.verification.model import Scan, Till

DAY = timedelta(days=1)


class Line(NamedTuple):
    """What one till checked on one day, in one channel, for one offer."""

    day: date
    till: str
    channel: str
    benefit: uuid.UUID | None
    accepted: int
    refused: int
    taken_back: int


def rows(
    database: Database, partner_id: uuid.UUID, first: date, last: date, *, test: bool
) -> Iterator[Line]:
    """Lines for the Belgian days from `first` to `last`, each day read by itself.

    `test` counts rehearsals in the sandbox instead; the two are never mixed.
    """
    day = first
    while day <= last:
        with database.reading() as session:
            found = _day(session, partner_id, day, test=test)
        yield from (Line(day, *line) for line in found)
        day += DAY


def _day(
    session: Session, partner_id: uuid.UUID, day: date, *, test: bool
) -> list[tuple[Any, ...]]:
    begin, end = (_midnight(one) for one in (day, day + DAY))
    wanted = (
        select(
            Till.name,
            Scan.channel,
            Scan.benefit_id,
            _number(and_(Scan.valid, Scan.voided_at.is_(None))),
            _number(Scan.valid.is_(False)),
            _number(Scan.voided_at.is_not(None)),
        )
        .join(Till, Scan.till_id == Till.id)
        .where(Scan.partner_id == partner_id, Scan.at >= begin, Scan.at < end)
        .where(Scan.test.is_(test))
        .group_by(Till.name, Scan.channel, Scan.benefit_id)
        .order_by(Till.name, Scan.channel, Scan.benefit_id)
    )
    return [tuple(row) for row in session.execute(wanted)]


def _number(condition: Any) -> Any:  # noqa: ANN401 - an expression of either database
    return func.sum(case((condition, 1), else_=0))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BRUSSELS)
