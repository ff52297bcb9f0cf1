"""Benefit and BenefitPlace: what a partner offers, in which words, and where.

An offer without a place holds online or everywhere. `folded` is what a search looks through; it
is written together with the texts it comes from (`offers`), never alone.
"""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Enum, Float, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Identified, Moment
from app.partners import Partner
from app.provinces import Province


class Category(StrEnum):
    """What an offer is about."""

    MUSEUM = "museum"
    HERITAGE = "heritage"
    SCIENCE = "science"
    NATURE = "nature"
    STAGE = "stage"
    BOOKS = "books"
    COMPUTERS = "computers"
    PRESS = "press"
    LIBRARY = "library"
    LEISURE = "leisure"


class Benefit(Identified, Base):
    """One offer of one partner; `reference` is the partner's own name for it."""

    __tablename__ = "benefit"

    partner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Partner.id))
    reference: Mapped[str] = mapped_column(String(60))
    category: Mapped[Category] = mapped_column(
        Enum(
            Category,
            name="category",
            native_enum=False,
            create_constraint=True,
            length=12,
            values_callable=lambda categories: [category.value for category in categories],
        )
    )
    # Language code -> text; Dutch is always there.
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    terms: Mapped[dict[str, str]] = mapped_column(JSON)
    website: Mapped[str | None] = mapped_column(String(300))
    # Whole days in Belgium, both included; None is without such an end.
    begins_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    folded: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Moment)

    partner: Mapped[Partner] = relationship()
    places: Mapped[list["BenefitPlace"]] = relationship(
        cascade="all, delete-orphan", order_by="BenefitPlace.postcode"
    )

    __table_args__ = (UniqueConstraint("partner_id", "reference"),)


class BenefitPlace(Identified, Base):
    """Where an offer holds; WGS 84 degrees."""

    __tablename__ = "benefit_place"

    benefit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Benefit.id), index=True)
    town: Mapped[str] = mapped_column(String(80))
    postcode: Mapped[str] = mapped_column(String(4))
    province: Mapped[Province] = mapped_column(
        Enum(
            Province,
            name="province",
            native_enum=False,
            create_constraint=True,
            length=6,
            values_callable=lambda provinces: [province.value for province in provinces],
        ),
        index=True,
    )
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
