"""DeviceRegistration, LiveDevice, GoogleHolding, PassDelivery: who has a pass, what is underway.

What phones have confirmed is written back to `WalletPass`, so that verification reads no table
of this room. A delivery row exists only while something is due or went wrong.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, Moment


class DeviceRegistration(Identified, Base):
    """One device that wants to hear about one pass (PassKit Web Service)."""

    __tablename__ = "device_registration"

    # Chosen by the device; whoever knows it may ask for that device's passes, so it is a secret.
    device_library_identifier: Mapped[str] = mapped_column(String(100))
    pass_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wallet_pass.id"), index=True)
    push_token: Mapped[str] = mapped_column(String(200), index=True)
    registered_at: Mapped[datetime] = mapped_column(Moment)
    # Any request of the device to the web service.
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    # The newest generation this device has fetched, and when it did.
    downloaded_generation: Mapped[int | None] = mapped_column(BigInteger)
    downloaded_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("device_library_identifier", "pass_id"),)


class LiveDevice(Base):
    """The one device that shows a web pass, as the thumbprint of its key (RFC 7638)."""

    __tablename__ = "live_device"

    pass_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True)
    thumbprint: Mapped[str] = mapped_column(String(43))
    since: Mapped[datetime] = mapped_column(Moment)


class GoogleHolding(Base):
    """Whether a Google pass is in somebody's wallet; there is no row before the first word of it.

    Google's callbacks tell, and every answer to an insert or a patch (`hasUsers`).
    """

    __tablename__ = "google_holding"

    pass_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True)
    # The first time that we heard of it being saved; a removal takes nothing back.
    saved_at: Mapped[datetime | None] = mapped_column(Moment)
    held: Mapped[bool] = mapped_column(default=False)
    heard_at: Mapped[datetime] = mapped_column(Moment)
    # The end of the newest callback that counted (Unix ms): an older one says nothing any more.
    newest_ms: Mapped[int] = mapped_column(BigInteger, default=0)


class CallbackNonce(Base):
    """A callback that was taken; kept until it would be refused for its age anyway."""

    __tablename__ = "callback_nonce"

    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_ms: Mapped[int] = mapped_column(BigInteger, index=True)


class NextTurn(Base):
    """The moment of the next call that all processes together may make (`pace.SharedPace`)."""

    __tablename__ = "next_turn"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


class DeliveryRun(Base):
    """How the delivery to one wallet goes, for whoever watches (`progress`)."""

    __tablename__ = "delivery_run"

    carrier: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    begun_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    delivered: Mapped[int] = mapped_column(BigInteger, default=0)
    refused_since: Mapped[datetime | None] = mapped_column(Moment)


class PassDelivery(Base):
    """The state of bringing one pass into line: who is at it, what failed, when to try again."""

    __tablename__ = "pass_delivery"

    pass_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True)
    # A lease, not a lock: after `leased_until` anybody may take over.
    leased_by: Mapped[uuid.UUID | None]
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(Moment)
    # Why nobody tries any more, in the wallet's own word; the card office looks at these.
    parked_reason: Mapped[str | None] = mapped_column(String(64))
    parked_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_pass_delivery_next_attempt_at", "next_attempt_at"),)
