"""Pages of a school's personnel office: its own list of staff that the personnel file lacks.

A file is read into a draft and shown; then it is submitted, released by a second person, and the
worker brings it to cards. Whoever is at the browser sees and changes the lists of their own
institution only. A body is read only once we know who sends it.
"""

import uuid
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.api.deps import page
from app.api.roster_desk import ActingDesk, Desk, TheDesk, refused_lines
from app.api.visitors import require_own_form
from app.audit import object_of
from app.csv_file import csv_lines
from app.epd.rosters import verbs
from app.epd.rosters.entries import Listed, end_entry, entries, listed
from app.epd.rosters.model import Roster
from app.epd.rosters.reading import FileFault, LineFault, Unreadable
from app.epd.rosters.reminding import ending_soon
from app.epd.rosters.template import template
from app.web.roster_texts import FILE_FAULTS, LINE_FAULTS

router = APIRouter(tags=["personnel office"], include_in_schema=False)

CSV = "text/csv; charset=utf-8"
LIST_HEADER = (
    "insz",
    "instellingsnummer",
    "personeelscategorie",
    "begindatum",
    "einddatum",
    "stand",
)
SHOWN = 100
ROSTERS_SHOWN = 20
FAULTS_SHOWN = 50


@router.get("/roster")
def own_list(desk: TheDesk, after: uuid.UUID | None = None) -> HTMLResponse:
    """The institution's own list and its rosters."""
    return _list_page(desk, after=after)


@router.get("/roster/template.csv")
def download_template(desk: TheDesk) -> Response:
    """An empty roster to fill in."""
    name = f"lerarenkaart-{desk.officer.official.organisation}.csv"
    return Response(template(), media_type=CSV, headers=_as_file(name))


@router.get("/roster/list.csv")
def download_list(desk: TheDesk) -> StreamingResponse:
    """The own list as a spreadsheet opens it."""
    numbers = desk.see_list("roster.export")
    rows = csv_lines(LIST_HEADER, desk.own_rows(numbers))
    return StreamingResponse(rows, media_type=CSV, headers=_as_file("lerarenkaart-lijst.csv"))


@router.post("/roster")
async def upload(request: Request, desk: TheDesk) -> Response:
    """Read a file from the form into a draft, and lead to its preview."""
    async with request.form(max_files=1, max_fields=2) as form:
        require_own_form(request, desk.house, desk.officer.token, str(form.get("csrf", "")))
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HTTPException(422)
        try:
            roster_id = await run_in_threadpool(desk.read_in, file.file)
        except Unreadable as refused:
            return await run_in_threadpool(_list_page, desk, refused=refused.fault)
    return RedirectResponse(f"/roster/{roster_id}", 303)


@router.get("/roster/{roster_id}")
def preview(desk: TheDesk, roster_id: uuid.UUID) -> HTMLResponse:
    """What was read, before and after it is submitted."""
    keys = desk.house.ring.keys

    def work(session: Session) -> tuple[Roster, list[Listed], list[tuple[int, str]]]:
        roster = desk.roster(session, roster_id, "roster.view")
        people = listed(session, roster_id, keys=keys, limit=SHOWN)
        return roster, people, refused_lines(session, roster_id, after=0, limit=FAULTS_SHOWN)

    roster, people, faults = desk.house.database.transact(work)
    official = desk.officer.official
    return page(
        desk.request,
        "roster.html",
        roster=roster,
        people=people,
        faults=[(number, LINE_FAULTS[LineFault(fault)]) for number, fault in faults],
        mine=official.subject in {roster.uploaded_by, roster.submitted_by},
        csrf=desk.officer.csrf,
        organisation=official.organisation_name,
    )


@router.get("/roster/{roster_id}/report.csv")
def report(desk: TheDesk, roster_id: uuid.UUID) -> StreamingResponse:
    """Every line and what became of it."""
    desk.house.database.transact(lambda session: desk.roster(session, roster_id, "roster.report"))
    rows = csv_lines(("lijn", "referentie", "resultaat"), desk.report_rows(roster_id))
    return StreamingResponse(rows, media_type=CSV, headers=_as_file(f"verslag-{roster_id}.csv"))


@router.post("/roster/{roster_id}/submit")
def submit(desk: ActingDesk, roster_id: uuid.UUID) -> RedirectResponse:
    """Ask a second person to release it."""

    def work(session: Session) -> None:
        roster = desk.roster(session, roster_id, "roster.submit")
        verbs.submit(roster, acting=desk.acting, now=desk.now)

    desk.house.database.transact(work)
    return RedirectResponse(f"/roster/{roster_id}", 303)


@router.post("/roster/{roster_id}/release")
def release(desk: ActingDesk, roster_id: uuid.UUID) -> RedirectResponse:
    """Let it through, as somebody else than who brought it."""

    def work(session: Session) -> None:
        roster = desk.roster(session, roster_id, "roster.release")
        verbs.release(roster, subject=desk.acting.subject, office=False, now=desk.now)

    desk.house.database.transact(work)
    return RedirectResponse(f"/roster/{roster_id}", 303)


@router.post("/roster/{roster_id}/withdraw")
def withdraw(desk: ActingDesk, roster_id: uuid.UUID) -> RedirectResponse:
    """Take it back before it is released."""

    def work(session: Session) -> None:
        roster = desk.roster(session, roster_id, "roster.withdraw")
        verbs.withdraw(roster, subject=desk.acting.subject, now=desk.now)

    desk.house.database.transact(work)
    return RedirectResponse("/roster", 303)


@router.post("/roster/entries/{teacher_id}/end")
def end(
    desk: ActingDesk, teacher_id: uuid.UUID, last_day: Annotated[date, Form()]
) -> RedirectResponse:
    """End somebody's entry; it takes a right away and gives none, so one person may."""
    policy, now = desk.house.policy, desk.now

    def work(session: Session) -> None:
        numbers = desk.numbers(session)
        end_entry(session, teacher_id, numbers, last_day=last_day, policy=policy, now=now)
        desk.record(session, "roster.end", object_of("teacher", teacher_id))

    desk.house.database.transact(work)
    return RedirectResponse("/roster", 303)


def _list_page(
    desk: Desk, *, after: uuid.UUID | None = None, refused: FileFault | None = None
) -> HTMLResponse:
    numbers, keys, on = desk.see_list("roster.list"), desk.house.ring.keys, desk.today
    with desk.house.database.reading() as session:
        shown = entries(session, numbers, keys=keys, on=on, after=after, limit=SHOWN)
        soon = ending_soon(session, numbers, on=on)
        newest = select(Roster).where(Roster.institution.in_(numbers)).order_by(Roster.id.desc())
        rosters = session.scalars(newest.limit(ROSTERS_SHOWN)).all()
    return page(
        desk.request,
        "roster_list.html",
        status=422 if refused else 200,
        refused=FILE_FAULTS[refused] if refused else None,
        entries=shown,
        more=shown[-1].teacher_id if len({one.teacher_id for one in shown}) >= SHOWN else None,
        soon=soon,
        rosters=rosters,
        csrf=desk.officer.csrf,
        today=on,
        organisation=desk.officer.official.organisation_name,
        numbers=sorted(numbers),
    )


def _as_file(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
