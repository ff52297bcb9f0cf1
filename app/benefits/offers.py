"""How offers come in: a partner's own list, each known by the partner's reference.

Reads a file of JSON lines and judges all of it before anything is stored. A line that is there
again replaces what it was before, under the same number, so that counts of its use go on;
what is missing from the file stays, and ends by its own last day.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.benefits.folding import fold
from app.benefits.model import Benefit, BenefitPlace, Category
from app.db import uuid7
from app.errors import NotFound
from app.partners import Partner
from app.provinces import province

MAX_TEXT = 500
MAX_TOWN = 80


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a sign that cannot be shown")
    return text


Printable = AfterValidator(_printable)
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT), Printable
]


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

    town: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOWN), Printable]
    postcode: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}$")]
    latitude: Annotated[float, Field(ge=49.4, le=51.6)]
    longitude: Annotated[float, Field(ge=2.5, le=6.5)]


class Content(BaseModel):
    """What an offer says: of what, in which words, from when to when and where."""

    model_config = ConfigDict(extra="forbid")

    category: Category
    title: Translated
    terms: Translated
    website: Annotated[HttpUrl, Field(max_length=300)] | None = None
    begins_on: date | None = None
    ends_on: date | None = None
    places: Annotated[list[OfferedPlace], Field(max_length=500)] = []

    @field_validator("ends_on")
    @classmethod
    def _ends_after_it_begins(cls, ends_on: date | None, info: ValidationInfo) -> date | None:
        begins_on = info.data.get("begins_on")
        if ends_on and begins_on and ends_on < begins_on:
            raise ValueError("lies before the day it begins")
        return ends_on


class Offer(Content):
    """One line of a partner's list."""

    partner: str
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]


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
    write(benefit, offer, partner=partner, now=now)
    return benefit


def write(benefit: Benefit, content: Content, *, partner: Partner, now: datetime) -> None:
    """Have an offer of a partner say this, and nothing of what it said before."""
    benefit.category = content.category
    benefit.title = content.title.model_dump(exclude_none=True)
    benefit.terms = content.terms.model_dump(exclude_none=True)
    benefit.website = str(content.website) if content.website else None
    benefit.begins_on, benefit.ends_on = content.begins_on, content.ends_on
    benefit.changed_at = now
    benefit.places = [_place(place, on=now.date()) for place in content.places]
    words = [partner.name, *benefit.title.values(), *benefit.terms.values()]
    benefit.folded = fold(" ".join([*words, *(place.town for place in benefit.places)]))


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
