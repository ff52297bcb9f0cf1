"""OfficeCase, a look at a person; the other tables are what waits for a decision of two people."""

import uuid
from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.cards.model import Teacher
from app.db import Base, Identified, Moment


class OfficeCase(Identified, Base):
    """A person's record as one official opened it; nobody else sees it by this number."""

    __tablename__ = "office_case"

    teacher_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Teacher.id, ondelete="CASCADE"), index=True
    )
    # The subject of the official's log-in.
    opened_by: Mapped[str] = mapped_column(String(255))
    # As every entry of the record of acts repeats it: a word of `Purpose` and a reference.
    purpose: Mapped[str] = mapped_column(String(200))
    opened_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Proposal(Identified, Base):
    """What one official wants done to a person, and what another one said to it."""

    __tablename__ = "office_proposal"

    # One of `proposals.Kind`.
    kind: Mapped[str] = mapped_column(String(16))
    teacher_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Teacher.id, ondelete="CASCADE"), index=True
    )
    # Of a right by hand: its last day.
    until: Mapped[date | None]
    why: Mapped[str] = mapped_column(String(200))
    # Subjects of the log-in; the name is for the colleague who wants to ask.
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposer_name: Mapped[str] = mapped_column(String(200))
    proposed_at: Mapped[datetime] = mapped_column(Moment, index=True)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    approved: Mapped[bool | None]

    __table_args__ = (
        # The database itself lets nobody approve what they proposed.
        CheckConstraint("NOT approved OR decided_by <> proposed_by", name="two_people"),
        Index(
            "uq_office_proposal_open",
            "teacher_id",
            "kind",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )


class KeyRevocation(Identified, Base):
    """A token key that one official wants refused for good, and what another one said to it."""

    __tablename__ = "key_revocation"

    # Of the key ring, which is no table.
    key_id: Mapped[int] = mapped_column(SmallInteger)
    why: Mapped[str] = mapped_column(String(200))
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposer_name: Mapped[str] = mapped_column(String(200))
    proposed_at: Mapped[datetime] = mapped_column(Moment)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    approved: Mapped[bool | None]
    # When the key ring said so.
    done_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        CheckConstraint("NOT approved OR decided_by <> proposed_by", name="two_people"),
        Index(
            "uq_key_revocation_open",
            "key_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )


class PartnerApplication(Identified, Base):
    """An enterprise that asks to be a partner, and what the card office said to it."""

    __tablename__ = "partner_application"

    enterprise: Mapped[str] = mapped_column(String(10), index=True)
    name: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(12))
    email: Mapped[str] = mapped_column(String(254))
    # What it means to give to whoever shows the card.
    offer: Mapped[str] = mapped_column(String(500))
    # Postcode and name of each place; they become its tills.
    places: Mapped[list[tuple[str, str]]] = mapped_column(JSON)
    # Subjects of the log-in; the name is for the card office that wants to ask.
    applied_by: Mapped[str] = mapped_column(String(255))
    applicant_name: Mapped[str] = mapped_column(String(200))
    applied_at: Mapped[datetime] = mapped_column(Moment)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    approved: Mapped[bool | None]
    # What the applicant reads.
    why: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        CheckConstraint("NOT approved OR decided_by <> applied_by", name="two_people"),
        Index(
            "uq_partner_application_open",
            "enterprise",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )
