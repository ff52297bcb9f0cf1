"""News of many persons at once: the set-wise twin of `intake`, one transaction a call.

Knows how to find, lock, compare and write a few hundred persons with a handful of statements, so
that only those for whom something changed are judged again. What becomes of one person never
depends on the others in the call. Whoever calls bounds the size (at most 200 persons on SQLite,
where everybody waits meanwhile) and brings each person's number checked.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.cards import lifecycle, teachers
from app.cards.card_year import belgian_day
from app.cards.entitlement import Policy, decide, issue_year
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.cards.model import Teacher
from app.epd import intake
from app.epd.finding import locked, records_of, rename, teachers_of
from app.epd.grants import end_grants
from app.epd.messages import Snapshot
from app.epd.model import (
    EPD,
    PersonnelRecord,
    overtaken_by,
    place_of_number,
    status_to_json,
    statuses_of,
)
from app.provinces import province


class Outcome(StrEnum):
    """What became of one snapshot; values are the contract's own terms."""

    NEW = "nieuw"
    CHANGED = "gewijzigd"
    UNCHANGED = "ongewijzigd"
    OUTDATED = "verouderd"


def merge(
    session: Session,
    snapshots: Sequence[Snapshot],
    *,
    source: str = EPD,
    keys: Keys,
    policy: Policy,
    now: datetime,
    heard_at: datetime | None = None,
) -> list[Outcome]:
    """Keep what a source says of many persons and bring their cards into line.

    Returns an outcome for each, in their order. Of two snapshots of one person the one with the
    higher version counts, whichever stands first. `heard_at` is when they came in, where that is
    not now.
    """
    pepper = keys.active("pepper").value
    pseudonyms = [snapshot.insz.pseudonym(pepper) for snapshot in snapshots]
    newest = _newest(snapshots, pseudonyms)
    teachers = teachers_of(session, {p: s.insz for p, s in newest.items()}, keys=keys, now=now)
    records = records_of(session, [teacher.id for teacher in teachers.values()], source)
    outcomes = {
        pseudonym: _outcome(teachers[pseudonym], records, snapshot, now)
        for pseudonym, snapshot in newest.items()
    }
    heard_at = heard_at or now
    _write(
        session, newest, teachers, records, outcomes, source=source, keys=keys, heard_at=heard_at
    )
    news = (Outcome.NEW, Outcome.CHANGED)
    told = [teachers[p] for p, outcome in outcomes.items() if outcome in news]
    if source == EPD:
        end_grants(session, [teacher.id for teacher in told])
    judge(session, told, policy=policy, now=now)
    return [
        outcomes[pseudonym] if newest[pseudonym] is snapshot else Outcome.OUTDATED
        for pseudonym, snapshot in zip(pseudonyms, snapshots, strict=True)
    ]


def leave_out(
    session: Session,
    teacher_ids: Collection[uuid.UUID],
    *,
    source: str = EPD,
    policy: Policy,
    now: datetime,
) -> int:
    """A source that names everybody no longer names these: what ran there ended yesterday.

    The rules then give them the grace of anybody whose work ended; returns how many were new to
    this. The same version brings a person back: it was the source's list that was wrong.
    """
    gone = (
        update(PersonnelRecord)
        .where(
            PersonnelRecord.teacher_id.in_(list(teacher_ids)),
            PersonnelRecord.source == source,
            PersonnelRecord.absent_since.is_(None),
        )
        .values(absent_since=belgian_day(now), received_at=now)
        .returning(PersonnelRecord.teacher_id)
        .execution_options(synchronize_session=False)
    )
    ids = session.scalars(gone).all()
    teachers = session.scalars(select(Teacher).where(Teacher.id.in_(ids))).all()
    judge(session, teachers, policy=policy, now=now)
    return len(ids)


def remove(
    session: Session,
    removed: Sequence[tuple[Insz, int]],
    *,
    source: str = EPD,
    keys: Keys,
    policy: Policy,
    now: datetime,
) -> list[Outcome]:
    """A source takes its word about persons back, each at a version: as if it left them out."""
    if not removed:
        return []
    pepper = keys.active("pepper").value
    pseudonyms = [insz.pseudonym(pepper) for insz, _ in removed]
    numbers = dict(zip(pseudonyms, (insz for insz, _ in removed), strict=True))
    rename(session, numbers, keys=keys)
    teachers = locked(session, numbers)
    records = records_of(session, [teacher.id for teacher in teachers.values()], source)
    outcomes, gone = [], []
    for pseudonym, (_, version) in zip(pseudonyms, removed, strict=True):
        teacher = teachers.get(pseudonym)
        record = records.get(teacher.id) if teacher else None
        if record is None or version <= record.version:
            outcomes.append(Outcome.OUTDATED if record else Outcome.UNCHANGED)
            continue
        record.version = version
        gone.append(record.teacher_id)
        outcomes.append(Outcome.CHANGED)
    session.flush()
    leave_out(session, gone, source=source, policy=policy, now=now)
    return outcomes


