"""Rosters and their lines, and which institution followed which.

A roster belongs to one institution for ever; its lines never change once they were read. National
numbers are sealed, and pseudonyms stand beside them so that one person's lines lie together. A
line that was refused holds nothing of what it said.
"""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, Moment


class RosterState(StrEnum):
    """How far a roster is; only a released one reaches cards."""

    READING = "reading"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RELEASED = "released"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"


class Roster(Identified, Base):
    """One file of one institution, who brought it and who let it through."""

    __tablename__ = "roster"

    institution: Mapped[str] = mapped_column(String(6), index=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    # SHA-256 of the file, in hexadecimal: what the second person releases is what was read.
    digest: Mapped[str] = mapped_column(String(64))
    lines: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    # Subjects of the log-in; two different people, or nothing is released.
    uploaded_by: Mapped[str] = mapped_column(String(255))
    uploaded_at: Mapped[datetime] = mapped_column(Moment)
    submitted_by: Mapped[str | None] = mapped_column(String(255))
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    # The last person whose lines have reached the card; the worker goes on after it.
    applied_after: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class RosterLine(Base):
    """One line of a file: an employment, or the word for what was wrong with it."""

    __tablename__ = "roster_line"

    roster_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("roster.id"), primary_key=True)
    # As a spreadsheet counts: the header is line 1.
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    fault: Mapped[str | None] = mapped_column(String(24))
    pseudonym: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    insz_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    category: Mapped[str | None] = mapped_column(String(24))
    main_structure: Mapped[str | None] = mapped_column(String(3))
    begin: Mapped[date | None]
    end: Mapped[date | None]
    # What the institution itself calls the person by.
    reference: Mapped[str | None] = mapped_column(String(40))

    __table_args__ = (Index("ix_roster_line_person", "roster_id", "pseudonym"),)


class Succession(Base):
    """From a day on an institution goes on under another number."""

    __tablename__ = "institution_succession"

    institution: Mapped[str] = mapped_column(String(6), primary_key=True)
    successor: Mapped[str] = mapped_column(String(6), index=True)
    since: Mapped[date]


class RosterReminder(Base):
    """An institution whose entries end on a day, noted beforehand, once."""

    __tablename__ = "roster_reminder"

    institution: Mapped[str] = mapped_column(String(6), primary_key=True)
    ends_on: Mapped[date] = mapped_column(primary_key=True)
    entries: Mapped[int] = mapped_column(Integer)
    noted_at: Mapped[datetime] = mapped_column(Moment)


def version_at(at: datetime) -> int:
    """What a list says later counts more: milliseconds."""
    return int(at.timestamp() * 1000)
