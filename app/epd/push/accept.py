"""One batch taken in: its place in the order, and the intent stored before it is acknowledged.

Knows what makes a batch the next one of its source (contract 4.3): numbers rise by one, a full
snapshot may begin anywhere above and comes in parts, one after the other, and the same batch sent
again is the same batch. `accept` is one short transaction; the work itself is done by `runs`.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards.keyring import Keys
from app.db import insert_once, uuid7
from app.epd.push.contract import Envelope, Kind
from app.epd.push.model import Batch, Fault, Pending, Run, RunState, Sequence
from app.epd.push.news import News, pack
from app.epd.push.sorting import Sorted
from app.errors import Conflict

# What the worker does in one transaction.
CHUNK = 200


class OtherBody(Conflict):
    """A batch of this number was sent before, with another content."""


class Replayed(Conflict):
    """The number of the batch is one that was used, or lies before one."""


class Gap(Conflict):
    """Something is missing before this batch; `number` and `part` are what is expected."""

    def __init__(self, message: str, *, number: int, part: int) -> None:
        super().__init__(message)
        self.number = number
        self.part = part


@dataclass(frozen=True, slots=True)
class Request:
    """A batch as it was sent: read, with the hash of its bytes and who sent it."""

    batch: Envelope
    body_sha256: bytes
    client_id: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be stored of a request: everything but numbers that may not be stored."""

    request: Request
    found: Sorted
    pending: list[tuple[int, bytes]]
    seen: bytes | None


def intent(request: Request, found: Sorted, *, keys: Keys) -> Intent:
    """Seal what the worker will do, chunk by chunk; no transaction is open meanwhile."""
    batch_id = request.batch.batch_id
    pending = [
        (chunk[0].index, keys.seal(pack(chunk), place=place(batch_id, chunk[0].index)))
        for chunk in _chunks(found.news)
    ]
    full = request.batch.soort is Kind.FULL
    return Intent(request, found, pending, b"".join(sorted(found.seen)) if full else None)


def place(batch_id: uuid.UUID, first: int) -> str:
    """Where a sealed chunk belongs."""
    return f"epd_pending|sealed|{batch_id}|{first}"


def accept(session: Session, intended: Intent, *, now: datetime) -> bool:
    """Store a batch as the next of its source; True when it was there already.

    `OtherBody`, `Replayed` or `Gap` when it is not the next one; nothing is stored then.
    """
    request, found = intended.request, intended.found
    batch = request.batch
    if before(session, request):
        return True
    run = _follow(session, batch, now=now)
    run.leaves_out |= any(one.snapshot is None or one.replaces for one in found.news)
    session.add(
        Batch(
            id=batch.batch_id,
            run_id=run.id,
            source=batch.bron,
            client_id=request.client_id,
            number=batch.reeksnummer,
            part=batch.deel,
            body_sha256=request.body_sha256,
            received_at=now,
            unchanged=found.unchanged,
            outdated=found.outdated,
            faulty=len(found.faults),
            losing=found.losing,
            seen=intended.seen,
        )
    )
    session.flush()
    session.add_all(
        Pending(batch_id=batch.batch_id, first=first, sealed=sealed)
        for first, sealed in intended.pending
    )
    session.add_all(
        Fault(
            batch_id=batch.batch_id,
            index=fault.index,
            record_id=fault.record_id,
            code=fault.code,
            diagnosis=fault.diagnosis,
        )
        for fault in found.faults
    )
    return False


def before(session: Session, request: Request) -> bool:
    """Whether this very batch was accepted before; `OtherBody` when another of its number was."""
    earlier = session.get(Batch, request.batch.batch_id)
    if earlier is None:
        return False
    same = (earlier.body_sha256, earlier.client_id) == (request.body_sha256, request.client_id)
    if not same:
        raise OtherBody("This batch was sent before, with another content.")
    return True


def last_number(session: Session, source: str) -> int:
    """The number of the source's last batch; 0 before the first."""
    kept = session.get(Sequence, source)
    return kept.last_number if kept else 0


def check_order(session: Session, batch: Envelope) -> None:
    """Refuse a batch that is not the next one, as `accept` would; only reads."""
    kept = session.get(Sequence, batch.bron)
    _check_number(batch, kept.last_number if kept else None)
    if batch.deel > 1:
        _receiving(session, batch)


def _follow(session: Session, batch: Envelope, *, now: datetime) -> Run:
    """Take the batch's place in the order; the run that it is part of."""
    values = {"source": batch.bron, "last_number": batch.reeksnummer, "received_at": now}
    if insert_once(session, Sequence, values):
        _check_number(batch, None)
    else:
        kept = session.get_one(Sequence, batch.bron, with_for_update=True, populate_existing=True)
        _check_number(batch, kept.last_number)
        kept.last_number, kept.received_at = batch.reeksnummer, now
    return _continued(session, batch) if batch.deel > 1 else _begun(session, batch, now=now)


def _check_number(batch: Envelope, last: int | None) -> None:
    begins = batch.soort is Kind.FULL and batch.deel == 1
    if last is None:
        # Before anything was ever heard the source decides where it begins.
        if batch.deel > 1:
            raise Gap("The first part of this snapshot is missing.", number=1, part=1)
        return
    if batch.reeksnummer <= last:
        raise Replayed(f"The last number of this source is {last}.")
    if not begins and (batch.reeksnummer, batch.vorig_reeksnummer) != (last + 1, last):
        raise Gap("Batches are missing before this one.", number=last + 1, part=batch.deel)


def _begun(session: Session, batch: Envelope, *, now: datetime) -> Run:
    full = batch.soort is Kind.FULL
    if full:
        # A snapshot that was never finished is overtaken by the next.
        session.execute(
            update(Run)
            .where(Run.source == batch.bron, Run.state == RunState.RECEIVING)
            .values(state=RunState.SUPERSEDED, finished_at=now)
        )
    whole = batch.aantal_delen == 1
    run = Run(
        id=uuid7(),
        source=batch.bron,
        full=full,
        leaves_out=full,
        parts=batch.aantal_delen,
        parts_received=1,
        state=RunState.COMPLETE if whole else RunState.RECEIVING,
        begun_at=now,
    )
    session.add(run)
    session.flush()
    return run


def _continued(session: Session, batch: Envelope) -> Run:
    run = _receiving(session, batch)
    run.parts_received += 1
    if run.parts_received == run.parts:
        run.state = RunState.COMPLETE
    return run


def _receiving(session: Session, batch: Envelope) -> Run:
    """The snapshot that this part goes on with."""
    found = select(Run).where(Run.source == batch.bron, Run.state == RunState.RECEIVING)
    run = session.scalars(found).one_or_none()
    expected = run.parts_received + 1 if run else 1
    if run is None or (batch.deel, batch.aantal_delen) != (expected, run.parts):
        raise Gap(
            "Another part of the snapshot comes first.", number=batch.reeksnummer, part=expected
        )
    return run


def _chunks(news: list[News]) -> Iterator[list[News]]:
    for start in range(0, len(news), CHUNK):
        yield news[start : start + CHUNK]
