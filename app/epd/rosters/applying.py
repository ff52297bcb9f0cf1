"""A released roster reaches cards, page by page; and what stands there then, by institution.

What a roster says of a person replaces all that the institution said of that person before;
whoever is not in it is left as they were, and ends by date. EPD wins: `app.epd.model` leaves out
what it knows better.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from operator import attrgetter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.entitlement import Employment, PersonnelStatus, Policy, StaffCategory
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.cards.model import Teacher
from app.db import insert_once
from app.epd.merge import judge, merge
from app.epd.messages import Snapshot
from app.epd.model import (
    EPD,
    PersonnelRecord,
    place_of_number,
    status_from_json,
    status_to_json,
    taken_over,
)
from app.epd.rosters.model import Roster, RosterLine, RosterReminder, RosterState
from app.epd.rosters.verbs import place_of
from app.errors import NotFound

PERSONS = 100
MAX_LINES_OF_A_PERSON = 50
REMIND_BEFORE = timedelta(days=30)


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


def apply_next(session: Session, *, keys: Keys, policy: Policy, now: datetime) -> int:
    """Bring up to 100 persons of a released roster to their cards; 0 when nothing waits.

    Whoever is at a roster has its row locked; others pass it over.
    """
    waiting = (
        select(Roster)
        .where(Roster.state == RosterState.RELEASED)
        .order_by(Roster.decided_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    roster = session.scalars(waiting).one_or_none()
    if roster is None:
        return 0
    persons = _next_persons(session, roster)
    if not persons:
        roster.state = RosterState.APPLIED
        return 1
    snapshots = [_snapshot(roster, lines, keys, now) for lines in persons]
    merge(session, snapshots, source=roster.institution, keys=keys, policy=policy, now=now)
    roster.applied_after = persons[-1][0].pseudonym
    return len(persons)


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
        record.version = max(_version(now), record.version + 1)
        record.changed_at = record.received_at = now
    session.flush()
    judge(session, [session.get_one(Teacher, teacher_id)], policy=policy, now=now)


def ending_soon(session: Session, numbers: frozenset[str], *, on: date) -> dict[date, int]:
    """How many entries end on which of the next thirty days, unless later ones follow."""
    soon: dict[date, int] = {}
    rows = select(PersonnelRecord.snapshot).where(PersonnelRecord.source.in_(numbers))
    for snapshot in session.scalars(rows.execution_options(yield_per=500)):
        ends = [e.end for e in status_from_json(snapshot).employments if e.end is not None]
        last = max(ends, default=None)
        if last is not None and on <= last <= on + REMIND_BEFORE:
            soon[last] = soon.get(last, 0) + 1
    return dict(sorted(soon.items()))


def remind(session: Session, *, after: str, now: datetime) -> str | None:
    """Note what ends soon at the next institution after a number; that number, None at the end."""
    rows = select(func.min(PersonnelRecord.source)).where(
        PersonnelRecord.source != EPD, PersonnelRecord.source > after
    )
    institution = session.scalars(rows).one()
    if institution is None:
        return None
    found = ending_soon(session, frozenset({institution}), on=belgian_day(now))
    for day, count in found.items():
        reminder = {"institution": institution, "ends_on": day}
        insert_once(session, RosterReminder, reminder | {"entries": count, "noted_at": now})
    return str(institution)


def _next_persons(session: Session, roster: Roster) -> list[list[RosterLine]]:
    sound = (RosterLine.roster_id == roster.id, RosterLine.pseudonym.is_not(None))
    people = select(RosterLine.pseudonym).where(*sound).distinct().order_by(RosterLine.pseudonym)
    if roster.applied_after is not None:
        people = people.where(RosterLine.pseudonym > roster.applied_after)
    pseudonyms = session.scalars(people.limit(PERSONS)).all()
    lines = (
        select(RosterLine)
        .where(*sound, RosterLine.pseudonym.in_(pseudonyms))
        .order_by(RosterLine.pseudonym, RosterLine.number)
    )
    grouped = groupby(session.scalars(lines), key=attrgetter("pseudonym"))
    return [list(theirs) for _, theirs in grouped]


def _snapshot(roster: Roster, lines: Sequence[RosterLine], keys: Keys, now: datetime) -> Snapshot:
    sealed = lines[0].insz_encrypted or b"\0"
    insz = Insz(keys.unseal(sealed, place=place_of(roster.id)).decode())
    released_at = roster.decided_at or now
    return Snapshot(
        insz=insz,
        version=_version(released_at),
        changed_at=released_at,
        postcode=None,
        status=PersonnelStatus(
            employments=tuple(
                _employment(roster.institution, line) for line in lines[:MAX_LINES_OF_A_PERSON]
            )
        ),
    )


def _employment(institution: str, line: RosterLine) -> Employment:
    assert line.begin is not None  # noqa: S101 - a line with a person has all of it
    assert line.category is not None  # noqa: S101 - as above
    return Employment(
        institution=institution,
        main_structure=line.main_structure or "",
        category=StaffCategory(line.category),
        begin=line.begin,
        end=line.end,
        volume=Fraction(1),
    )


def _version(at: datetime) -> int:
    """What a list says later counts more: milliseconds."""
    return int(at.timestamp() * 1000)


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
    """The day of birth and the last two digits: enough for who has the papers, for nobody else."""
    if record.insz_encrypted is None:
        return ""
    place = place_of_number(record.teacher_id)
    return masked(keys.unseal(record.insz_encrypted, place=place).decode())


def masked(digits: str) -> str:
    """A national number, its counter hidden: 84.02.29-•••.10."""
    return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}-•••.{digits[9:]}"


def _state(employment: Employment, by_epd: Iterable[Employment], on: date) -> EntryState:
    if taken_over(employment, by_epd):
        return EntryState.TAKEN_OVER
    if employment.end is not None and employment.end < on:
        return EntryState.ENDED
    return EntryState.RUNS if employment.begin <= on else EntryState.BEGINS
