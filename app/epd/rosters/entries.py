"""What an institution lists: the lines of a roster before anything happens, and its own list since.

Knows how an entry stands beside what EPD says of the same person, and how an entry is ended. Hides
national numbers: whoever looks sees a day of birth and two digits.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.entitlement import Employment, Policy, StaffCategory
from app.cards.keyring import Keys
from app.cards.model import Teacher
from app.epd.merge import judge
from app.epd.model import (
    EPD,
    PersonnelRecord,
    place_of_number,
    status_from_json,
    status_to_json,
    taken_over,
)
from app.epd.rosters.model import RosterLine, version_at
from app.epd.rosters.verbs import place_of
from app.errors import NotFound


class EntryState(StrEnum):
    """How an entry stands on a day."""

    RUNS = "runs"
    BEGINS = "begins"
    ENDED = "ended"
    TAKEN_OVER = "taken-over"


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a roster as it is shown before anything happens."""

    number: int
    shown: str
    category: StaffCategory
    begin: date
    end: date
    reference: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One employment of an institution's own list; `shown` is the number, most of it hidden."""

    teacher_id: uuid.UUID
    institution: str
    shown: str
    category: StaffCategory
    begin: date
    end: date | None
    state: EntryState


def listed(session: Session, roster_id: uuid.UUID, *, keys: Keys, limit: int) -> list[Listed]:
    """The first lines of a roster that can be used."""
    lines = (
        select(RosterLine)
        .where(RosterLine.roster_id == roster_id, RosterLine.fault.is_(None))
        .order_by(RosterLine.number)
        .limit(limit)
    )
    place = place_of(roster_id)
    return [
        Listed(
            number=line.number,
            shown=masked(keys.unseal(line.insz_encrypted or b"\0", place=place).decode()),
            category=StaffCategory(line.category or ""),
            begin=line.begin or date.min,
            end=line.end or date.max,
            reference=line.reference or "",
        )
        for line in session.scalars(lines)
    ]


def entries(
    session: Session,
    numbers: frozenset[str],
    *,
    keys: Keys,
    on: date,
    after: uuid.UUID | None = None,
    limit: int = 100,
) -> list[Entry]:
    """The own list of an institution, at most so many persons, in the order of their ids."""
    own = PersonnelRecord.source.in_(numbers)
    # Persons first: two schools that merged may both have listed one.
    people = select(PersonnelRecord.teacher_id).where(own).distinct()
    if after is not None:
        people = people.where(PersonnelRecord.teacher_id > after)
    page = session.scalars(people.order_by(PersonnelRecord.teacher_id).limit(limit)).all()
    rows = select(PersonnelRecord).where(own, PersonnelRecord.teacher_id.in_(page))
    order = (PersonnelRecord.teacher_id, PersonnelRecord.source)
    records = session.scalars(rows.order_by(*order)).all()
    known = select(PersonnelRecord).where(
        PersonnelRecord.source == EPD,
        PersonnelRecord.teacher_id.in_([record.teacher_id for record in records]),
    )
    by_epd = {
        record.teacher_id: status_from_json(record.snapshot).employments
        for record in session.scalars(known)
    }
    return [
        entry
        for record in records
        for entry in _entries_of(record, by_epd.get(record.teacher_id, ()), keys, on)
    ]


def end_entry(
    session: Session,
    teacher_id: uuid.UUID,
    numbers: frozenset[str],
    *,
    last_day: date,
    policy: Policy,
    now: datetime,
) -> None:
    """End what an institution lists of a person on a day, never later than it would have ended."""
    rows = select(PersonnelRecord).where(
        PersonnelRecord.teacher_id == teacher_id, PersonnelRecord.source.in_(numbers)
    )
    records = session.scalars(rows.with_for_update()).all()
    if not records:
        raise NotFound("There is no such entry on your list.")
    for record in records:
        status = status_from_json(record.snapshot)
        ended = tuple(_ended(employment, last_day) for employment in status.employments)
        record.snapshot = status_to_json(replace(status, employments=ended))
        record.version = max(version_at(now), record.version + 1)
        record.changed_at = record.received_at = now
    session.flush()
    judge(session, [session.get_one(Teacher, teacher_id)], policy=policy, now=now)


def _ended(employment: Employment, last_day: date) -> Employment:
    earlier = employment.end is not None and employment.end <= last_day
    return employment if earlier else replace(employment, end=last_day)


def _entries_of(
    record: PersonnelRecord, by_epd: Iterable[Employment], keys: Keys, on: date
) -> list[Entry]:
    return [
        Entry(
            teacher_id=record.teacher_id,
            institution=record.source,
            shown=_shown(record, keys),
            category=employment.category,
            begin=employment.begin,
            end=employment.end,
            state=_state(employment, by_epd, on),
        )
        for employment in status_from_json(record.snapshot).employments
    ]


def _shown(record: PersonnelRecord, keys: Keys) -> str:
    """The masked number of a record, "" where none is kept."""
    if record.insz_encrypted is None:
        return ""
    place = place_of_number(record.teacher_id)
    return masked(keys.unseal(record.insz_encrypted, place=place).decode())


def masked(digits: str) -> str:
    """A national number, its counter hidden: 84.02.29-•••.10.

    Enough for who has the papers, for nobody else.
    """
    return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}-•••.{digits[9:]}"


def _state(employment: Employment, by_epd: Iterable[Employment], on: date) -> EntryState:
    if taken_over(employment, by_epd):
        return EntryState.TAKEN_OVER
    if employment.end is not None and employment.end < on:
        return EntryState.ENDED
    return EntryState.RUNS if employment.begin <= on else EntryState.BEGINS
