"""The one way in for what the personnel file says of a person, however it came here.

Knows the order: the teacher is found under the pseudonym of the number and their row locked,
what was said is kept, and only then the rules look at all that is known and the card is
brought into line. Hides pseudonyms, sealing and the record; every function takes an open
session, so that news and its consequence are one transaction.
"""

import uuid
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle, teachers
from app.cards.card_year import belgian_day
from app.cards.entitlement import Entitlement, Policy, decide, issue_year
from app.cards.insz import Insz
from app.cards.keyring import KeyFault, Keys
from app.cards.model import Teacher
from app.epd.answers import EpdAnswer
from app.epd.grants import end_grants
from app.epd.model import place_of_number, status_of, store

log = structlog.get_logger()


def teacher_of(session: Session, insz: Insz, *, keys: Keys, now: datetime) -> Teacher:
    """The teacher with this number, made when new; their row is locked.

    Somebody known under an older pepper gets the pseudonym of the newest: the only moment at
    which the number is at hand.
    """
    pepper = keys.active("pepper")
    pseudonym = insz.pseudonym(pepper.value)
    for older in keys.usable("pepper"):
        if older.id != pepper.id:
            teachers.rename(session, insz.pseudonym(older.value), pseudonym, pepper_id=pepper.id)
    return teachers.know(session, pseudonym, pepper_id=pepper.id, now=now)


def known(session: Session, insz: Insz, *, keys: Keys) -> Teacher | None:
    """The teacher with this number, if there is one; only looks."""
    pseudonyms = [insz.pseudonym(pepper.value) for pepper in keys.usable("pepper")]
    found = select(Teacher).where(Teacher.insz_pseudonym.in_(pseudonyms))
    return session.scalars(found.order_by(Teacher.pepper_id.desc()).limit(1)).first()


def sealed_number(keys: Keys, teacher_id: uuid.UUID, sealed: bytes | None) -> Insz | None:
    """The number that is kept for the pull; None, with a line in the log, when no key opens it."""
    try:
        return Insz(keys.unseal(sealed or b"\0", place=place_of_number(teacher_id)).decode())
    except KeyFault as fault:
        log.error("number-unreadable", teacher=str(teacher_id), fault=str(fault))  # noqa: TRY400 - the fault says it all
        return None


def hear(
    session: Session, teacher: Teacher, answer: EpdAnswer, *, keys: Keys, now: datetime
) -> Teacher:
    """Keep an answer about a teacher; returns who that is under the number that counts now.

    No file for somebody changes nothing of what was known (docs/decisions/0005), and nothing is
    kept of who asked to be forgotten.
    """
    if answer.replaced_by is not None:
        moved_to = answer.replaced_by.pseudonym(keys.active("pepper").value)
        teacher = teachers.move(session, teacher, moved_to, now=now)
    teacher.heard_at = now
    if answer.snapshot is not None and teacher.erased_at is None:
        number = answer.snapshot.insz.digits.encode()
        sealed = keys.seal(number, place=place_of_number(teacher.id))
        if store(session, teacher.id, answer.snapshot, insz_encrypted=sealed, now=now):
            end_grants(session, [teacher.id])
    return teacher


def review(
    session: Session, teacher: Teacher, *, policy: Policy, now: datetime
) -> Entitlement | None:
    """Apply the rules to all that is known and bring the card into line; None if nothing is."""
    status = status_of(session, teacher.id)
    if status is None:
        return None
    entitlement = decide(status, on=belgian_day(now), policy=policy)
    year = issue_year(entitlement, now=now)
    lifecycle.refresh(session, teacher, entitlement, year=year, now=now)
    return entitlement
