"""Of which persons in a batch a source already said exactly this: found without reading them.

Knows that nearly everybody in a full snapshot is unchanged, and has the database compare number
and version of a whole batch: what is unchanged costs one look in two indexes and no row. On
PostgreSQL a batch is two parameters, the one named fast path; elsewhere rows are fetched and
compared here. The answer is the same.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, LargeBinary, Uuid, bindparam, select, text
from sqlalchemy.orm import Session

from app.cards.model import Teacher
from app.epd.model import PersonnelRecord

LOOK_UP = 500
NOBODY = -1

# `LIMIT 1` keeps the planner from reading the whole table for every batch: the pseudonym is unique.
_DIFFERING = (
    text("""
SELECT asked.place - 1 AS place, known.teacher_id, known.version
FROM unnest(:versions) WITH ORDINALITY AS asked (version, place)
LEFT JOIN LATERAL (
  SELECT teacher.id AS teacher_id,
    epd_person.version - (epd_person.absent_since IS NOT NULL)::int - :older_by AS version
  FROM teacher LEFT JOIN epd_person
    ON epd_person.teacher_id = teacher.id AND epd_person.source = :source
  WHERE teacher.insz_pseudonym = substring(:joined FROM CAST(asked.place AS int) * 32 - 31 FOR 32)
  LIMIT 1
) AS known ON TRUE
WHERE known.version IS DISTINCT FROM asked.version
""")
    .bindparams(
        bindparam("versions", type_=ARRAY(BigInteger)),
        bindparam("joined", type_=LargeBinary),
        bindparam("older_by", type_=BigInteger),
    )
    .columns(place=BigInteger, teacher_id=Uuid, version=BigInteger)
)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody in a batch; None who nobody is yet. Below `version` nothing is news; -1: all is."""

    teacher_id: uuid.UUID | None
    version: int


def differing(
    session: Session,
    pseudonyms: Sequence[bytes],
    versions: Sequence[int],
    source: str,
    *,
    older_by: int,
) -> dict[int, Known]:
    """By their place in the batch, those of whom the source did not say exactly this version.

    With `older_by` 1 everybody counts as known one version back: being named at all is news then.
    """
    if session.get_bind().dialect.name != "postgresql":
        return _compared(session, pseudonyms, versions, source, older_by=older_by)
    rows = session.execute(
        _DIFFERING,
        {
            "joined": b"".join(pseudonyms),
            "versions": versions,
            "source": source,
            "older_by": older_by,
        },
    )
    return {
        place: Known(teacher_id, NOBODY if version is None else version)
        for place, teacher_id, version in rows
    }


def _compared(
    session: Session,
    pseudonyms: Sequence[bytes],
    versions: Sequence[int],
    source: str,
    *,
    older_by: int,
) -> dict[int, Known]:
    known = by_pseudonym(session, pseudonyms, source, older_by=older_by)
    stranger = Known(None, NOBODY)
    return {
        place: known.get(pseudonym, stranger)
        for place, (pseudonym, version) in enumerate(zip(pseudonyms, versions, strict=True))
        if known.get(pseudonym, stranger).version != version
    }


def by_pseudonym(
    session: Session, pseudonyms: Sequence[bytes], source: str, *, older_by: int
) -> dict[bytes, Known]:
    """Whoever is known by these pseudonyms."""
    said = (PersonnelRecord.teacher_id == Teacher.id) & (PersonnelRecord.source == source)
    rows = select(
        Teacher.insz_pseudonym,
        Teacher.id,
        PersonnelRecord.version,
        PersonnelRecord.absent_since,
    ).outerjoin(PersonnelRecord, said)
    known = {}
    for start in range(0, len(pseudonyms), LOOK_UP):
        wanted = Teacher.insz_pseudonym.in_(pseudonyms[start : start + LOOK_UP])
        for pseudonym, teacher_id, version, absent in session.execute(rows.where(wanted)):
            # Who was left out may come back with the same version.
            news_from = NOBODY if version is None else version - (absent is not None) - older_by
            known[pseudonym] = Known(teacher_id, news_from)
    return known
