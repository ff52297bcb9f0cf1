"""What was pushed, in which order, and how far it was carried out.

A `Batch` is what one request brought; a `Run` is what is judged and carried out as a whole: one
batch of changes, or all parts of a full snapshot. National numbers stand in no column: what has
yet to be done is sealed by the key ring and deleted as it is done.
"""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Identified, Moment


class RunState(StrEnum):
    """How far a run is."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    PARKED = "parked"
    RELEASED = "released"
    APPLYING = "applying"
    DONE = "done"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


# Nothing more will happen to these.
OVER = (RunState.DONE, RunState.REFUSED, RunState.SUPERSEDED)
UNFINISHED = text("state NOT IN ('done', 'refused', 'superseded')")


class Sequence(Base):
    """The number of the last batch of a source; the next must be one higher."""

    __tablename__ = "epd_sequence"

    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime] = mapped_column(Moment)


class Run(Identified, Base):
    """What is carried out as a whole, or not at all."""

    __tablename__ = "epd_run"

    source: Mapped[str] = mapped_column(String(10))
    # A full snapshot: whoever is not in it is no longer known to the source.
    full: Mapped[bool]
    # Somebody may be known no longer after it: a full snapshot, a removal, a replaced number.
    leaves_out: Mapped[bool]
    parts: Mapped[int] = mapped_column(Integer)
    parts_received: Mapped[int] = mapped_column(Integer)
    state: Mapped[RunState] = mapped_column(
        Enum(
            RunState,
            name="state",
            native_enum=False,
            create_constraint=True,
            length=12,
            values_callable=lambda states: [state.value for state in states],
        )
    )
    # How many would lose an active card by it, and how many had one, when it was judged.
    losing: Mapped[int] = mapped_column(Integer, default=0)
    holders: Mapped[int | None] = mapped_column(Integer)
    # The last pseudonym up to which those who were left out were dealt with.
    absent_up_to: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    begun_at: Mapped[datetime] = mapped_column(Moment)
    judged_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(Moment, index=True)

    batches: Mapped[list["Batch"]] = relationship(back_populates="run", order_by="Batch.number")

    __table_args__ = (
        Index(
            "ix_epd_run_unfinished",
            "begun_at",
            sqlite_where=UNFINISHED,
            postgresql_where=UNFINISHED,
        ),
    )


class Batch(Base):
    """One request of the source; `id` is the number it gave it (batchId)."""

    __tablename__ = "epd_batch"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Run.id), index=True)
    source: Mapped[str] = mapped_column(String(10))
    client_id: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(BigInteger)
    part: Mapped[int] = mapped_column(Integer)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    received_at: Mapped[datetime] = mapped_column(Moment)
    new: Mapped[int] = mapped_column(Integer, default=0)
    changed: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer)
    outdated: Mapped[int] = mapped_column(Integer)
    faulty: Mapped[int] = mapped_column(Integer)
    losing: Mapped[int] = mapped_column(Integer)
    # Of a full snapshot: the pseudonyms in it, sorted and joined, until the run is over.
    seen: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    run: Mapped[Run] = relationship(back_populates="batches")

    __table_args__ = (UniqueConstraint("source", "number"),)


class Pending(Base):
    """Some of a batch's records that are yet to be carried out: one transaction's worth."""

    __tablename__ = "epd_pending"

    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Batch.id), primary_key=True)
    # The index of the first record in it.
    first: Mapped[int] = mapped_column(Integer, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Fault(Base):
    """Why one record of a batch was left alone; no text here holds anything that was sent."""

    __tablename__ = "epd_fault"

    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Batch.id), primary_key=True)
    index: Mapped[int] = mapped_column(Integer, primary_key=True)
    record_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    code: Mapped[str] = mapped_column(String(5))
    diagnosis: Mapped[str] = mapped_column(String(200))


class Decision(Identified, Base):
    """What one person of the card office decided about a parked run; only ever appended."""

    __tablename__ = "epd_decision"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Run.id))
    # The subject of their log-in.
    person: Mapped[str] = mapped_column(String(255))
    release: Mapped[bool]
    why: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("run_id", "person"),)
