"""Finding offers: by words, kind and province, the nearest first.

Knows the SQL, the same on both databases; distances are reckoned on a flat Belgium, which is
wrong by less than a hundredth. Only what holds today is found, of partners that still take part.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import cos, radians, sqrt

from sqlalchemy import ColumnElement, Float, Select, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.benefits.folding import fold
from app.benefits.model import Benefit, BenefitPlace, Category
from app.benefits.postal_regions import Position
from app.partners import Partner
from app.provinces import Province

DEGREE_KM = 111.2
MAX_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for; an empty value asks for nothing in particular."""

    words: str = ""
    category: Category | None = None
    province: Province | None = None
    near: Position | None = None
    offset: int = 0
    limit: int = 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where an offer holds; `distance_km` only when somebody asked from somewhere."""

    town: str
    postcode: str
    province: Province
    distance_km: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An offer with its places, the nearest first."""

    id: uuid.UUID
    partner: str
    category: Category
    title: dict[str, str]
    terms: dict[str, str]
    website: str | None
    ends_on: date | None
    places: tuple[Place, ...]


def search(session: Session, wanted: Wanted, *, on: date) -> tuple[int, list[Found]]:
    """How many offers there are, and those of one page."""
    holding = select(Benefit.id).join(Benefit.partner).where(*_conditions(wanted, on))
    total = session.scalar(select(func.count()).select_from(holding.subquery())) or 0
    page = _ordered(holding, wanted).offset(wanted.offset).limit(wanted.limit)
    ids = session.scalars(page).all()
    rows = (
        select(Benefit)
        .where(Benefit.id.in_(ids))
        .options(joinedload(Benefit.partner), selectinload(Benefit.places))
    )
    benefits = {benefit.id: benefit for benefit in session.scalars(rows)}
    return total, [_found(benefits[one], wanted.near) for one in ids]


def _conditions(wanted: Wanted, on: date) -> Sequence[ColumnElement[bool]]:
    conditions = [
        Partner.stopped_at.is_(None),
        or_(Benefit.begins_on.is_(None), Benefit.begins_on <= on),
        or_(Benefit.ends_on.is_(None), Benefit.ends_on >= on),
    ]
    conditions += [
        Benefit.folded.contains(word)  # folded, so no sign of a pattern is left in it
        for word in fold(wanted.words).split()[:MAX_WORDS]
    ]
    if wanted.category:
        conditions.append(Benefit.category == wanted.category)
    if wanted.province:
        # An offer without a place holds in every province.
        there = exists().where(
            BenefitPlace.benefit_id == Benefit.id, BenefitPlace.province == wanted.province
        )
        conditions.append(or_(there, ~exists().where(BenefitPlace.benefit_id == Benefit.id)))
    return conditions


def _ordered(holding: Select[uuid.UUID], wanted: Wanted) -> Select[uuid.UUID]:
    if wanted.near is None:
        return holding.order_by(Partner.name, Benefit.id)
    nearest = (
        select(func.min(_squared_km(wanted.near)))
        .where(BenefitPlace.benefit_id == Benefit.id)
        .scalar_subquery()
    )
    return holding.order_by(nearest.is_(None), nearest, Partner.name, Benefit.id)


def _squared_km(near: Position) -> ColumnElement[float]:
    north = (BenefitPlace.latitude - near.latitude) * DEGREE_KM
    east = (BenefitPlace.longitude - near.longitude) * (DEGREE_KM * cos(radians(near.latitude)))
    return (north * north + east * east).cast(Float)


def _found(benefit: Benefit, near: Position | None) -> Found:
    places = [
        Place(place.town, place.postcode, place.province, near and _distance_km(place, near))
        for place in benefit.places
    ]
    return Found(
        id=benefit.id,
        partner=benefit.partner.name,
        category=benefit.category,
        title=benefit.title,
        terms=benefit.terms,
        website=benefit.website,
        ends_on=benefit.ends_on,
        places=tuple(sorted(places, key=lambda place: (place.distance_km or 0, place.postcode))),
    )


def _distance_km(place: BenefitPlace, near: Position) -> float:
    north = (place.latitude - near.latitude) * DEGREE_KM
    east = (place.longitude - near.longitude) * DEGREE_KM * cos(radians(near.latitude))
    return sqrt(north * north + east * east)
