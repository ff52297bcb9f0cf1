"""What one partner offers, as its own people and the card office see to it: the same pages.

What is added or changed is found at once (docs/decisions/0038). Each desk says who comes in and
how an act gets on record; what belongs to another partner does not exist here.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from app.benefits import own
from app.benefits.model import Category
from app.benefits.offers import write
from app.benefits.own import Unfit
from app.cards.card_year import belgian_day
from app.db import Database, uuid7
from app.partners import Partner
from app.web.offer_texts import OfferPage, OffersPage

Result = TypeVar("Result")
Words = Annotated[str, Form(max_length=1_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferForm:
    """An offer as it was typed."""

    category: Annotated[Category, Form()]
    title_nl: Words
    terms_nl: Words
    title_fr: Words = ""
    title_en: Words = ""
    title_de: Words = ""
    terms_fr: Words = ""
    terms_en: Words = ""
    terms_de: Words = ""
    website: Words = ""
    begins_on: Words = ""
    ends_on: Words = ""
    places: Annotated[str, Form(max_length=50_000)] = ""


TheForm = Annotated[OfferForm, Depends()]


class Change(Protocol):
    """Does something to the partner in one transaction, with its entry in the record of acts."""

    def __call__(
        self, action: str, work: Callable[[Session, Partner], Result], **details: str
    ) -> Result:
        """What the work gives back."""


class Page(Protocol):
    """Makes a page for the person at the desk."""

    def __call__(self, template: str, value: object, *, status: int = 200) -> HTMLResponse:
        """The page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDesk:
    """Somebody who sees to the offers of one partner; `path` is where these pages are."""

    path: str
    database: Database
    partner: Callable[[Session], Partner]
    change: Change
    page: Page
    of_office: bool
    may_change: bool
    now: datetime

    @property
    def today(self) -> date:
        """The day in Belgium."""
        return belgian_day(self.now)

    def form(
        self, benefit_id: uuid.UUID | None, typed: Mapping[str, str], fault: str | None = None
    ) -> HTMLResponse:
        """The form of an offer, new without a number; one that is not complete is a 422."""
        value = OfferPage(
            path=self.path,
            of_office=self.of_office,
            benefit_id=benefit_id,
            typed=typed,
            fault=fault,
        )
        return self.page("offer.html", value, status=422 if fault else 200)

    def back(self) -> RedirectResponse:
        """To the list."""
        return RedirectResponse(self.path, 303)


def routes(*, looking: Any, asking: Any, acting: Any) -> APIRouter:  # noqa: ANN401 - as Depends
    """The routes for one kind of desk; each argument is the dependency that lets it in."""
    router = APIRouter(include_in_schema=False)

    @router.get("")
    def everything(desk: Annotated[OfferDesk, looking]) -> HTMLResponse:
        """All offers, those that ended included."""
        return _everything(desk)

    @router.get("/new")
    def new(desk: Annotated[OfferDesk, asking]) -> HTMLResponse:
        """An empty form."""
        return desk.form(None, {})

    @router.post("", response_model=None)
    def add(desk: Annotated[OfferDesk, acting], form: TheForm) -> HTMLResponse | RedirectResponse:
        """One more offer."""
        return _add(desk, form)

    @router.get("/{benefit_id}")
    def ask(desk: Annotated[OfferDesk, asking], benefit_id: uuid.UUID) -> HTMLResponse:
        """An offer to change."""
        with desk.database.reading() as session:
            benefit = own.one(session, desk.partner(session).id, benefit_id)
            return desk.form(benefit_id, own.typed(benefit))

    @router.post("/{benefit_id}", response_model=None)
    def change(
        desk: Annotated[OfferDesk, acting], benefit_id: uuid.UUID, form: TheForm
    ) -> HTMLResponse | RedirectResponse:
        """Have an offer say something else."""
        return _change(desk, benefit_id, form)

    @router.post("/{benefit_id}/end")
    def end(desk: Annotated[OfferDesk, acting], benefit_id: uuid.UUID) -> RedirectResponse:
        """Find an offer no more."""
        return _end(desk, benefit_id)

    return router


def _everything(desk: OfferDesk) -> HTMLResponse:
    with desk.database.reading() as session:
        partner = desk.partner(session)
        value = OffersPage(
            path=desk.path,
            of_office=desk.of_office,
            may_change=desk.may_change and (desk.of_office or partner.stopped_at is None),
            partner=partner,
            offers=tuple(own.of_partner(session, partner.id)),
            today=desk.today,
        )
    return desk.page("offers.html", value)


def _add(desk: OfferDesk, form: OfferForm) -> HTMLResponse | RedirectResponse:
    try:
        content = own.read(asdict(form))
    except Unfit as unfit:
        return desk.form(None, asdict(form), unfit.field)
    number = uuid7()

    def work(session: Session, partner: Partner) -> None:
        own.add(session, partner, number, content, now=desk.now)

    desk.change("benefit.add", work, benefit=str(number))
    return desk.back()


def _change(
    desk: OfferDesk, benefit_id: uuid.UUID, form: OfferForm
) -> HTMLResponse | RedirectResponse:
    def work(session: Session, partner: Partner) -> None:
        benefit = own.one(session, partner.id, benefit_id, locked=True)
        content = own.read(asdict(form), benefit.places)
        write(benefit, content, partner=partner, now=desk.now)

    try:
        desk.change("benefit.change", work, benefit=str(benefit_id))
    except Unfit as unfit:
        return desk.form(benefit_id, asdict(form), unfit.field)
    return desk.back()


def _end(desk: OfferDesk, benefit_id: uuid.UUID) -> RedirectResponse:
    def work(session: Session, partner: Partner) -> None:
        benefit = own.one(session, partner.id, benefit_id, locked=True)
        own.end(benefit, on=desk.today, now=desk.now)

    desk.change("benefit.end", work, benefit=str(benefit_id))
    return desk.back()
