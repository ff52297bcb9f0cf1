"""For an app of the teacher: what carries the card, as JSON under `/api/v1/me`.

The twins of the buttons on the card page. Each makes or renews what it is asked for and says
where that is to be had; the address only reads.
"""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.api.deps import Now, TheHouse
from app.api.problems import PROBLEM_RESPONSES
from app.api.visitors import ActingVisitor
from app.cards.token import Carrier
from app.issuing import card_of
from app.passes import paper
from app.verification import codes

router = APIRouter(prefix="/api/v1/me", tags=["teacher"], responses=PROBLEM_RESPONSES)


class PassAnswer(BaseModel):
    """Where the pass is: a file to open in the wallet, a link to follow, or a print."""

    address: str


class WebshopCodeAnswer(BaseModel):
    """What the holder types at the webshop, shown this once, and its last moment."""

    code: str
    expires_at: datetime


@router.post("/passes/apple", status_code=201)
def get_my_apple_pass(house: TheHouse, visitor: ActingVisitor, now: Now) -> PassAnswer:
    """Make the pass for Apple Wallet; asking twice gives the same one."""
    house.issuing.add_pass(visitor.teacher_id, Carrier.APPLE, now=now)
    return PassAnswer(address=f"{house.public_url}/card/apple.pkpass")


@router.post("/passes/google", status_code=201)
def get_my_google_pass(house: TheHouse, visitor: ActingVisitor, now: Now) -> PassAnswer:
    """Bring the pass to Google; its link saves it to the wallet of whoever follows it."""
    return PassAnswer(address=house.issuing.google_link(visitor.teacher_id, now=now))


@router.post("/passes/paper", status_code=201)
def get_my_paper_pass(house: TheHouse, visitor: ActingVisitor, now: Now) -> PassAnswer:
    """Make a print, which ends the earlier one; `?size=card` gives a card to carry."""
    house.database.transact(
        lambda session: paper.make(
            session, card_of(session, visitor.teacher_id), keys=house.ring.keys, now=now
        )
    )
    return PassAnswer(address=f"{house.public_url}/card/paper.pdf")


@router.post("/webshop-codes", status_code=201)
def draw_webshop_code(
    house: TheHouse,
    visitor: ActingVisitor,
    now: Now,
    partner_id: Annotated[uuid.UUID | None, Query()] = None,
) -> WebshopCodeAnswer:
    """Draw a code for one purchase from afar: at one partner or at any, once, for 15 minutes."""
    house.limits.count("draw-code", str(visitor.teacher_id))
    drawn = house.database.transact(
        lambda session: codes.draw(session, visitor.teacher_id, partner_id=partner_id, now=now)
    )
    return WebshopCodeAnswer(code=drawn.code, expires_at=drawn.expires_at)
