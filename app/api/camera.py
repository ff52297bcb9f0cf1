"""For an ordinary phone camera: a code is a link, and the link tells what the code is worth.

Looking consumes nothing and records nothing: link previews and virus scanners look too. Who only
asks for the headers gets them without anything being read or proved.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from app.api.deps import Now, TheHouse, page
from app.api.limits import address
from app.verification.look import look
from app.verification.verdict import Asked
from app.verification.verify import Examined, examine
from app.web.verdict_texts import VerdictPage

router = APIRouter(tags=["phone camera"], include_in_schema=False)


@router.head("/1{rest:path}")
def headers_only(
    rest: Annotated[str, Path()],  # noqa: ARG001 - whatever it is, it is not looked at
    request: Request,
    house: TheHouse,
) -> HTMLResponse:
    """That there is a page, for previews of links."""
    house.limits.count("camera", address(request))
    return HTMLResponse(headers={"x-robots-tag": "noindex"})


@router.get("/1{rest:path}")
def verdict_page(
    rest: Annotated[str, Path()], request: Request, house: TheHouse, now: Now
) -> HTMLResponse:
    """The public verdict on the code in the address."""
    house.limits.count("camera", address(request))
    keys = house.ring.keys
    examined = examine(f"/1{rest}", keys, code_base=house.code_base)
    if isinstance(examined, Examined) and examined.token and examined.token.tail:
        # Nobody guesses the digits of one card here, from however many addresses.
        house.limits.count("rotating-digits", examined.token.reference.hex())
    with house.database.reading() as session:
        verdict = look(session, examined, Asked(at=now), keys=keys, superseded=house.superseded)
    return page(request, "verdict.html", page=VerdictPage(verdict))
