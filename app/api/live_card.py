"""For teachers: the live web card, which also opens in a dead spot.

The page and its next codes are the holder's own. What makes it installable, and the empty page
that stands in for it without a network, are the same for everybody and name nobody.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from app.api.deps import Now, TheHouse, language, page
from app.api.installable import POLICY, Installable
from app.api.problems import PROBLEM_RESPONSES
from app.api.strips import MINUTES, STRIPS_A_MINUTE, StripsAnswer, strips_answer
from app.api.visitors import ActingVisitor, TheVisitor
from app.cards.initials import initials_text
from app.errors import NotFound
from app.identity import device_proof
from app.web.texts import Msgid

router = APIRouter(tags=["teacher"], include_in_schema=False)
twin = APIRouter(prefix="/api/v1/me", tags=["teacher"], responses=PROBLEM_RESPONSES)
offline = APIRouter(prefix="/card/live", tags=["anyone"], include_in_schema=False)

PAGE_HEADERS = {"content-security-policy": POLICY}
LIVE_CARD = Installable(
    scope="/card/live",
    kept_page="/card/live/offline",
    name=Msgid("Your teacher card, live"),
    short_name=Msgid("Teacher card"),
    folder="live",
    files=("icon.svg", "live/", "offline/", "style.css", "vendor/uqr.js"),
)


@router.get("/card/live")
def live(request: Request, house: TheHouse, visitor: TheVisitor, now: Now) -> HTMLResponse:
    """The card itself, with a code that is new every 30 seconds."""
    standing = house.issuing.standing(visitor.teacher_id, now=now)
    if standing.card is None:
        raise NotFound("There is no card to show yet.")
    response = page(
        request,
        "live.html",
        holder_name=str(visitor.person.name),
        initials=initials_text(standing.card.initials) or None,
        card_number=standing.card.number,
        csrf=visitor.csrf,
        nonce=device_proof.nonce(visitor.token, now=now),
    )
    response.headers.update(PAGE_HEADERS)
    return response


@router.post("/card/strips")
@twin.post("/strips")
def strips(
    request: Request,
    house: TheHouse,
    visitor: ActingVisitor,
    now: Now,
    response: Response,
    *,
    dpop: Annotated[str, Header()] = "",
    minutes: Annotated[int, Form(ge=1, le=60)] = MINUTES,
    moving: Annotated[bool, Form()] = False,
) -> StripsAnswer:
    """The next codes of the live card, for the device that proves (DPoP) that it shows the card."""
    headers = {
        "cache-control": "no-store",
        "dpop-nonce": device_proof.nonce(visitor.token, now=now),
    }
    address = f"{house.public_url}{request.url.path}"
    try:
        device = device_proof.device_of(
            dpop, method="POST", address=address, session_token=visitor.token, now=now
        )
    except device_proof.ProofRefused as refused:
        headers["www-authenticate"] = 'DPoP error="use_dpop_nonce", algs="ES256"'
        raise HTTPException(401, headers=headers) from refused
    response.headers.update(headers)
    found = house.issuing.strips(
        visitor.teacher_id,
        device=device,
        moving=moving,
        count=minutes * STRIPS_A_MINUTE,
        now=now,
    )
    return strips_answer(found, now=now)


@offline.get("/offline")
def without_a_network(request: Request) -> HTMLResponse:
    """The same page without a holder: its script fills in what the device kept."""
    response = page(request, "live.html", holder_name="", initials=None, card_number="", csrf=None)
    response.headers.update(PAGE_HEADERS)
    return response


@offline.get("/manifest.webmanifest")
def manifest(request: Request, house: TheHouse) -> JSONResponse:
    """What makes the live card installable."""
    return LIVE_CARD.manifest(house.pages, house.texts.get(language(request)))


@offline.get("/worker.js")
def service_worker(house: TheHouse) -> Response:
    """The service worker of the live card."""
    return LIVE_CARD.service_worker(house.pages)
