"""Whom a full snapshot left out: those whom its source knew, without those whom it named.

Knows both sides by pseudonym. On PostgreSQL the database takes the one from the other; elsewhere
both are read in order, so that neither is ever held whole. Who was heard of since the snapshot
began is not missing.
"""

import heapq
import uuid
from collections.abc import Iterator
from itertools import islice

from sqlalchemy import LargeBinary, Select, Uuid, bindparam, select, text
from sqlalchemy.orm import Session, undefer

from app.cards.entitlement import CardStatus
from app.cards.model import Card, Teacher
from app.epd.model import PersonnelRecord
from app.epd.push.model import Batch, Run
from app.epd.push.sorting import SAFE

PSEUDONYM_BYTES = 32
ROWS_AT_ONCE = 2_000

# `||` and OFFSET: each part is fetched once, not once for every pseudonym in it. NOT IN, of which
# the planner makes one hashed set, however wrong it is about the number of pseudonyms.
_NAMED = (
    text("""
SELECT substring(part.seen FROM place * 32 + 1 FOR 32) AS pseudonym
FROM (SELECT seen || ''::bytea AS seen FROM epd_batch WHERE run_id = :run OFFSET 0) AS part,
  generate_series(0, length(part.seen) / 32 - 1) AS place
""")
    .bindparams(bindparam("run", type_=Uuid))
    .columns(pseudonym=LargeBinary)
)


def losing(session: Session, run: Run) -> int:
    """How many of those left out hold an active card that rests on what the source said."""
    holders = (
        _known(run)
        .join(Card, Card.teacher_id == Teacher.id)
        .where(Card.status == CardStatus.ACTIVE, Teacher.entitlement_reason.in_(SAFE))
    )
    return sum(1 for _ in _without_named(session, run, holders))


def missing(session: Session, run: Run, *, limit: int) -> list[tuple[bytes, uuid.UUID]]:
    """The pseudonyms and teachers of the next who were left out, in the order of pseudonyms."""
    known = _known(run)
    if run.absent_up_to is not None:
        known = known.where(Teacher.insz_pseudonym > run.absent_up_to)
    return list(islice(_without_named(session, run, known), limit))


def _known(run: Run) -> Select[bytes, uuid.UUID]:
    return (
        select(Teacher.insz_pseudonym, Teacher.id)
        .join(PersonnelRecord, PersonnelRecord.teacher_id == Teacher.id)
        .where(
            PersonnelRecord.source == run.source,
            PersonnelRecord.absent_since.is_(None),
            PersonnelRecord.received_at < run.begun_at,
        )
        .order_by(Teacher.insz_pseudonym)
    )


def _without_named(
    session: Session, run: Run, known: Select[bytes, uuid.UUID]
) -> Iterator[tuple[bytes, uuid.UUID]]:
    if session.get_bind().dialect.name == "postgresql":
        unnamed = known.where(Teacher.insz_pseudonym.not_in(_NAMED.scalar_subquery()))
        yield from session.execute(unnamed, {"run": run.id})
        return
    names = _named(session, run.id)
    name = next(names, None)
    rows = session.execute(known.execution_options(yield_per=ROWS_AT_ONCE))
    for pseudonym, teacher_id in rows:
        while name is not None and name < pseudonym:
            name = next(names, None)
        if name != pseudonym:
            yield pseudonym, teacher_id


def _named(session: Session, run_id: uuid.UUID) -> Iterator[bytes]:
    parts = select(Batch).where(Batch.run_id == run_id).options(undefer(Batch.seen))
    return heapq.merge(*(_each(part.seen or b"") for part in session.scalars(parts).all()))


def _each(joined: bytes) -> Iterator[bytes]:
    for start in range(0, len(joined), PSEUDONYM_BYTES):
        yield joined[start : start + PSEUDONYM_BYTES]