def replace_number(
    session: Session, old: Insz, new: Insz, *, keys: Keys, policy: Policy, now: datetime
) -> None:
    """Know the teacher of a number by the one that took its place (docs/decisions/0005).

    Nothing happens when nobody has the old number. Where both have rows, what was said under the
    old number counts no more, so that one person never counts twice.
    """
    older = [old.pseudonym(pepper.value) for pepper in keys.usable("pepper")]
    if session.scalars(select(Teacher.id).where(Teacher.insz_pseudonym.in_(older))).first() is None:
        return
    teacher = intake.teacher_of(session, old, keys=keys, now=now)
    successor = new.pseudonym(keys.active("pepper").value)
    moved = teachers.move(session, teacher, successor, now=now)
    session.flush()
    if moved.id != teacher.id:
        leave_out(session, [teacher.id], policy=policy, now=now)


def judge(
    session: Session, teachers: Collection[Teacher], *, policy: Policy, now: datetime
) -> None:
    """Apply the rules to all that is known of each and bring the cards into line."""
    if not teachers:
        return
    statuses = statuses_of(session, [teacher.id for teacher in teachers])
    judged = {}
    for teacher in teachers:
        if teacher.id in statuses:
            entitlement = decide(statuses[teacher.id], on=belgian_day(now), policy=policy)
            judged[teacher] = (entitlement, issue_year(entitlement, now=now))
    lifecycle.refresh_all(session, judged, now=now)


def _newest(snapshots: Sequence[Snapshot], pseudonyms: Sequence[bytes]) -> dict[bytes, Snapshot]:
    newest: dict[bytes, Snapshot] = {}
    for pseudonym, snapshot in zip(pseudonyms, snapshots, strict=True):
        before = newest.get(pseudonym)
        if before is None or snapshot.version > before.version:
            newest[pseudonym] = snapshot
    return newest


def _outcome(
    teacher: Teacher,
    records: Mapping[uuid.UUID, PersonnelRecord],
    snapshot: Snapshot,
    now: datetime,
) -> Outcome:
    if teacher.erased_at is not None:
        return Outcome.UNCHANGED  # nothing is kept of who asked to be forgotten
    record = records.get(teacher.id)
    if record is None:
        return Outcome.NEW
    if snapshot.version < record.version:
        return Outcome.OUTDATED
    if record.absent_since is not None:
        return Outcome.CHANGED
    same = record.snapshot == status_to_json(snapshot.status) and record.home_province == province(
        snapshot.postcode, belgian_day(now)
    )
    return Outcome.UNCHANGED if same or snapshot.version == record.version else Outcome.CHANGED


def _write(
    session: Session,
    newest: Mapping[bytes, Snapshot],
    teachers: Mapping[bytes, Teacher],
    records: Mapping[uuid.UUID, PersonnelRecord],
    outcomes: Mapping[bytes, Outcome],
    *,
    source: str,
    keys: Keys,
    heard_at: datetime,
) -> None:
    """Every row whose version is overtaken, compared and set once more by the database itself."""
    fresh: list[dict[str, Any]] = []
    newer: list[dict[str, Any]] = []
    named: list[uuid.UUID] = []
    for pseudonym, snapshot in newest.items():
        teacher = teachers[pseudonym]
        if teacher.erased_at is not None:
            continue
        record = records.get(teacher.id)
        values = _values(snapshot, teacher.id, keys=keys, now=heard_at)
        if record is None:
            fresh.append(values | {"teacher_id": teacher.id, "source": source})
        elif record.version < snapshot.version or outcomes[pseudonym] is Outcome.CHANGED:
            newer.append(values | {"of": teacher.id, "by": snapshot.version})
        elif record.version == snapshot.version:
            named.append(teacher.id)
    _save(session, fresh, newer, source)
    heard = update(Teacher).where(Teacher.id.in_([teachers[one].id for one in newest]))
    session.connection().execute(heard.values(heard_at=heard_at))
    if named:
        # A snapshot that began before does not leave out who was named since.
        since = update(PersonnelRecord).where(
            PersonnelRecord.teacher_id.in_(named),
            PersonnelRecord.source == source,
            PersonnelRecord.received_at < heard_at,
        )
        session.connection().execute(since.values(received_at=heard_at))


def _save(
    session: Session, fresh: list[dict[str, Any]], newer: list[dict[str, Any]], source: str
) -> None:
    connection = session.connection()
    if fresh:
        connection.execute(insert(PersonnelRecord), fresh)
    if newer:
        older = update(PersonnelRecord).where(
            PersonnelRecord.teacher_id == bindparam("of"),
            PersonnelRecord.source == source,
            overtaken_by(bindparam("by", type_=BigInteger)),
        )
        connection.execute(older, newer)


def _values(
    snapshot: Snapshot, teacher_id: uuid.UUID, *, keys: Keys, now: datetime
) -> dict[str, Any]:
    number = snapshot.insz.digits.encode()
    return {
        "version": snapshot.version,
        "changed_at": snapshot.changed_at,
        "received_at": now,
        "snapshot": status_to_json(snapshot.status),
        "home_province": province(snapshot.postcode, belgian_day(now)),
        "absent_since": None,
        "insz_encrypted": keys.seal(number, place=place_of_number(teacher_id)),
    }
