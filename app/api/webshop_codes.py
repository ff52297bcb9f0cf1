"""For teachers: a code for one purchase from home.

The code is shown on the page that answers the button and never again; afterwards there is only
what became of it. What it is worth is in `app.verification`.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from app import partners
from app.api.deps import Now, TheHouse, page
from app.api.visitors import ActingVisitor, TheVisitor
from app.cards.entitlement import CardStatus
from app.errors import NotFound
from app.verification import codes

router = APIRouter(prefix="/card/webshop-codes", tags=["teacher"], include_in_schema=False)


class StepAnswer(BaseModel):
    """What became of the last code; null when none is remembered."""

    step: codes.CodeState | None


@router.get("")
def about(request: Request, house: TheHouse, visitor: TheVisitor, now: Now) -> HTMLResponse:
    """How it works, and what became of the last code."""
    standing = house.issuing.standing(visitor.teacher_id, now=now)
    if standing.card is None or standing.card.status is not CardStatus.ACTIVE:
        raise NotFound("There is no card to draw a code for.")
    with house.database.reading() as session:
        shops = partners.names_by_id(session)
        past = codes.last_of(session, visitor.teacher_id, now=now)
    return page(request, "webshop_code.html", csrf=visitor.csrf, drawn=None, past=past, shops=shops)


@router.post("")
def draw(
    request: Request,
    house: TheHouse,
    visitor: ActingVisitor,
    now: Now,
    partner_id: Annotated[uuid.UUID | None, Form()] = None,
) -> HTMLResponse:
    """Draw a code, at one partner or at any, and show it this once."""
    house.limits.count("draw-code", str(visitor.teacher_id))
    drawn = house.database.transact(
        lambda session: codes.draw(session, visitor.teacher_id, partner_id=partner_id, now=now)
    )
    with house.database.reading() as session:
        shops = partners.names_by_id(session)
    return page(
        request,
        "webshop_code.html",
        csrf=visitor.csrf,
        drawn=drawn,
        shop=shops.get(partner_id) if partner_id else None,
        past=None,
    )


@router.get("/step")
def step(house: TheHouse, visitor: TheVisitor, now: Now) -> StepAnswer:
    """For the script of the page that shows a code: whether it has been used."""
    with house.database.reading() as session:
        past = codes.last_of(session, visitor.teacher_id, now=now)
    return StepAnswer(step=past and past.state)
