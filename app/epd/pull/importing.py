"""A file of records, a line each (JSON lines, the person of contract 4.2), taken in page by page.

The file may be of any size: lines are read one after the other, and how far we are is written down
with each page, under the fingerprint of the content. Whoever runs it again after a kill goes
on there. A bad line is counted and named by its number; nothing it holds is repeated.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.cards.entitlement import Policy
from app.cards.keyring import KeyRing
from app.db import Database, insert_once
from app.epd import merge
from app.epd.messages import Personeelslid, Snapshot, broken
from app.epd.pull.model import FileImport

PAGE = 200
MAX_LINE_BYTES = 256 * 1024
CHUNK_BYTES = 1 << 20

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that was passed over; `why` names places and kinds, never content."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the file has been read, in bytes and lines, and the faults of this page."""

    position: int
    lines: int
    faults: tuple[LineFault, ...]


@dataclass(slots=True)
class _Page:
    snapshots: list[Snapshot]
    faults: list[LineFault]
    position: int
    lines: int


def import_file(
    database: Database, ring: KeyRing, path: Path, *, policy: Policy, clock: Clock
) -> Iterator[Progress]:
    """Take in a file, one transaction a page; a page is lost whole or kept whole."""
    with path.open("rb") as file:
        digest = _digest(file)
        begun = clock()

        def begin(session: Session) -> tuple[int, int]:
            row = {"digest": digest, "begun_at": begun, "position": 0, "lines": 0, "faults": 0}
            insert_once(session, FileImport, row)
            known = session.get_one(FileImport, digest)
            if known.finished_at is not None:
                # Read to its end before: versions make reading it again harmless.
                known.position, known.lines, known.faults = 0, 0, 0
                known.finished_at, known.begun_at = None, begun
            return known.position, known.lines

        position, lines = database.transact(begin)
        yield Progress(position, lines, ())
        file.seek(position)
        while True:
            page = _page(file, position, lines)
            done = page.lines == lines
            _take_in(database, ring, digest, page, done=done, policy=policy, now=clock())
            if done:
                return
            position, lines = page.position, page.lines
            yield Progress(position, lines, tuple(page.faults))


def _take_in(
    database: Database,
    ring: KeyRing,
    digest: str,
    page: _Page,
    *,
    done: bool,
    policy: Policy,
    now: datetime,
) -> None:
    keys = ring.keys

    def work(session: Session) -> None:
        merge.merge(session, page.snapshots, keys=keys, policy=policy, now=now)
        row = session.get_one(FileImport, digest, with_for_update=True)
        row.position, row.lines = page.position, page.lines
        row.faults += len(page.faults)
        row.finished_at = now if done else None

    database.transact(work)


def _page(file: BinaryIO, position: int, lines: int) -> _Page:
    page = _Page([], [], position, lines)
    while len(page.snapshots) + len(page.faults) < PAGE:
        text = file.readline(MAX_LINE_BYTES)
        if not text:
            break
        page.lines += 1
        whole = len(text) < MAX_LINE_BYTES or text.endswith(b"\n")
        while text and not text.endswith(b"\n") and len(text) == MAX_LINE_BYTES:
            text = file.readline(MAX_LINE_BYTES)
        page.position = file.tell()
        if not whole:
            page.faults.append(LineFault(page.lines, "the line is too long"))
        elif text.strip():
            _read(text, page)
    return page


def _read(text: bytes, page: _Page) -> None:
    try:
        page.snapshots.append(Personeelslid.model_validate_json(text).snapshot())
    except ValidationError as error:
        page.faults.append(LineFault(page.lines, str(broken(error))))


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
