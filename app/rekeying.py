"""After a rotation: what still stands under an older key is brought under the newest.

Knows every column that an encryption key seals and what a pepper hashes. Every value says by which
key it was made, so the rows themselves tell how far this is: it may be killed at any moment, run
twice, and run beside a working service, whose own newer value always stays. Hides the difference
between the two kinds; each call is one short transaction.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, bindparam, func, inspect, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.cards import own_key, teachers
from app.cards.insz import Insz
from app.cards.keyring import KeyRing, Keys
from app.cards.model import NO_PEPPER, Teacher
from app.db import Base, Database
from app.epd.model import PersonnelRecord, place_of_number
from app.epd.push import accept
from app.epd.push.model import OVER, Pending, Run
from app.epd.rosters.model import RosterLine
from app.epd.rosters.verbs import place_of as place_of_line
from app.errors import Conflict
from app.identity.model import Handoff, WebSession

# So that a writer of the service waits some tens of milliseconds at most.
ROWS = 200


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column of sealed values; `place` is told the primary key of a row."""

    column: InstrumentedAttribute[Any]
    place: Callable[..., str]

    @property
    def model(self) -> type[Base]:
        return cast("type[Base]", self.column.class_)

    @property
    def key(self) -> Sequence[ColumnElement[Any]]:
        return inspect(self.model).primary_key


SEALED = (
    _Sealed(Teacher.data_key, lambda teacher_id: own_key.place_of(teacher_id, "data_key")),
    _Sealed(
        PersonnelRecord.insz_encrypted, lambda teacher_id, _source: place_of_number(teacher_id)
    ),
    _Sealed(RosterLine.insz_encrypted, lambda roster_id, _number: place_of_line(roster_id)),
    _Sealed(Pending.sealed, accept.place),
)
# Gone by themselves within a working day.
PASSING = (WebSession.sealed_person, Handoff.sealed_person)


def known_by(session: Session) -> dict[int, int]:
    """How many people each pepper makes known, by its number."""
    peppers = select(Teacher.pepper_id, func.count()).where(Teacher.pepper_id != NO_PEPPER)
    counts = session.execute(peppers.group_by(Teacher.pepper_id))
    return {pepper_id: count for pepper_id, count in counts}  # noqa: C416 - rows are no pairs to the checker


def sealed_by(session: Session) -> dict[int, int]:
    """How many kept values each encryption key seals, by its number."""
    found: Counter[int] = Counter()
    for column in (*(sealed.column for sealed in SEALED), *PASSING):
        made_by = _made_by(column)
        counted = select(made_by, func.count()).where(column.is_not(None)).group_by(made_by)
        for key_id, count in session.execute(counted):
            found[key_id[0]] += count
    return dict(found)


def reencrypt(database: Database, ring: KeyRing) -> Iterator[int]:
    """Seal everything anew with the active encryption key; yields how many rows each step did."""
    for sealed in SEALED:
        after: Sequence[Any] | None = None
        while rows := _older(database, ring.keys, sealed, after):
            yield _reseal(database, ring.keys, sealed, rows)
            after = rows[-1][:-1]


def rehash(database: Database, ring: KeyRing) -> Iterator[int]:
    """Know everybody whose number is kept by the active pepper; yields how many each step did.

    `Conflict` while a full snapshot of the personnel file is being carried out: it compares
    pseudonyms, and must find those it was taken in with.
    """
    after: uuid.UUID | None = uuid.UUID(int=0)
    while after is not None:
        last, keys = after, ring.keys
        count, after = database.transact(lambda session: _rename(session, keys, last))  # noqa: B023 - called before the next turn
        yield count


def _made_by(column: InstrumentedAttribute[Any]) -> ColumnElement[bytes]:
    return func.substr(column, 1, 1, type_=column.type)


def _older(
    database: Database, keys: Keys, sealed: _Sealed, after: Sequence[Any] | None
) -> Sequence[Sequence[Any]]:
    """The next rows of a column by another key than the active one: primary key, then value."""
    newest = bytes([keys.active("encryption").id])
    rows = select(*sealed.key, sealed.column).where(
        sealed.column.is_not(None), _made_by(sealed.column) != newest
    )
    if after is not None:
        rows = rows.where(tuple_(*sealed.key) > tuple_(*after))
    with database.reading() as session:
        return session.execute(rows.order_by(*sealed.key).limit(ROWS)).all()


def _reseal(database: Database, keys: Keys, sealed: _Sealed, rows: Sequence[Sequence[Any]]) -> int:
    """Compare and set: whoever changed a row since has used the active key."""
    same_row = (column == bindparam(f"k{at}") for at, column in enumerate(sealed.key))
    statement = update(sealed.model).where(*same_row, sealed.column == bindparam("old"))
    values = []
    for *key, old in rows:
        place = sealed.place(*key)
        new = keys.seal(keys.unseal(old, place=place), place=place)
        values.append({f"k{at}": part for at, part in enumerate(key)} | {"old": old, "new": new})
    changed = statement.values({sealed.column: bindparam("new")})
    database.transact(lambda session: session.connection().execute(changed, values))
    return len(rows)


def _rename(session: Session, keys: Keys, after: uuid.UUID) -> tuple[int, uuid.UUID | None]:
    """One step of `rehash`: how many teachers, and the last of them; None when all were seen."""
    snapshot = select(Run.id).where(Run.full, Run.state.not_in(OVER)).limit(1)
    if session.scalars(snapshot).first() is not None:
        raise Conflict("A full snapshot is being carried out. Try again when it is done.")
    newest = keys.active("pepper")
    rows = session.execute(
        select(
            Teacher.id, Teacher.insz_pseudonym, Teacher.pepper_id, PersonnelRecord.insz_encrypted
        )
        .join(PersonnelRecord, PersonnelRecord.teacher_id == Teacher.id)
        .where(
            Teacher.id > after,
            Teacher.pepper_id.not_in([newest.id, NO_PEPPER]),
            PersonnelRecord.insz_encrypted.is_not(None),
        )
        .order_by(Teacher.id)
        .limit(ROWS)
    ).all()
    peppers = {pepper.id: pepper.value for pepper in keys.usable("pepper")}
    renamed = set()
    for teacher_id, pseudonym, pepper_id, sealed in rows:
        insz = Insz(keys.unseal(sealed or b"\0", place=place_of_number(teacher_id)).decode())
        # A record may be of a number that was replaced since; that says nothing of the row's own.
        if pepper_id in peppers and insz.pseudonym(peppers[pepper_id]) == pseudonym:
            teachers.rename(session, pseudonym, insz.pseudonym(newest.value), pepper_id=newest.id)
            renamed.add(teacher_id)
    return len(renamed), rows[-1].id if rows else None
