"""Which number an institution goes by on a day, once schools have merged."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_once
from app.epd.rosters.model import Succession
from app.errors import Conflict

# Longer chains are a mistake in the table.
MOST = 20


def current_number(session: Session, institution: str, *, on: date) -> str:
    """The number under which an institution goes on that day: its own, or a successor's."""
    for _ in range(MOST):
        step = session.get(Succession, institution)
        if step is None or step.since > on:
            return institution
        institution = step.successor
    raise Conflict(f"The successors of institution {institution} go round in a circle.")


def numbers_of(session: Session, institution: str, *, on: date) -> frozenset[str]:
    """An institution's number and those of everybody whom it has succeeded by that day."""
    found, newest = {institution}, {institution}
    for _ in range(MOST):
        newest = set(_merged_into(session, newest, on)) - found
        if not newest:
            break
        found |= newest
    return frozenset(found)


def succeed(session: Session, institution: str, successor: str, *, since: date) -> None:
    """Note a merger; `Conflict` when it is noted otherwise, or leads in a circle."""
    row = {"institution": institution, "successor": successor, "since": since}
    if not insert_once(session, Succession, row):
        raise Conflict(f"Institution {institution} has a successor already.")
    current_number(session, institution, on=date.max)


def _merged_into(session: Session, numbers: Iterable[str], on: date) -> Iterable[str]:
    rows = select(Succession.institution).where(
        Succession.successor.in_(list(numbers)), Succession.since <= on
    )
    return session.scalars(rows).all()
