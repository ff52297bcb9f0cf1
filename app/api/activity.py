"""For teachers: who checked my card, where and when."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from app.api.deps import TheHouse, page
from app.api.visitors import TheVisitor
from app.verification.activity import checks_of, number_of_checks
from app.web.activity_page import PAGE_SIZE, ActivityPage

router = APIRouter(tags=["teacher"], include_in_schema=False)


@router.get("/card/activity")
def activity(
    request: Request,
    house: TheHouse,
    visitor: TheVisitor,
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> HTMLResponse:
    """The checks of this teacher's cards, as long as they are linked to a card at all."""
    offset = (number - 1) * PAGE_SIZE
    with house.database.reading() as session:
        checks = checks_of(session, visitor.teacher_id, offset=offset, limit=PAGE_SIZE)
        total = number_of_checks(session, visitor.teacher_id)
    linked = next(
        term.kept_for for term in house.terms if term.kept_for and term.name == "scan-links"
    )
    shown = ActivityPage(
        csrf=visitor.csrf,
        checks=tuple(checks),
        total=total,
        number=number,
        kept_for=linked,
    )
    return page(request, "activity.html", page=shown)
