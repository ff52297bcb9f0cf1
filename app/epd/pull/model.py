"""How far each source has been read: the cursor, and who is at it."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Moment


class PullState(Base):
    """Where the pull stands; one row, which moves in the transaction of the page it counts.

    While `full_since` is set everybody is asked anew, in the order of their teacher id;
    `full_after` is the last one done.
    """

    __tablename__ = "epd_pull"

    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    # Opaque; None begins with the first change that the source still keeps.
    cursor: Mapped[str | None] = mapped_column(String(500))
    full_since: Mapped[datetime | None] = mapped_column(Moment)
    full_after: Mapped[uuid.UUID | None]
    # When everybody was last asked anew, to the end.
    full_at: Mapped[datetime | None] = mapped_column(Moment)
    # When a page was last taken in whole.
    heard_at: Mapped[datetime | None] = mapped_column(Moment)
    # A lease, not a lock: after `leased_until` anybody may take over.
    leased_by: Mapped[uuid.UUID | None]
    leased_until: Mapped[datetime | None] = mapped_column(Moment)


class Registration(Base):
    """Whose changes the personnel file tells us of, under a reference of our own.

    No foreign key: the row outlives whom it was made for, until the file has struck it off.
    """

    __tablename__ = "epd_registration"

    # Random: it tells nothing about anybody.
    reference: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    teacher_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    # Of the number under which the file has it; None until it said so.
    pseudonym: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class FileImport(Base):
    """How far a file of records has been read, known by its content."""

    __tablename__ = "epd_file_import"

    # SHA-256 of the whole file, in hexadecimal.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    # The next byte to read, and how many lines lie before it.
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    lines: Mapped[int] = mapped_column(Integer, default=0)
    faults: Mapped[int] = mapped_column(Integer, default=0)
    begun_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
