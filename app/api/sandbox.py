"""The sandbox: test cards to print, to show on a phone and to hold against a partner's own tests.

Open to anybody, since they give no right to anything. What they are is in `verification.sandbox`;
they answer at a till with a test key only.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from app.api.deps import Now, TheHouse, page
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.api.strips import STRIPS, StripsAnswer, strips_answer
from app.cards.initials import initials_text
from app.cards.token import WEB_STRIP_S
from app.passes import qr
from app.passes.codes import Strip
from app.verification import sandbox
from app.verification.verdict import Reason
from app.web.verdict_texts import VERDICT_MESSAGES

router = APIRouter(tags=["partner"])
pages = APIRouter(tags=["partner"], include_in_schema=False)


class TestCard(BaseModel):
    """One test card: the reason it gives at a till with a test key, and its codes."""

    reason: Reason
    printed: str = Field(description="The same text for the whole card year.")
    live: str = Field(description="As a live card shows it now: another one every 30 seconds.")


class TestCards(BaseModel):
    """One test card for every reason."""

    cards: list[TestCard]


@router.get("/api/v1/sandbox/cards", responses=PROBLEM_RESPONSES, openapi_extra={"security": []})
def test_cards(request: Request, house: TheHouse, now: Now, response: Response) -> TestCards:
    """The codes of the test cards, for the tests of a partner's own software."""
    house.limits.count("sandbox", address(request))
    response.headers["cache-control"] = "no-store"
    keys, base, at_s = house.ring.keys, house.code_base, int(now.timestamp())
    return TestCards(
        cards=[
            TestCard(
                reason=part,
                printed=sandbox.printed(part, keys=keys, base=base, now=now),
                live=sandbox.live(part, keys=keys, base=base, at_s=at_s),
            )
            for part in Reason
        ]
    )


@pages.get("/sandbox")
def sandbox_page(request: Request, house: TheHouse, now: Now) -> HTMLResponse:
    """Every test card with its code, to print or to scan from the screen."""
    house.limits.count("sandbox", address(request))
    keys, base = house.ring.keys, house.code_base
    codes = {part: sandbox.printed(part, keys=keys, base=base, now=now) for part in Reason}
    cards = {part: qr.symbol(text) for part, text in codes.items()}
    return page(request, "sandbox.html", cards=cards, messages=VERDICT_MESSAGES)


@pages.get("/sandbox/{part}")
def live_test_card(part: Reason, request: Request) -> HTMLResponse:
    """A test card whose code is new every 30 seconds, as a teacher's phone shows it."""
    initials = initials_text(sandbox.INITIALS)
    return page(request, "sandbox_card.html", part=part, initials=initials, csrf="")


@pages.post("/sandbox/{part}/strips")
def test_strips(
    part: Reason, request: Request, house: TheHouse, now: Now, response: Response
) -> StripsAnswer:
    """The codes of a test card for the next ten minutes."""
    house.limits.count("sandbox", address(request))
    response.headers["cache-control"] = "no-store"
    keys, base = house.ring.keys, house.code_base
    first = int(now.timestamp()) // WEB_STRIP_S * WEB_STRIP_S
    starts = range(first, first + STRIPS * WEB_STRIP_S, WEB_STRIP_S)
    strips = (
        Strip(sandbox.live(part, keys=keys, base=base, at_s=start), start, start + WEB_STRIP_S)
        for start in starts
    )
    return strips_answer(strips, now=now)
