"""For a partner's own people: apply, then make tills, keys and codes, and see the own counts.

A secret is shown once, on the page that made it, and never kept. What belongs to another partner
does not exist here.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session

from app.api import counts, offers
from app.api.counts import First, Last
from app.api.offers import OfferDesk
from app.api.partner_desk import Acting, AtPartner, Looking
from app.benefits.model import Category
from app.identity import clients
from app.identity.clients import Scope
from app.office import applications
from app.office.applications import Asked, Unfit
from app.partners import Partner
from app.passes import qr
from app.verification import enrolment, own_counts, partners
from app.verification.partners import Place
from app.verification.verdict import Channel
from app.web.office_partner_texts import NewSecretPage
from app.web.partner_texts import ApplyPage, CountsPage, OwnPage

router = APIRouter(prefix="/partner", tags=["partner desk"], include_in_schema=False)

Name = Annotated[str, Form(min_length=1, max_length=120)]
Postcode = Annotated[str, Form(pattern="^([1-9][0-9]{3})?$")]
Answer = Annotated[str, Form(max_length=4_000)]
HOME = "/partner"


@router.get("")
def home(desk: Looking) -> HTMLResponse:
    """Where things stand: an application, or the partner with its tills."""
    with desk.house.database.reading() as session:
        partner = partners.partner_of_enterprise(session, desk.enterprise)
        if partner is None:
            last = applications.newest(session, desk.enterprise)
            return desk.page("partner_apply.html", ApplyPage(last))
        value = OwnPage(
            partner=partner,
            tills=tuple(partners.tills_of(session, partner.id)),
            clients=tuple(clients.of_partner(session, partner.id)),
        )
    return desk.page("partner.html", value)


@router.post("/applications", response_model=None)
def apply(
    desk: Acting,
    *,
    name: Answer,
    category: Annotated[Category, Form()],
    channel: Annotated[Channel, Form()],
    email: Answer,
    places: Answer,
    offer: Answer,
) -> HTMLResponse | RedirectResponse:
    """Ask the card office to be a partner; a form that is not complete comes back as it was."""
    desk.house.limits.count("application", desk.enterprise)
    typed = {"name": name, "email": email, "places": places, "offer": offer}
    try:
        asked = Asked.read(**typed, category=category, channel=channel)
    except Unfit as unfit:
        typed |= {"category": category, "channel": channel}
        return desk.page("partner_apply.html", ApplyPage(None, typed, unfit.fault), status=422)
    desk.house.database.transact(
        lambda session: applications.apply(
            session,
            asked,
            enterprise=desk.enterprise,
            applicant=desk.official.name,
            desk=desk.desk,
            now=desk.now,
        )
    )
    return RedirectResponse(HOME, 303)


@router.post("/tills")
def add_till(desk: Acting, name: Name, postcode: Postcode = "") -> RedirectResponse:
    """One more till."""

    def work(session: Session, partner: Partner) -> None:
        place = Place(postcode or None)
        partners.add_till(session, partner, name.strip(), place=place, now=desk.now)

    desk.change("till.add", work, till=name.strip())
    return RedirectResponse(HOME, 303)


@router.post("/tills/{till_id}/code")
def enrol(desk: Acting, till_id: uuid.UUID) -> HTMLResponse:
    """A code with which a device becomes this till; shown this once."""

    def work(session: Session, partner: Partner) -> tuple[str, str]:
        till = partners.till_of(session, partner.id, till_id)
        return till.name, enrolment.new_code(session, till, test=False, now=desk.now)

    name, code = desk.change("till.code", work, till=str(till_id))
    link = f"{desk.house.public_url}/scanner#enrol={code}"
    return _secret(desk, name, code, drawing=qr.drawing(link))


@router.post("/tills/{till_id}/key")
def make_key(
    desk: Acting, till_id: uuid.UUID, *, test: Annotated[bool, Form()] = False
) -> HTMLResponse:
    """A key for a till's own software, beside one that it replaces; shown this once."""

    def work(session: Session, partner: Partner) -> tuple[str, str]:
        till = partners.till_of(session, partner.id, till_id)
        return till.name, partners.hand_out_key(session, till, test=test, now=desk.now)

    kind = "test" if test else "live"
    name, key = desk.change("till.key", work, till=str(till_id), kind=kind)
    return _secret(desk, name, key)


@router.post("/keys/{key_id}/revoke")
def revoke_key(desk: Acting, key_id: str) -> RedirectResponse:
    """Refuse a key from the next request on."""

    def work(session: Session, partner: Partner) -> None:
        key = partners.key_of(session, partner.id, key_id)
        partners.revoke_key(session, key.id, now=desk.now)

    desk.change("till.key.revoke", work, key=key_id)
    return RedirectResponse(HOME, 303)


@router.post("/clients")
def add_client(desk: Acting) -> HTMLResponse:
    """An OAuth client for a webshop's software, with a secret; shown this once."""
    client_id = clients.new_client_id()

    def work(session: Session, partner: Partner) -> str:
        clients.add_client(
            session,
            client_id,
            scopes=[Scope.VERIFICATIONS_WRITE],
            partner_id=partner.id,
            now=desk.now,
        )
        return clients.add_secret(session, client_id, now=desk.now)

    secret = desk.change("client.add", work, client=client_id)
    return _secret(desk, client_id, secret)


@router.post("/clients/{client_id}/revoke")
def revoke_client(desk: Acting, client_id: str) -> RedirectResponse:
    """Refuse a client from the next request on."""

    def work(session: Session, partner: Partner) -> None:
        own = clients.client_of_partner(session, partner.id, client_id)
        clients.revoke(session, own.id, now=desk.now)

    desk.change("client.revoke", work, client=client_id)
    return RedirectResponse(HOME, 303)


@router.get("/counts")
def counted(desk: Looking, first: First = None, last: Last = None) -> HTMLResponse:
    """What all the own tills checked; up to a year, the last 30 days if nothing else is asked."""
    first, last = counts.period(first, last, now=desk.now)
    with desk.house.database.reading() as session:
        partner_id = desk.partner(session).id
    found = own_counts.rows(desk.house.database, partner_id, first, last, test=False)
    value = CountsPage(first=first, last=last, lines=tuple(found))
    return desk.page("partner_counts.html", value)


@router.get("/counts.csv")
def counted_as_file(desk: Looking, first: First = None, last: Last = None) -> StreamingResponse:
    """The same for a spreadsheet."""
    first, last = counts.period(first, last, now=desk.now)
    with desk.house.database.reading() as session:
        partner_id = desk.partner(session).id
    return counts.file(desk.house.database, partner_id, first, last, test=False)


def _secret(
    desk: AtPartner, name: str, secret: str, *, drawing: qr.Drawing | None = None
) -> HTMLResponse:
    lives = enrolment.LIFETIME if drawing else None
    value = NewSecretPage(back=HOME, till=name, secret=secret, drawing=drawing, lives=lives)
    return desk.page("partner_secret.html", value)


def _offers(desk: AtPartner) -> OfferDesk:
    return OfferDesk(
        path=f"{HOME}/benefits",
        database=desk.house.database,
        partner=desk.partner,
        change=desk.change,
        page=desk.page,
        of_office=False,
        may_change=True,
        now=desk.now,
    )


def _looking(desk: Looking) -> OfferDesk:
    return _offers(desk)


def _acting(desk: Acting) -> OfferDesk:
    return _offers(desk)


router.include_router(
    offers.routes(looking=Depends(_looking), asking=Depends(_looking), acting=Depends(_acting)),
    prefix="/benefits",
)
