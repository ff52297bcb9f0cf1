"""Whose changes the personnel file is to tell us of: holders of a card, and nobody else.

The feed names only who was registered. What should be there follows from the tables, so nothing is
queued: a registration is a row first, then a call under its own reference, which may be repeated;
whatever dies in between, or is done by two workers at once, comes out the same.
"""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.insz import Insz
from app.cards.keyring import KeyRing, Keys
from app.cards.lifecycle import IN_FORCE
from app.cards.model import Card, Teacher
from app.db import Database, insert_new
from app.epd.answers import is_refusal
from app.epd.client import EpdClient
from app.epd.intake import sealed_number
from app.epd.model import EPD, PersonnelRecord
from app.epd.pull.model import Registration
from app.errors import Unavailable

AT_ONCE = 200
ASKING_AT_ONCE = 8

One = TypeVar("One")

log = structlog.get_logger()


class _Due(NamedTuple):
    """A registration to make, and the pseudonym of the number it is for."""

    reference: uuid.UUID
    pseudonym: bytes
    number: Insz


def register(database: Database, ring: KeyRing, client: EpdClient, *, now: datetime) -> int:
    """Bring some registrations into line; how many were. `Unavailable` while the file is silent."""
    _make_rows(database)
    return _begin(database, ring.keys, client, now) + _end(database, client, now)


def _holders() -> Select[*tuple[object, ...]]:
    """Teachers with a card that changes could touch, and a number to ask by."""
    in_force = exists().where(Card.teacher_id == Teacher.id, Card.status.in_(IN_FORCE))
    return (
        select(Teacher.id)
        .join(PersonnelRecord, PersonnelRecord.teacher_id == Teacher.id)
        .where(PersonnelRecord.source == EPD, PersonnelRecord.insz_encrypted.is_not(None), in_force)
    )


def _make_rows(database: Database) -> None:
    missing = _holders().where(~exists().where(Registration.teacher_id == Teacher.id))
    with database.reading() as session:
        teachers = session.scalars(missing.limit(AT_ONCE)).all()
    if rows := [{"teacher_id": teacher_id} for teacher_id in teachers]:
        database.transact(lambda session: insert_new(session, Registration, rows))


def _begin(database: Database, keys: Keys, client: EpdClient, now: datetime) -> int:
    """Register whom the file does not have, or has under another number."""
    due = (
        _holders()
        .join(Registration, Registration.teacher_id == Teacher.id)
        .where(Registration.pseudonym.is_distinct_from(Teacher.insz_pseudonym))
        .with_only_columns(
            Teacher.id,
            Teacher.insz_pseudonym,
            PersonnelRecord.insz_encrypted,
            Registration.reference,
        )
        # By lot: whom the file refuses, or whose number nobody can read, holds up nobody else.
        .order_by(func.random())
        .limit(AT_ONCE)
    )
    with database.reading() as session:
        rows = session.execute(due).all()
    peppers = [pepper.value for pepper in keys.usable("pepper")]
    found = []
    for teacher_id, pseudonym, sealed, reference in rows:
        number = sealed_number(keys, teacher_id, sealed)
        # Else the record is of a number that was replaced: that of the new one is on its way.
        if number is not None and pseudonym in {number.pseudonym(pepper) for pepper in peppers}:
            found.append(_Due(reference, pseudonym, number))
    today = belgian_day(now)
    told = _each(
        found, lambda one: client.register(one.reference, one.number, since=today, now=now)
    )
    if told:
        for reference in database.transact(partial(_note, told=told)):
            # Another worker has ended it meanwhile.
            client.unregister(reference, now=now)
    return len(told)


def _note(session: Session, *, told: Sequence[_Due]) -> list[uuid.UUID]:
    """Note under which numbers the file has people; returns the references that are gone."""
    gone = []
    for one in sorted(told, key=attrgetter("reference")):
        row = update(Registration).where(Registration.reference == one.reference)
        noted = session.connection().execute(row.values(pseudonym=one.pseudonym))
        if not noted.rowcount:
            gone.append(one.reference)
    return gone


def _end(database: Database, client: EpdClient, now: datetime) -> int:
    """Strike off who holds no card any more, or asked to be forgotten."""
    over = select(Registration.reference).where(Registration.teacher_id.not_in(_holders()))
    with database.reading() as session:
        references = session.scalars(over.order_by(func.random()).limit(AT_ONCE)).all()
    ended = _each(references, lambda one: client.unregister(one, now=now))
    if ended:
        gone = delete(Registration).where(Registration.reference.in_(ended))
        database.transact(lambda session: session.execute(gone))
    return len(ended)


def _each(wanted: Sequence[One], ask: Callable[[One], None]) -> list[One]:
    """Those for whom it was done; whom the file refuses is left for another time."""

    def try_(one: One) -> bool:
        try:
            ask(one)
        except Unavailable as silence:
            if is_refusal(silence):
                return False
            raise
        return True

    with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
        done = list(pool.map(try_, wanted))
    if refused := done.count(False):
        log.error("epd-registrations-refused", count=refused)
    return [one for one, it_was in zip(wanted, done, strict=True) if it_was]
