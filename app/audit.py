"""What people did and saw, as a record that nobody can change unseen (docs/decisions/0016).

An entry is written in the transaction of the act, before anything is shown: no record, no act.
Each carries a code under the audit key, which the database does not hold. The worker numbers what
is new and chains it (`seal`): every link holds the one before it, so an edit, a deletion, an
insertion or another order breaks the chain. The newest link, the head, is kept apart as well,
so that a cut end is missed too. Hides the codes; `verify` is in `app.audit_check`.
"""

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, Identified, Moment, insert_once

BATCH = 500
# Before the first entry.
GENESIS = bytes(32)
HEAD = 1


class AuditKey(Protocol):
    """A key of the ring; 32 bytes."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def value(self) -> bytes:
        """The secret."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to whom, on whose behalf and why.

    `actor` is the subject of the log-in ("system" for a command of the operator), `action` a
    stable word such as `roster.release`, `object` names a row (`teacher:0198…`), `purpose` is
    what the person gave as reason. No national number and no name stands in any of it.
    """

    actor: str
    capacity: str
    organisation: str
    action: str
    object: str
    purpose: str = ""
    request_id: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)


class AuditEntry(Identified, Base):
    """One act; only ever appended. `position` and `link` come when the worker seals it."""

    __tablename__ = "audit_entry"

    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(255))
    capacity: Mapped[str] = mapped_column(String(8))
    organisation: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(40))
    object: Mapped[str] = mapped_column(String(80), index=True)
    purpose: Mapped[str] = mapped_column(String(200))
    request_id: Mapped[str] = mapped_column(String(36))
    # JSON as it was vouched for, to the letter.
    details: Mapped[str] = mapped_column(Text)
    key_id: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[bytes] = mapped_column(LargeBinary(32))
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    link_key_id: Mapped[int | None] = mapped_column(SmallInteger)
    link: Mapped[bytes | None] = mapped_column(LargeBinary(32))

    __table_args__ = (
        Index(
            "ix_audit_entry_unsealed",
            "id",
            sqlite_where=text("position IS NULL"),
            postgresql_where=text("position IS NULL"),
        ),
    )


class AuditHead(Base):
    """The newest link; one row, and whoever moves it is the only one who seals."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
    link: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes and what its last link is; to be kept where the database is not."""

    position: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.link.hex()}"

    @classmethod
    def read(cls, written: str) -> "Head":
        """Undo `str`; ValueError for anything else."""
        position, _, link = written.strip().partition(":")
        head = cls(int(position), bytes.fromhex(link))
        if len(head.link) != len(GENESIS):
            raise ValueError("a link has 32 bytes")
        return head


NOTHING_YET = Head(0, GENESIS)


def record(session: Session, act: Act, *, key: AuditKey, now: datetime) -> None:
    """Append an act, in the caller's transaction; what it is about is shown after the commit."""
    details = json.dumps(dict(act.details), sort_keys=True, separators=(",", ":"))
    entry = AuditEntry(
        at=now,
        actor=act.actor,
        capacity=act.capacity,
        organisation=act.organisation,
        action=act.action,
        object=act.object,
        purpose=act.purpose,
        request_id=act.request_id,
        details=details,
        key_id=key.id,
    )
    entry.code = code_of(entry, key=key)
    session.add(entry)


def waiting(session: Session) -> bool:
    """Whether an entry waits to be sealed; only reads."""
    unsealed = select(AuditEntry.id).where(AuditEntry.position.is_(None)).limit(1)
    return session.scalars(unsealed).first() is not None


def seal(session: Session, *, key: AuditKey) -> Head | None:
    """Number and chain up to 500 new entries; the new head, None when there was nothing to do.

    The row of the head is locked and moved by compare-and-set, so that of any number of workers
    one seals at a time.
    """
    insert_once(session, AuditHead, {"id": HEAD, "position": 0, "link": GENESIS})
    row = session.get_one(AuditHead, HEAD, with_for_update=True, populate_existing=True)
    unsealed = select(AuditEntry).where(AuditEntry.position.is_(None)).order_by(AuditEntry.id)
    entries = session.scalars(unsealed.limit(BATCH)).all()
    if not entries:
        return None
    before, head = row.position, Head(row.position, row.link)
    for entry in entries:
        head = Head(head.position + 1, link_of(entry, head, key=key))
        entry.position, entry.link, entry.link_key_id = head.position, head.link, key.id
    session.flush()
    moved = (
        update(AuditHead)
        .where(AuditHead.id == HEAD, AuditHead.position == before)
        .values(position=head.position, link=head.link)
        .returning(AuditHead.id)
    )
    session.execute(moved).one()
    return head


def code_of(entry: AuditEntry, *, key: AuditKey) -> bytes:
    """What vouches that the service itself wrote this entry, exactly so."""
    vouched = [
        "entry",
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.capacity,
        entry.organisation,
        entry.action,
        entry.object,
        entry.purpose,
        entry.request_id,
        entry.details,
    ]
    return hmac.digest(key.value, json.dumps(vouched).encode(), "sha256")


def link_of(entry: AuditEntry, before: Head, *, key: AuditKey) -> bytes:
    """The link of an entry that follows a head."""
    vouched = ["link", before.position + 1, before.link.hex(), entry.id.hex, entry.code.hex()]
    return hmac.digest(key.value, json.dumps(vouched).encode(), "sha256")


def object_of(kind: str, number: uuid.UUID) -> str:
    """How an entry names a row."""
    return f"{kind}:{number}"
