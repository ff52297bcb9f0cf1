"""For teachers: my card, why it is as it is, and what brings it onto a phone.

Every change is a POST with the form token of the session and ends in a redirect to what it
changed. The rules are in `app.issuing` and below; here they only get a page.
"""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.card_state import card_page
from app.api.deps import Now, TheHouse, page
from app.api.visitors import ActingVisitor, TheVisitor
from app.cards.lifecycle import IN_FORCE
from app.cards.token import Carrier
from app.errors import NotEligible, NotFound
from app.identity import sessions
from app.passes.apple.passes import MEDIA_TYPE
from app.web.card_page import Wallet

router = APIRouter(tags=["teacher"], include_in_schema=False)


@router.get("/card")
def card(
    request: Request,
    house: TheHouse,
    visitor: TheVisitor,
    now: Now,
    user_agent: Annotated[str, Header()] = "",
) -> HTMLResponse:
    """The teacher's own page."""
    standing = house.issuing.standing(visitor.teacher_id, now=now)
    shown = card_page(
        standing,
        visitor=visitor,
        wallet_first=_wallet_of(user_agent),
        now=now,
    )
    return page(request, "card.html", page=shown)


@router.post("/card")
def issue(house: TheHouse, visitor: ActingVisitor, now: Now) -> RedirectResponse:
    """Give the teacher a card."""
    # Not eligible is decided and stored: the page this leads to says why.
    with suppress(NotEligible):
        house.issuing.issue(visitor.person, now=now)
    return RedirectResponse("/card", 303)


@router.post("/card/apple")
def add_to_apple_wallet(house: TheHouse, visitor: ActingVisitor, now: Now) -> RedirectResponse:
    """Commit the pass before it is signed; the address it leads to only reads and signs."""
    house.issuing.add_pass(visitor.teacher_id, Carrier.APPLE, now=now)
    return RedirectResponse("/card/apple.pkpass", 303)


@router.get("/card/apple.pkpass")
def apple_pass(house: TheHouse, visitor: TheVisitor, now: Now) -> Response:
    """The signed pass."""
    headers = {
        "content-disposition": 'attachment; filename="lerarenkaart.pkpass"',
        "cache-control": "no-store",
    }
    signed = house.issuing.apple_pass(visitor.teacher_id, now=now)
    return Response(signed, media_type=MEDIA_TYPE, headers=headers)


@router.post("/card/google")
def add_to_google_wallet(house: TheHouse, visitor: ActingVisitor, now: Now) -> RedirectResponse:
    """Bring the pass to Google, then lead the teacher to the link that saves it."""
    link = house.issuing.google_link(visitor.teacher_id, now=now)
    return RedirectResponse(link, 303, {"cache-control": "no-store"})


@router.get("/card/lost")
def lost(request: Request, house: TheHouse, visitor: TheVisitor, now: Now) -> HTMLResponse:
    """What stopping the card does, before it is done."""
    standing = house.issuing.standing(visitor.teacher_id, now=now)
    if standing.card is None or standing.card.status not in IN_FORCE:
        raise NotFound("There is no card to stop.")
    return page(request, "lost.html", card_number=standing.card.number, csrf=visitor.csrf)


@router.post("/card/report-lost")
def report_lost(house: TheHouse, visitor: ActingVisitor, now: Now) -> RedirectResponse:
    """Stop the card at once, give a new one, and log the lost phone out."""
    house.issuing.report_lost(visitor.teacher_id, now=now)
    house.database.transact(
        lambda session: sessions.end_sessions_of(session, visitor.teacher_id, but=visitor.token)
    )
    return RedirectResponse("/card", 303)


def _wallet_of(user_agent: str) -> Wallet | None:
    if "iPhone" in user_agent or "iPad" in user_agent:
        return "apple"
    return "google" if "Android" in user_agent else None
