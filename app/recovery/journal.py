"""The revocation journal: what took cards away, kept where no copy of the database can undo it.

A file of lines, only ever appended, outside the database and its copies. A line names a card by a
code under the audit key, never by its number, and what became of it. Every worker keeps its own
journal complete by itself (`keep`), or shares one file. It notices when the database went back
in time, by whatever means: then it puts up the fence, brings its revocations in again and marks
the new epoch. Hides the format.
"""

import contextlib
import fcntl
import hmac
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import IO, Self

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import fence
from app.cards import lifecycle
from app.cards.entitlement import CardStatus, EntitlementReason
from app.cards.keyring import Keys
from app.cards.model import Card, CardEvent
from app.db import Database
from app.recovery.fall_back import fall_back

# What takes a card away, and what gives it back.
KEPT = ("revoked", "ended", "suspended", "resumed")
# A transaction under way may commit events that are older than some already seen.
UNDER_WAY = timedelta(minutes=2)
LINES_AT_ONCE = 1_000
CARDS_AT_ONCE = 200
WHY = "revocation-journal"
PURPOSE = b"revocation-journal|"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one card, as a line says it."""

    event: uuid.UUID
    at: str
    what: str
    why: str
    key_id: int
    code: bytes

    @classmethod
    def of(cls, event: CardEvent, keys: Keys) -> Self:
        """The line of an event."""
        key = keys.active("audit")
        why = event.why if event.why in set(EntitlementReason) else WHY
        code = code_of(event.card_id, key.value)
        return cls(event.id, event.at.isoformat(), event.what, why, key.id, code)

    @classmethod
    def read(cls, words: list[str]) -> Self:
        """The entry of a line's words; `ValueError` when they are none."""
        event, at, what, why, key_id, code = words
        return cls(uuid.UUID(event), at, what, why, int(key_id), bytes.fromhex(code))

    def __str__(self) -> str:
        code = self.code.hex()
        return f"event {self.event} {self.at} {self.what} {self.why} {self.key_id} {code}\n"


def code_of(card_id: uuid.UUID, key: bytes) -> bytes:
    """HMAC-SHA256 of a card's id, 32 bytes: who holds the journal alone learns of no card."""
    return hmac.digest(key, PURPOSE + card_id.bytes, "sha256")


