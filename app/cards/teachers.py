"""Who somebody is to us: a row under the pseudonym of their national number.

Knows how a row is made once, renamed when the pepper changes and moved when a number was replaced.
The number itself never comes here.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.model import Teacher
from app.db import insert_new, insert_once, uuid7


def know(session: Session, pseudonym: bytes, *, pepper_id: int, now: datetime) -> Teacher:
    """The teacher with this pseudonym, made when new; their row is locked."""
    insert_once(
        session,
        Teacher,
        {"id": uuid7(), "insz_pseudonym": pseudonym, "pepper_id": pepper_id, "created_at": now},
    )
    found = select(Teacher).where(Teacher.insz_pseudonym == pseudonym).with_for_update()
    return session.scalars(found).one()


def know_all(
    session: Session, pseudonyms: Iterable[bytes], *, pepper_id: int, now: datetime
) -> None:
    """Make a teacher of each pseudonym that nobody has yet."""
    new = [
        {"id": uuid7(), "insz_pseudonym": one, "pepper_id": pepper_id, "created_at": now}
        for one in sorted(pseudonyms)
    ]
    insert_new(session, Teacher, new)


def rename(session: Session, old: bytes, new: bytes, *, pepper_id: int) -> None:
    """Know the teacher of one pseudonym by another, unless somebody has that one already."""
    taken = select(Teacher.id).where(Teacher.insz_pseudonym == new)
    if session.scalars(taken).first() is None:
        renamed = update(Teacher).where(Teacher.insz_pseudonym == old)
        session.execute(renamed.values(insz_pseudonym=new, pepper_id=pepper_id))


def move(session: Session, teacher: Teacher, pseudonym: bytes, *, now: datetime) -> Teacher:
    """The teacher under the pseudonym of a number that replaced theirs.

    When that number is known already, both rows are the same person: the card in force of the
    older row is revoked, and the row of the new number counts from here on.
    """
    found = select(Teacher).where(Teacher.insz_pseudonym == pseudonym).with_for_update()
    other = session.scalars(found).one_or_none()
    if other is None or other.id == teacher.id:
        teacher.insz_pseudonym = pseudonym
        return teacher
    card = lifecycle.card_in_force(session, teacher)
    if card is not None:
        lifecycle.revoke(session, card, why="number-replaced", now=now)
    if teacher.barred_at is not None and other.barred_at is None:
        lifecycle.bar(session, other, why=teacher.barred_why or "", now=now)
    return other
