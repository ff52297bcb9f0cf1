"""Subscription and Notice: who wants to hear, and what waits to be sent.

The address itself stands with the teacher, under the teacher's own key. A notice exists until it
was sent; one that was given up stays for the card office to see.
"""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Moment


class Kind(StrEnum):
    """What a mail is about."""

    CONFIRM = "confirm"
    GRACE = "grace"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    NEW_YEAR = "extended"
    REPLACED = "issued"


class Subscription(Base):
    """A teacher's wish; it counts once whoever reads that mailbox has confirmed it."""

    __tablename__ = "notice_subscription"

    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teacher.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)


class Notice(Base):
    """One mail that is due, or was given up."""

    __tablename__ = "notice"

    # Random: it becomes the Message-ID, the same whenever the mail is tried again.
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teacher.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    # As the event says: a year, a last day, a reason.
    why: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment)
    # Not tried before: a lease, or the patience after a failure.
    next_attempt_at: Mapped[datetime] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    # Since when nobody tries any more, and the mail server's status code for it.
    parked_at: Mapped[datetime | None] = mapped_column(Moment)
    parked_reason: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (Index("ix_notice_next_attempt_at", "next_attempt_at"),)
