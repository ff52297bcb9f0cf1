"""How offers come in: a partner's own list, each known by the partner's reference.

Reads a file of JSON lines and judges all of it before anything is stored. A line that is there
again replaces what it was before, under the same number, so that counts of its use go on;
what is missing from the file stays, and ends by its own last day.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.benefits.folding import fold
from app.benefits.model import Benefit, BenefitPlace, Category
from app.db import uuid7
from app.errors import NotFound
from app.partners import Partner
from app.provinces import province

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Translated(BaseModel):
    """A text in Dutch and, where the partner has it, in the other languages."""

    model_config = ConfigDict(extra="forbid")

    nl: Text
    fr: Text | None = None
    en: Text | None = None
    de: Text | None = None


class OfferedPlace(BaseModel):
    """Where an offer holds."""

    model_config = ConfigDict(extra="forbid")

    town: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    postcode: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}$")]
    latitude: Annotated[float, Field(ge=49.4, le=51.6)]
    longitude: Annotated[float, Field(ge=2.5, le=6.5)]


class Offer(BaseModel):
    """One line of a partner's list."""

    model_config = ConfigDict(extra="forbid")

    partner: str
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    category: Category
    title: Translated
    terms: Translated
    website: Annotated[HttpUrl, Field(max_length=300)] | None = None
    begins_on: date | None = None
    ends_on: date | None = None
    places: Annotated[list[OfferedPlace], Field(max_length=500)] = []


def read(lines: Iterable[str]) -> list[Offer]:
    """The offers of a file; ValueError names every line that is not one, and why."""
    offers, faults = [], []
    for number, line in enumerate(lines, start=1):
        try:
            offers.append(Offer.model_validate_json(line))
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            faults.append(f"line {number}: {where}: {fault['msg']}")
    if faults:
        raise ValueError("\n".join(faults))
    return offers


def keep(session: Session, offer: Offer, *, now: datetime) -> Benefit:
    """Store an offer, or bring the one of this reference up to date."""
    partner = session.scalars(select(Partner).where(Partner.name == offer.partner)).one_or_none()
    if partner is None:
        raise NotFound(f"There is no partner named {offer.partner}.")
    known = select(Benefit).where(
        Benefit.partner_id == partner.id, Benefit.reference == offer.reference
    )
    benefit = session.scalars(known).one_or_none()
    if benefit is None:
        benefit = Benefit(id=uuid7(), partner_id=partner.id, reference=offer.reference)
        session.add(benefit)
    benefit.category = offer.category
    benefit.title = offer.title.model_dump(exclude_none=True)
    benefit.terms = offer.terms.model_dump(exclude_none=True)
    benefit.website = str(offer.website) if offer.website else None
    benefit.begins_on, benefit.ends_on = offer.begins_on, offer.ends_on
    benefit.changed_at = now
    benefit.places = [_place(place, on=now.date()) for place in offer.places]
    words = [partner.name, *benefit.title.values(), *benefit.terms.values()]
    benefit.folded = fold(" ".join([*words, *(place.town for place in benefit.places)]))
    return benefit


def _place(place: OfferedPlace, *, on: date) -> BenefitPlace:
    lies_in = province(place.postcode, on)
    assert lies_in is not None  # noqa: S101 - the form of the postcode was checked
    return BenefitPlace(
        town=place.town,
        postcode=place.postcode,
        province=lies_in,
        latitude=place.latitude,
        longitude=place.longitude,
    )
