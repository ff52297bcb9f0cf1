"""For anyone: what the card gives, as a page to search in and as JSON.

Nobody is logged in here and nothing of the question is kept; a postcode says only roughly
where somebody looks from.
"""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.api.deps import House, Now, TheHouse, page
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.benefits.model import Category
from app.benefits.postal_regions import position
from app.benefits.search import Found, Wanted, search
from app.cards.card_year import belgian_day
from app.provinces import Province
from app.web.benefit_texts import PAGE_SIZE, BenefitsPage

router = APIRouter(tags=["anyone"])
pages = APIRouter(tags=["anyone"], include_in_schema=False)

MAX_AGE_S = 300


def _nothing_if_empty(value: object) -> object:
    return value or None


# A form sends a field that was left empty as an empty text.
EMPTY = Literal[""]
AnyCategory = Annotated[
    Category | None,
    BeforeValidator(_nothing_if_empty, json_schema_input_type=Category | EMPTY | None),
]
AnyProvince = Annotated[
    Province | None,
    BeforeValidator(_nothing_if_empty, json_schema_input_type=Province | EMPTY | None),
]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, as the address says it."""

    q: Annotated[str, Query(max_length=100, description="Words, in any language.")] = ""
    category: Annotated[AnyCategory, Query()] = None
    province: Annotated[AnyProvince, Query(description="ISO 3166-2.")] = None
    near: Annotated[
        str,
        Query(pattern=r"^([1-9][0-9]{3})?$", description="A Belgian postcode: the nearest first."),
    ] = ""

    def wanted(self, *, offset: int, limit: int) -> Wanted:
        """The same for the search."""
        return Wanted(
            words=self.q,
            category=self.category,
            province=self.province,
            near=position(self.near),
            offset=offset,
            limit=limit,
        )


TheQuestion = Annotated[Question, Depends()]


class PlaceAnswer(BaseModel):
    """Where an offer holds; the distance in kilometres from the middle of a postal region."""

    model_config = ConfigDict(from_attributes=True)

    town: str
    postcode: str
    province: Province
    distance_km: Annotated[float, Field(ge=0)] | None


class BenefitAnswer(BaseModel):
    """An offer in the partner's own words, by language; Dutch is always there.

    Without places it holds online or everywhere. `id` is the `benefit_id` of a verification.
    """

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    partner: str
    category: Category
    title: dict[str, str]
    terms: dict[str, str]
    website: str | None
    ends_on: date | None
    places: list[PlaceAnswer]


class BenefitsAnswer(BaseModel):
    """One page of the offers that hold today, and how many there are in all."""

    total: int
    benefits: list[BenefitAnswer]


@router.get("/api/v1/benefits", responses=PROBLEM_RESPONSES)
def benefits(
    request: Request,
    response: Response,
    house: TheHouse,
    now: Now,
    question: TheQuestion,
    *,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = PAGE_SIZE,
) -> BenefitsAnswer:
    """What partners offer to whoever shows the card."""
    response.headers["cache-control"] = f"public, max-age={MAX_AGE_S}"
    wanted = question.wanted(offset=offset, limit=limit)
    total, found = _search(request, house, wanted, on=belgian_day(now))
    return BenefitsAnswer(
        total=total, benefits=[BenefitAnswer.model_validate(one) for one in found]
    )


@pages.get("/benefits")
def benefits_page(
    request: Request,
    house: TheHouse,
    now: Now,
    question: TheQuestion,
    number: Annotated[int, Query(alias="page", ge=1, le=400)] = 1,
) -> HTMLResponse:
    """The same to read and to search in."""
    wanted = question.wanted(offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    total, found = _search(request, house, wanted, on=belgian_day(now))
    shown = BenefitsPage(
        total=total,
        found=tuple(found),
        words=question.q,
        category=question.category,
        province=question.province,
        near=question.near,
        near_known=not question.near or wanted.near is not None,
        number=number,
    )
    return page(request, "benefits.html", page=shown)


def _search(request: Request, house: House, wanted: Wanted, *, on: date) -> tuple[int, list[Found]]:
    house.limits.count("benefits", address(request))
    with house.database.reading() as session:
        return search(session, wanted, on=on)