class Journal:
    """One file; any number of processes of one machine may keep it together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0
        self._epoch: int | None = None
        # Of this epoch: the newest events, for those that a late transaction adds below them.
        self._recent: set[uuid.UUID] = set()
        self._newest: uuid.UUID | None = None

    def keep(self, database: Database, keys: Keys, *, now: datetime) -> int:
        """Write down what is new; a database that went back in time is fenced and mended."""
        with self._alone() as file:
            self._catch_up(file)
            with database.reading() as session:
                epoch = fence.standing(session).epoch
                lost = self._newest is not None and session.get(CardEvent, self._newest) is None
            if self._epoch is not None and self._epoch < epoch:
                return merge(database, [self._path], keys=keys, now=now) + self._mark(file, epoch)
            if lost:
                log.error("database-went-back", newest=str(self._newest))
                why = "the database lacks what the revocation journal knows"
                above = self._epoch or 0
                database.transact(lambda session: fall_back(session, why=why, above=above, now=now))
                return 1
            if self._epoch is None:
                self._mark(file, epoch)
            return self._append(database, keys, file)

    def _append(self, database: Database, keys: Keys, file: IO[bytes]) -> int:
        news = select(CardEvent).where(CardEvent.what.in_(KEPT)).order_by(CardEvent.id)
        if self._newest is not None:
            news = news.where(CardEvent.id > _before(self._newest))
        written = 0
        with database.reading() as session:
            events = session.scalars(news, execution_options={"yield_per": LINES_AT_ONCE})
            for some in events.partitions():
                fresh = [Entry.of(event, keys) for event in some if event.id not in self._recent]
                _write(file, "".join(map(str, fresh)))
                written += len(fresh)
        self._catch_up(file)
        return written

    def _mark(self, file: IO[bytes], epoch: int) -> int:
        """What follows belongs to a database that came back so many times."""
        _write(file, f"epoch {epoch}\n")
        self._catch_up(file)
        return 1

    def _catch_up(self, file: IO[bytes]) -> None:
        """Take in what was written since the last time, by whomever."""
        file.seek(self._read_to)
        for line in file:
            self._read_to += len(line)
            match _parsed(line):
                case int(epoch):
                    self._epoch, self._newest = epoch, None
                    self._recent.clear()
                case Entry(event=event):
                    self._newest = max(self._newest or event, event)
                    self._recent.add(event)
        if self._newest is not None:
            oldest = _before(self._newest)
            self._recent = {event for event in self._recent if event > oldest}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[IO[bytes]]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(
            os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b"
        ) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            # A crash may have left half a line; it stays, as one that says nothing.
            if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
                _write(file, "\n")
            yield file


def merge(database: Database, journals: Iterable[Path], *, keys: Keys, now: datetime) -> int:
    """Take from cards in force what the journals say was taken; returns how many cards.

    Only ever takes away: what was given back since is given back by its source.
    """
    last = _last_words(journals)
    named = {key_id for key_id, _ in last}
    secrets = [key for key in keys.secrets["audit"].values() if key.id in named]
    taken: list[tuple[uuid.UUID, Entry]] = []
    with database.reading() as session:
        in_force = select(Card.id, Card.status).where(Card.status.in_(lifecycle.IN_FORCE))
        in_force = in_force.execution_options(yield_per=LINES_AT_ONCE)
        for card_id, status in session.execute(in_force):
            codes = [(key.id, code_of(card_id, key.value)) for key in secrets]
            said = [last[code] for code in codes if code in last]
            newest = max(said, key=attrgetter("event"), default=None)
            if newest and lifecycle.BECOMES[newest.what] not in {CardStatus.ACTIVE, status}:
                taken.append((card_id, newest))
    for start in range(0, len(taken), CARDS_AT_ONCE):
        some = taken[start : start + CARDS_AT_ONCE]
        database.transact(partial(_take_away, taken=some, now=now))
    with database.reading() as session:
        epoch = fence.standing(session).epoch
    database.transact(lambda session: fence.note_merged(session, epoch=epoch))
    log.info("journal-merged", count=len(taken))
    return len(taken)


def latest_epoch(journals: Iterable[Path]) -> int:
    """How often a database of these journals is known to have come back."""
    lines = (_parsed(line) for path in journals for line in path.read_bytes().splitlines())
    return max((line for line in lines if isinstance(line, int)), default=0)


def _take_away(
    session: Session, taken: Iterable[tuple[uuid.UUID, Entry]], *, now: datetime
) -> None:
    for card_id, entry in taken:
        card = session.get_one(Card, card_id)
        if lifecycle.card_in_force(session, card.teacher) is not card:
            continue
        match lifecycle.BECOMES[entry.what]:
            case CardStatus.REVOKED:
                lifecycle.revoke(session, card, why=WHY, now=now)
            case CardStatus.ENDED:
                lifecycle.end(session, card, why=WHY, now=now)
            case CardStatus.SUSPENDED if card.status is CardStatus.ACTIVE:
                lifecycle.suspend(session, card, why=entry.why, now=now)


def _last_words(journals: Iterable[Path]) -> dict[tuple[int, bytes], Entry]:
    """The last event of every card by key id and code, whichever journal has it."""
    last: dict[tuple[int, bytes], Entry] = {}
    for path in journals:
        with path.open("rb") as file:
            for line in file:
                entry = _parsed(line)
                if isinstance(entry, Entry):
                    card = entry.key_id, entry.code
                    if card not in last or last[card].event < entry.event:
                        last[card] = entry
    return last


def _parsed(line: bytes) -> Entry | int | None:
    """What a line says; None for half a line."""
    try:
        kind, *words = line.decode("ascii").split()
        return Entry.read(words) if kind == "event" else int(words[0]) if kind == "epoch" else None
    except (ValueError, IndexError):
        return None


def _write(file: IO[bytes], lines: str) -> None:
    file.write(lines.encode("ascii"))
    file.flush()
    os.fsync(file.fileno())


def _before(event: uuid.UUID) -> uuid.UUID:
    """The smallest UUIDv7 of `UNDER_WAY` before an event (RFC 9562: 48 bits of milliseconds)."""
    at_ms = (event.int >> 80) - int(UNDER_WAY.total_seconds() * 1000)
    return uuid.UUID(int=at_ms << 80)
