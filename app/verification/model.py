"""Till, its keys and enrolments, and Scan: who may ask for a verdict, and every verdict given.

A `Scan` holds what counting and single use need. Its link to the card is cut after its
term; the row then says only that a partner made a check.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Identified, Moment
from app.partners import Partner

# The scans that later verdicts look at: uses, and guesses at rotating digits.
REMEMBERED = text("valid OR cause = 'wrong_digits'")
# The uses that no counter has yet.
UNCOUNTED = text("valid AND NOT test AND counted_at IS NULL")


class Till(Identified, Base):
    """A place where cards are shown; coordinates (WGS 84, degrees) where the partner gave them."""

    __tablename__ = "till"

    partner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("partner.id"))
    name: Mapped[str] = mapped_column(String(120))
    postcode: Mapped[str | None] = mapped_column(String(4))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(Moment)

    partner: Mapped[Partner] = relationship()

    __table_args__ = (UniqueConstraint("partner_id", "name"),)


class TillKey(Base):
    """A till's secret, kept only as SHA-256: 256 random bits need no slow hash."""

    __tablename__ = "till_key"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    till_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("till.id"), index=True)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    test: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)

    till: Mapped[Till] = relationship()


class Enrolment(Base):
    """A one-time code with which a device becomes a till, kept only as SHA-256."""

    __tablename__ = "enrolment"

    code_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    till_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("till.id"), index=True)
    test: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)

    till: Mapped[Till] = relationship()


class WebshopCode(Base):
    """A code that a holder drew for one purchase from afar, kept only as SHA-256."""

    __tablename__ = "webshop_code"

    code_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    card_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("card.id"), index=True)
    # The only partner who may use it, where the holder named one.
    partner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("partner.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Scan(Identified, Base):
    """One verdict, stored before it was answered; `id` is the verification id.

    `at` is the moment that was judged: of a check made without a network, when the till made it
    and not when it came in. Ids follow the order of storing.
    """

    __tablename__ = "scan"

    partner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("partner.id"))
    till_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("till.id"))
    card_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("card.id"))
    pass_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("wallet_pass.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    channel: Mapped[str] = mapped_column(String(12))
    # One of `cards.token.Carrier`; nothing for a typed card number and for what could not be read.
    carrier: Mapped[int | None] = mapped_column(SmallInteger)
    valid: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(20))
    # What partners are not told: which status, or how a reference failed.
    cause: Mapped[str] = mapped_column(String(20))
    grade: Mapped[str | None] = mapped_column(String(8))
    advice: Mapped[str] = mapped_column(String(64), default="")
    test: Mapped[bool] = mapped_column(default=False)
    code_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    # Web: issued_at; Google: the step.
    accepted_moment: Mapped[int | None] = mapped_column(BigInteger)
    # When the counters got this use, or passed it over; only then may its link to the card go.
    counted_at: Mapped[datetime | None] = mapped_column(Moment)
    # For the partner's own counts.
    benefit_id: Mapped[uuid.UUID | None]
    # A check made without a network: when it came in, and the till's own name for it.
    uploaded_at: Mapped[datetime | None] = mapped_column(Moment)
    nonce: Mapped[uuid.UUID | None]
    # Taken back by its till: no use, though the code stays used.
    voided_at: Mapped[datetime | None] = mapped_column(Moment)

    till: Mapped[Till] = relationship()

    __table_args__ = (
        Index("ix_scan_card_id_at", "card_id", "at"),
        Index(
            "ix_scan_remembered",
            "card_id",
            "at",
            sqlite_where=REMEMBERED,
            postgresql_where=REMEMBERED,
        ),
        Index("ix_scan_partner_id_at", "partner_id", "at"),
        Index("ix_scan_uncounted", "at", sqlite_where=UNCOUNTED, postgresql_where=UNCOUNTED),
        Index(
            "uq_scan_upload",
            "till_id",
            "nonce",
            unique=True,
            sqlite_where=text("nonce IS NOT NULL"),
            postgresql_where=text("nonce IS NOT NULL"),
        ),
    )
