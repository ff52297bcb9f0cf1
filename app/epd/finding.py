"""Of whom news is: many teachers and what a source said of them, found with a statement each.

Knows how rows are locked (in the order of their numbers, so that two batches never wait for each
other) and that somebody may still be known under the pseudonym of an older pepper.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import teachers
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.cards.model import Teacher
from app.epd.model import PersonnelRecord


def teachers_of(
    session: Session, numbers: Mapping[bytes, Insz], *, keys: Keys, now: datetime
) -> dict[bytes, Teacher]:
    """The teachers with these pseudonyms, made when new; their rows are locked."""
    found = locked(session, numbers)
    missing = numbers.keys() - found.keys()
    if missing:
        rename(session, {p: numbers[p] for p in missing}, keys=keys)
        teachers.know_all(session, missing, pepper_id=keys.active("pepper").id, now=now)
        found |= locked(session, missing)
    return found


def locked(session: Session, pseudonyms: Collection[bytes]) -> dict[bytes, Teacher]:
    """Those whom we know by these pseudonyms; their rows are locked."""
    rows = select(Teacher).where(Teacher.insz_pseudonym.in_(list(pseudonyms))).order_by(Teacher.id)
    locked = session.scalars(rows.with_for_update().execution_options(populate_existing=True)).all()
    return {teacher.insz_pseudonym: teacher for teacher in locked}


def rename(session: Session, numbers: Mapping[bytes, Insz], *, keys: Keys) -> None:
    """Give whoever is known under an older pepper the pseudonym of the newest."""
    pepper = keys.active("pepper")
    for older in keys.usable("pepper"):
        if older.id == pepper.id:
            continue
        by_older = {insz.pseudonym(older.value): p for p, insz in numbers.items()}
        known = select(Teacher.insz_pseudonym).where(Teacher.insz_pseudonym.in_(list(by_older)))
        for old in session.scalars(known).all():
            teachers.rename(session, old, by_older[old], pepper_id=pepper.id)


def records_of(
    session: Session, teacher_ids: Collection[uuid.UUID], source: str
) -> dict[uuid.UUID, PersonnelRecord]:
    """What the source last said of each of these; of whom it never spoke are not in it."""
    rows = select(PersonnelRecord).where(
        PersonnelRecord.teacher_id.in_(list(teacher_ids)), PersonnelRecord.source == source
    )
    return {
        record.teacher_id: record
        for record in session.scalars(rows.execution_options(populate_existing=True))
    }
