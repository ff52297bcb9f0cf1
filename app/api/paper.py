"""For teachers: the card on paper, for who has no smartphone.

The address of the PDF only reads; making a print, which ends the earlier one, is a POST.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.deps import Now, TheHouse, language, page
from app.api.visitors import ActingVisitor, TheVisitor
from app.cards.entitlement import CardStatus
from app.errors import NotFound
from app.issuing import card_of
from app.passes import paper, paper_pdf
from app.passes.codes import content_of
from app.passes.paper_pdf import Size

router = APIRouter(prefix="/card", tags=["teacher"], include_in_schema=False)


@router.get("/paper")
def about(request: Request, house: TheHouse, visitor: TheVisitor, now: Now) -> HTMLResponse:
    """Whether there is a print, and how to make one."""
    standing = house.issuing.standing(visitor.teacher_id, now=now)
    if standing.card is None or standing.card.status is not CardStatus.ACTIVE:
        raise NotFound("There is no card to print.")
    with house.database.reading() as session:
        printed = paper.present(session, visitor.teacher_id, keys=house.ring.keys) is not None
    return page(request, "paper.html", printed=printed, csrf=visitor.csrf)


@router.post("/paper")
def make(house: TheHouse, visitor: ActingVisitor, now: Now) -> RedirectResponse:
    """Make a print; an earlier one is refused from here on."""
    house.database.transact(
        lambda session: paper.make(
            session, card_of(session, visitor.teacher_id), keys=house.ring.keys, now=now
        )
    )
    return RedirectResponse("/card/paper", 303)


@router.get("/paper.pdf")
def print_out(
    request: Request, house: TheHouse, visitor: TheVisitor, size: Annotated[Size, Query()] = Size.A4
) -> Response:
    """The print, ready for a printer."""
    keys = house.ring.keys
    with house.database.reading() as session:
        printed = paper.present(session, visitor.teacher_id, keys=keys)
    if printed is None:
        raise NotFound("There is no card on paper yet.")
    content = content_of(printed, keys=keys, base=house.code_base)
    drawn = paper_pdf.draw(content, size=size, language=language(request))
    headers = {
        "content-disposition": f'inline; filename="lerarenkaart-{size}.pdf"',
        "cache-control": "no-store",
    }
    return Response(drawn, media_type=paper_pdf.MEDIA_TYPE, headers=headers)
