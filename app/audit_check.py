"""Whether the record of what people did is whole: every fault, in words.

Walks the chain from its first link to its head, then looks at what waits to be sealed. Knows
where a head is kept apart: in a file beside the key ring, which this process replaces whole and
never moves back.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import HEAD, NOTHING_YET, AuditEntry, AuditHead, AuditKey, Head, code_of, link_of

FILE_NAME = "audit-head"
STEP = 500
FAULTS_NAMED = 20

FindKey = Callable[[int], AuditKey | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found; `head` is where the chain ends in the database."""

    head: Head
    waiting: int
    faults: tuple[str, ...]


def verify(session: Session, *, find_key: FindKey, kept: tuple[Head, ...] = ()) -> Verdict:
    """Check every link, every code, and that the chain still reaches each head that was kept."""
    faults: list[str] = []
    head = _chain(session, find_key, {one.position: one for one in kept}, faults)
    stored = session.get(AuditHead, HEAD)
    noted = Head(stored.position, stored.link) if stored else NOTHING_YET
    if head != noted:
        faults.append(f"the chain ends at {head.position}, the database notes {noted.position}")
    faults += [
        f"the end is cut off: {one.position} entries were sealed once, {head.position} are left"
        for one in kept
        if one.position > head.position
    ]
    waiting = 0
    for entry in _walk(session, sealed=False):
        waiting += 1
        if not _written_by_us(entry, find_key):
            faults.append(
                f"an unsealed entry of {entry.at:%Y-%m-%d %H:%M} is not as it was written"
            )
    return Verdict(head, waiting, tuple(faults[:FAULTS_NAMED]))


def _chain(session: Session, find_key: FindKey, kept: dict[int, Head], faults: list[str]) -> Head:
    head = NOTHING_YET
    for entry in _walk(session, sealed=True):
        assert entry.position is not None  # noqa: S101 - as selected
        if entry.position != head.position + 1:
            faults.append(f"entries {head.position + 1} to {entry.position - 1} are missing")
        if not _written_by_us(entry, find_key):
            faults.append(f"entry {entry.position} is not as it was written")
        key = find_key(entry.link_key_id or 0)
        if key is None or entry.link != link_of(entry, head, key=key):
            faults.append(f"entry {entry.position} does not follow the one before it")
        head = Head(entry.position, entry.link or b"")
        if head.position in kept and kept[head.position] != head:
            faults.append(f"entry {head.position} is another one than was sealed there")
    return head


def _walk(session: Session, *, sealed: bool) -> Iterator[AuditEntry]:
    entries = select(AuditEntry).order_by(AuditEntry.position, AuditEntry.id)
    where = AuditEntry.position.is_not(None) if sealed else AuditEntry.position.is_(None)
    for entry in session.scalars(entries.where(where), execution_options={"yield_per": STEP}):
        yield entry
        session.expunge(entry)


def _written_by_us(entry: AuditEntry, find_key: FindKey) -> bool:
    key = find_key(entry.key_id)
    return key is not None and entry.code == code_of(entry, key=key)


def keep(directory: Path, head: Head) -> None:
    """Keep a head beside the key ring, unless a later one is there."""
    known = kept(directory)
    if known is not None and known.position >= head.position:
        return
    draft = directory / f"{FILE_NAME}.draft"
    draft.write_text(f"{head}\n", "utf-8")
    draft.replace(directory / FILE_NAME)


def kept(directory: Path) -> Head | None:
    """The head in that file; None when this machine has sealed nothing yet."""
    with suppress(FileNotFoundError):
        return Head.read((directory / FILE_NAME).read_text("utf-8"))
    return None
