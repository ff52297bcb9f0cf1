"""Teacher, Card, CardEvent and WalletPass: what is kept, and which of it is unique.

The database itself guards the two promises that no race may break: one card in force per
teacher, one pass per wallet of a card. Status changes and new codes go through
`lifecycle`; nothing else writes these rows, except `passes` (what phones have
confirmed, the number of a web pass that moves), `verification` (the last accepted moment) and
`notices` (a teacher's address, what was told).
"""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cards.entitlement import CardStatus, EntitlementReason
from app.db import Base, Identified, Moment

# The pepper of a pseudonym that is nobody's any more.
NO_PEPPER = 0
# The cards of which the statistics do not know everything yet.
UNCOUNTED = text("NOT test AND (counted_year IS NULL OR counted_year < year)")

# The events that nobody has looked at yet who tells holders of them (`app.notices`).
UNTOLD = text("untold")


class Teacher(Identified, Base):
    """A person known by the pseudonym of the national number, and by nothing else.

    The name, from the log-in, and the address for notices are kept only while a card exists, under
    the teacher's own data key (`own_key`): dropping that erases both everywhere, backups included.
    """

    __tablename__ = "teacher"

    insz_pseudonym: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    pepper_id: Mapped[int] = mapped_column(SmallInteger)
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    # For notices (`app.notices`), which alone reads and writes it.
    address: Mapped[bytes | None] = mapped_column(LargeBinary)
    entitled: Mapped[bool | None]
    entitlement_reason: Mapped[str | None] = mapped_column(String(32))
    # When the personnel file last answered about this person, whatever it said.
    heard_at: Mapped[datetime | None] = mapped_column(Moment)
    # The day on which time alone may change the entitlement; the worker looks again then.
    review_on: Mapped[date | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    # When the person was forgotten (`forgetting`); what is said of them after that is not kept.
    erased_at: Mapped[datetime | None] = mapped_column(Moment)
    # Since when this person gets no card, whatever the rules say, and what a person gave as reason.
    barred_at: Mapped[datetime | None] = mapped_column(Moment)
    barred_why: Mapped[str | None] = mapped_column(String(64))

    cards: Mapped[list["Card"]] = relationship(back_populates="teacher", order_by="Card.created_at")

    @property
    def in_grace(self) -> bool:
        """Whether a card stays valid for now, although the work behind it ended."""
        return self.entitlement_reason == EntitlementReason.GRACE


class Card(Identified, Base):
    """A right to show the card in one or more card years; a lost card is followed by a new one."""

    __tablename__ = "card"

    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teacher.id"), index=True)
    number: Mapped[str] = mapped_column(String(10), unique=True)
    status: Mapped[CardStatus] = mapped_column(
        Enum(
            CardStatus,
            name="status",
            native_enum=False,
            create_constraint=True,
            length=10,
            values_callable=lambda states: [state.value for state in states],
        )
    )
    # Why the status is what it is: an entitlement's reason, or what a person gave.
    status_reason: Mapped[str] = mapped_column(String(64))
    test: Mapped[bool] = mapped_column(default=False)
    # Two letters packed as card-token section 2 says; 0 where withheld.
    initials: Mapped[int] = mapped_column(SmallInteger)
    valid_from: Mapped[datetime] = mapped_column(Moment)
    year: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(Moment)
    # The card year up to which the statistics know this card; None asks them to look again.
    counted_year: Mapped[int | None] = mapped_column(SmallInteger)

    teacher: Mapped[Teacher] = relationship(back_populates="cards")
    passes: Mapped[list["WalletPass"]] = relationship(
        back_populates="card", order_by="WalletPass.carrier"
    )
    events: Mapped[list["CardEvent"]] = relationship(order_by="CardEvent.id")

    __table_args__ = (
        Index(
            "uq_card_in_force",
            "teacher_id",
            unique=True,
            sqlite_where=text("status IN ('active', 'suspended')"),
            postgresql_where=text("status IN ('active', 'suspended')"),
        ),
        Index("ix_card_uncounted", "id", sqlite_where=UNCOUNTED, postgresql_where=UNCOUNTED),
    )


class CardEvent(Identified, Base):
    """What happened to a card, why and when; only ever appended.

    `untold` until it was seen whether the holder wants to hear of it.
    """

    __tablename__ = "card_event"

    card_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("card.id"), index=True)
    what: Mapped[str] = mapped_column(String(32))
    why: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment)
    untold: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        Index("ix_card_event_untold", "id", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
    )


class WalletPass(Identified, Base):
    """One card on one carrier: its code's generation and what the phones have of it.

    `pass_number` is sealed inside the code and goes nowhere else; `serial` is the public,
    equally random name towards Apple and Google. `revision` rises with every change that a
    phone should see; delivery brings into line every pass whose `pushed_revision` lags.
    """

    __tablename__ = "wallet_pass"

    card_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("card.id"))
    # One of `token.Carrier`.
    carrier: Mapped[int] = mapped_column(SmallInteger)
    pass_number: Mapped[int] = mapped_column(BigInteger, unique=True)
    serial: Mapped[str] = mapped_column(String(32), unique=True)
    key_id: Mapped[int] = mapped_column(SmallInteger, index=True)
    # The secret behind an Apple pass's authentication token, which may never change.
    pass_secret_id: Mapped[int] = mapped_column(SmallInteger)
    generation: Mapped[int] = mapped_column(BigInteger, default=1)
    # The whole hour in which this generation began (Unix seconds): the code's issued_at.
    code_issued_at: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger, default=1)
    revised_at: Mapped[datetime] = mapped_column(Moment)
    pushed_revision: Mapped[int] = mapped_column(BigInteger, default=0)
    # Since when its codes count for nothing: at the latest since its card is revoked or ended.
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    # What every device (Apple) or the accepted object (Google) has, and since when.
    confirmed_generation: Mapped[int | None] = mapped_column(BigInteger)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    # Live codes count once and in order: web issued_at, Google step.
    last_accepted: Mapped[int | None] = mapped_column(BigInteger)
    rotation_due_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    # When it was first seen on a phone, on a page or on paper.
    activated_at: Mapped[datetime | None] = mapped_column(Moment)

    card: Mapped[Card] = relationship(back_populates="passes")

    __table_args__ = (
        UniqueConstraint("card_id", "carrier"),
        CheckConstraint("carrier BETWEEN 1 AND 4", name="carrier"),
        # For codes that grow old, which are looked for all the time.
        Index(
            "ix_wallet_pass_code_issued_at",
            "carrier",
            "code_issued_at",
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index(
            "ix_wallet_pass_lagging",
            "carrier",
            "revised_at",
            sqlite_where=text("pushed_revision < revision"),
            postgresql_where=text("pushed_revision < revision"),
        ),
    )


class IssueStop(Base):
    """While its one row is there, nobody gets a first card (`stopping`)."""

    __tablename__ = "issue_stop"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    since: Mapped[datetime] = mapped_column(Moment)
    why: Mapped[str] = mapped_column(String(200))
