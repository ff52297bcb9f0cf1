"""For everybody: what is kept and how long; for teachers: take it with you, or have it erased."""

import json

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.cookies import drop_cookie
from app.api.deps import Now, TheHouse, page
from app.api.visitors import ActingVisitor, AnyVisitor, TheVisitor
from app.retention.erasure import erase
from app.retention.export import export

router = APIRouter(tags=["teacher"], include_in_schema=False)
pages = APIRouter(tags=["anyone"], include_in_schema=False)


@pages.get("/privacy")
def privacy(request: Request, house: TheHouse, visitor: AnyVisitor) -> HTMLResponse:
    """What we know, from whom, what for and how long."""
    csrf = visitor.csrf if visitor else None
    kept = {term.name: term.kept_for for term in house.terms}
    return page(request, "privacy.html", csrf=csrf, kept=kept)


@router.get("/privacy/export")
def take_along(house: TheHouse, visitor: TheVisitor, now: Now) -> Response:
    """Everything about this teacher, as a file."""
    with house.database.reading() as session:
        everything = export(
            session, visitor.teacher_id, keys=house.ring.keys, terms=house.terms, now=now
        )
    name = f"lerarenkaart-{now:%Y-%m-%d}.json"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    text = json.dumps(everything, indent=1, ensure_ascii=False)
    return Response(text, media_type="application/json", headers=headers)


@router.post("/privacy/erase")
def forget_me(house: TheHouse, visitor: ActingVisitor, now: Now) -> RedirectResponse:
    """Forget this teacher; every session ends with it."""
    house.database.transact(lambda session: erase(session, visitor.teacher_id, now=now))
    response = RedirectResponse("/privacy/erased", 303)
    drop_cookie(response, house, "sid")
    return response


@pages.get("/privacy/erased")
def erased(request: Request) -> HTMLResponse:
    """What was done, to who is nobody here any more."""
    return page(request, "erased.html")
