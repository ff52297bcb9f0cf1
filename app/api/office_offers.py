"""For the card office: what a partner offers, whether or not its own people see to it."""

import uuid
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.api import offers
from app.api.offers import OfferDesk
from app.api.office_desk import AtDesk, Viewing, at_desk
from app.audit import object_of
from app.identity.roles import Role
from app.partners import Partner
from app.verification.partners import partner_of

Result = TypeVar("Result")
Helping = Annotated[AtDesk, at_desk(Role.SUPPORT)]
Changing = Annotated[AtDesk, at_desk(Role.SUPPORT, acting=True)]


def _offers(desk: AtDesk, partner_id: uuid.UUID) -> OfferDesk:
    def partner(session: Session) -> Partner:
        return partner_of(session, partner_id)

    def change(action: str, work: Callable[[Session, Partner], Result], **details: str) -> Result:
        def both(session: Session) -> Result:
            result = work(session, partner(session))
            on = object_of("partner", partner_id)
            desk.desk.note(session, action, on, now=desk.now, **details)
            return result

        return desk.transact(both)

    return OfferDesk(
        path=f"/office/partners/{partner_id}/benefits",
        database=desk.house.database,
        partner=partner,
        change=change,
        page=desk.page,
        of_office=True,
        may_change=desk.official.may(Role.SUPPORT),
        now=desk.now,
    )


def _looking(desk: Viewing, partner_id: uuid.UUID) -> OfferDesk:
    return _offers(desk, partner_id)


def _asking(desk: Helping, partner_id: uuid.UUID) -> OfferDesk:
    return _offers(desk, partner_id)


def _acting(desk: Changing, partner_id: uuid.UUID) -> OfferDesk:
    return _offers(desk, partner_id)


router = APIRouter(tags=["card office"], include_in_schema=False)
router.include_router(
    offers.routes(looking=Depends(_looking), asking=Depends(_asking), acting=Depends(_acting)),
    prefix="/office/partners/{partner_id}/benefits",
)
