"""For the card office: partners, their tills and keys, and the switch that stops one.

A secret is shown once, on the page that made it, and never kept. Every change is on record.
"""

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from app.api import office_switches as switches
from app.api.office_desk import AtDesk, Viewing, at_desk
from app.audit import object_of
from app.errors import Conflict
from app.identity.roles import Role
from app.partners import Partner, enterprise_number
from app.passes import qr
from app.verification import enrolment, partners
from app.verification.partners import Place
from app.web.office_partner_texts import NewSecretPage, PartnerPage, PartnersPage

router = APIRouter(prefix="/office/partners", tags=["card office"], include_in_schema=False)

Helping = Annotated[AtDesk, at_desk(Role.SUPPORT, acting=True)]
Switching = Annotated[AtDesk, at_desk(Role.SECURITY, acting=True, step_up=True)]
Name = Annotated[str, Form(min_length=1, max_length=120)]
Postcode = Annotated[str, Form(pattern="^([1-9][0-9]{3})?$")]


@router.get("")
def everybody(desk: Viewing) -> HTMLResponse:
    """All partners."""
    with desk.house.database.reading() as session:
        value = PartnersPage(tuple(partners.listing(session)))
    return desk.page("office_partners.html", value)


@router.post("")
def add(
    desk: Helping,
    name: Name,
    category: Annotated[str, Form(min_length=1, max_length=32)],
    till: Name,
    postcode: Postcode = "",
) -> RedirectResponse:
    """A new partner with its first till."""

    def work(session: Session) -> uuid.UUID:
        partner = partners.add_partner(session, name.strip(), category=category, now=desk.now)
        place = Place(postcode or None)
        partners.add_till(session, partner, till.strip(), place=place, now=desk.now)
        _note(desk, session, "partner.add", partner.id)
        return partner.id

    return RedirectResponse(f"/office/partners/{desk.transact(work)}", 303)


@router.get("/{partner_id}")
def one(desk: Viewing, partner_id: uuid.UUID) -> HTMLResponse:
    """One partner with its tills and keys."""
    with desk.house.database.reading() as session:
        value = PartnerPage(
            partner=partners.partner_of(session, partner_id),
            tills=tuple(partners.tills_of(session, partner_id)),
            helps=desk.official.may(Role.SUPPORT),
            links=desk.official.may(Role.ISSUER),
            switches=desk.official.may(Role.SECURITY),
        )
    return desk.page("office_partner.html", value)


@router.post("/{partner_id}/tills")
def add_till(
    desk: Helping, partner_id: uuid.UUID, name: Name, postcode: Postcode = ""
) -> RedirectResponse:
    """One more till."""

    def work(session: Session) -> None:
        partner = partners.partner_of(session, partner_id)
        place = Place(postcode or None)
        till = partners.add_till(session, partner, name.strip(), place=place, now=desk.now)
        _note(desk, session, "till.add", partner_id, till=str(till.id))

    return _changed(desk, partner_id, work)


@router.post("/{partner_id}/tills/{till_id}/code")
def enrol(desk: Helping, partner_id: uuid.UUID, till_id: uuid.UUID) -> HTMLResponse:
    """A code with which a device becomes this till; shown this once."""

    def work(session: Session) -> tuple[str, str]:
        till = partners.till_of(session, partner_id, till_id)
        _note(desk, session, "till.code", partner_id, till=str(till_id))
        return till.name, enrolment.new_code(session, till, test=False, now=desk.now)

    name, code = desk.transact(work)
    link = f"{desk.house.public_url}/scanner#enrol={code}"
    value = NewSecretPage(
        back=f"/office/partners/{partner_id}",
        till=name,
        secret=code,
        drawing=qr.drawing(link),
        lives=enrolment.LIFETIME,
    )
    return desk.page("office_secret.html", value)


@router.post("/{partner_id}/tills/{till_id}/key")
def make_key(
    desk: Helping,
    partner_id: uuid.UUID,
    till_id: uuid.UUID,
    *,
    test: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """A key for a till's own software; shown this once."""

    def work(session: Session) -> tuple[str, str]:
        till = partners.till_of(session, partner_id, till_id)
        key = partners.hand_out_key(session, till, test=test, now=desk.now)
        _note(
            desk,
            session,
            "till.key",
            partner_id,
            till=str(till_id),
            kind="test" if test else "live",
        )
        return till.name, key

    name, key = desk.transact(work)
    value = NewSecretPage(back=f"/office/partners/{partner_id}", till=name, secret=key)
    return desk.page("office_secret.html", value)


@router.post("/{partner_id}/keys/{key_id}/revoke")
def revoke(desk: Helping, partner_id: uuid.UUID, key_id: str) -> RedirectResponse:
    """Refuse a key from the next request on."""

    def work(session: Session) -> None:
        key = partners.key_of(session, partner_id, key_id)
        partners.revoke_key(session, key.id, now=desk.now)
        _note(desk, session, "till.key.revoke", partner_id, key=key.id)

    return _changed(desk, partner_id, work)


@router.post("/{partner_id}/enterprise")
def link(
    desk: Annotated[AtDesk, at_desk(Role.ISSUER, acting=True, step_up=True)],
    partner_id: uuid.UUID,
    enterprise: Annotated[str, Form(max_length=20)] = "",
) -> RedirectResponse:
    """Let the people of an enterprise see to this partner; an empty number takes that away."""
    number = enterprise_number(enterprise)
    if enterprise.strip() and number is None:
        raise Conflict("This is no enterprise number: the check digits do not fit.")

    def work(session: Session) -> None:
        partners.link_enterprise(session, _of(session, partner_id), number)
        _note(
            desk,
            session,
            "partner.link" if number else "partner.unlink",
            partner_id,
            enterprise=number or "",
        )

    return _changed(desk, partner_id, work)


@router.post("/{partner_id}/stop")
def stop(
    desk: Switching, partner_id: uuid.UUID, why: Annotated[str, Form(max_length=400)]
) -> RedirectResponse:
    """Refuse everything of a partner."""
    switches.stop_partner(desk, partner_id, why)
    return RedirectResponse(f"/office/partners/{partner_id}", 303)


@router.post("/{partner_id}/admit")
def admit(desk: Switching, partner_id: uuid.UUID) -> RedirectResponse:
    """Take a partner back."""
    switches.admit_partner(desk, partner_id)
    return RedirectResponse(f"/office/partners/{partner_id}", 303)


def _of(session: Session, partner_id: uuid.UUID) -> Partner:
    return partners.partner_of(session, partner_id)


def _changed(
    desk: AtDesk, partner_id: uuid.UUID, work: Callable[[Session], None]
) -> RedirectResponse:
    desk.transact(work)
    return RedirectResponse(f"/office/partners/{partner_id}", 303)


def _note(
    desk: AtDesk,
    session: Session,
    action: str,
    partner_id: uuid.UUID,
    **details: str,
) -> None:
    partner = object_of("partner", partner_id)
    desk.desk.note(session, action, partner, now=desk.now, **details)
