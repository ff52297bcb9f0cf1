"""What is counted of each year: flags on cards, counters, and figures that came from others.

A flag says once for each card and year that it was issued, activated, used; it guards that a
counter rises only once. Published figures read counters and imported figures only, so they stand
when cards, passes and scans are gone. Nothing here names a person but the flags, which go with
the card.
"""

import uuid
from datetime import datetime
from enum import IntFlag, StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, Moment

# In the place of a province where none is known, or the place is abroad.
NOWHERE = ""
# Of a whole, in the place of one of its channels.
ALL = ""


class Measure(StrEnum):
    """What a figure counts."""

    CARDS = "cards_distributed"
    REPLACED = "cards_replaced"
    COLLECTED = "cards_collected"
    ENTITLED = "entitled"
    # Persons, not cards: whoever lost a phone has had two cards in a year and is one holder.
    ISSUED = "holders_issued"
    ACTIVATED = "holders_activated"
    USED = "holders_used"
    USES = "uses"
    WEBSITE = "website_visits"


class Channel(StrEnum):
    """How a card came to its holder, or where it was used; the first three are the old answer's."""

    SUBSCRIPTION = "ABONNEMENT"
    STARTER = "STARTER"
    PICK_UP = "AFHAALPUNT"
    DIGITAL = "DIGITAL"
    # A card may be on several of these, so they do not add up to the digital cards.
    APPLE = "APPLE"
    GOOGLE = "GOOGLE"
    WEB = "WEB"
    PAPER = "PAPER"
    IN_PERSON = "IN_PERSON"
    ONLINE = "ONLINE"


class Basis(StrEnum):
    """Whose place decides the province: the teacher's home, their school, or the partner."""

    HOME = "home"
    WORK = "work"
    PARTNER = "partner"


class Flag(IntFlag):
    """What happened at least once to a card in a year."""

    ISSUED = 1
    ACTIVATED = 2
    USED = 4
    APPLE = 8
    GOOGLE = 16
    WEB = 32
    PAPER = 64


class CardFlags(Identified, Base):
    """The flags of a card in a year, and the provinces in which its holder counts that year."""

    __tablename__ = "card_flags"

    card_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("card.id", ondelete="CASCADE"))
    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teacher.id", ondelete="CASCADE"))
    year: Mapped[int] = mapped_column(SmallInteger)
    flags: Mapped[int] = mapped_column(SmallInteger)
    home_province: Mapped[str] = mapped_column(String(6))
    work_province: Mapped[str] = mapped_column(String(6))

    __table_args__ = (
        UniqueConstraint("card_id", "year"),
        Index("ix_card_flags_teacher_id_year", "teacher_id", "year"),
    )


class Counter(Base):
    """One cell: how many of a measure in a year, by channel and by the province of a basis."""

    __tablename__ = "counter"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    measure: Mapped[str] = mapped_column(String(24), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    basis: Mapped[str] = mapped_column(String(8), primary_key=True)
    province: Mapped[str] = mapped_column(String(6), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class CountedYear(Base):
    """A year that this service counts: what has no counter in it is 0, not unknown.

    Once closed nothing is added any more.
    """

    __tablename__ = "counted_year"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    # The complete snapshot whose persons are this year's entitled; without one they are unknown.
    entitled_at: Mapped[datetime | None] = mapped_column(Moment)


class CountingTurn(Base):
    """The one row that whoever counts holds: of many workers one counts, the others look again."""

    __tablename__ = "counting_turn"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)


class DataSet(Identified, Base):
    """Figures that others counted, as they were imported; a newer version replaces nothing."""

    __tablename__ = "data_set"

    name: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[str] = mapped_column(String(300))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    imported_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("name", "version"),)


class ImportedFigure(Base):
    """One row of a data set, in its place in the file. National where the province is None."""

    __tablename__ = "imported_figure"

    data_set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_set.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    year: Mapped[int] = mapped_column(SmallInteger)
    measure: Mapped[str] = mapped_column(String(24))
    channel: Mapped[str] = mapped_column(String(16))
    province: Mapped[str | None] = mapped_column(String(6))
    value: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(String(300))
