"""For a school's personnel office: its own list of staff that the personnel file does not know.

A file is read into a draft and shown; then it is submitted, released by a second person, and the
worker brings it to cards. Whoever is at the browser sees and changes the lists of their own
institution only, and everything seen or done is on record before it is shown. A body is read
only once we know who sends it.
"""

import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app import audit
from app.api.deps import House, Now, TheHouse, page, request_id
from app.api.officials import ActingPersonnelOfficer, Officer, PersonnelOfficer
from app.api.problems import PROBLEM_RESPONSES, problem
from app.api.visitors import require_own_form
from app.audit import Act, object_of
from app.cards.entitlement import belgian_day
from app.epd.rosters import verbs
from app.epd.rosters.applying import Listed, end_entry, ending_soon, entries, listed
from app.epd.rosters.export import csv_lines, template
from app.epd.rosters.model import Roster, RosterLine, RosterState
from app.epd.rosters.reading import FileFault, LineFault, Unreadable
from app.epd.rosters.verbs import Acting, own_numbers, roster_of
from app.web.roster_texts import FILE_FAULTS, LINE_FAULTS

router = APIRouter(tags=["personnel office"])

CSV = "text/csv; charset=utf-8"
MEDIA_TYPES = {"text/csv", "application/json", "application/x-ndjson", "application/csv"}
SHOWN = 100
FAULTS_SHOWN = 50
SEVERAL = 500
CHUNK_BYTES = 1 << 20


class LineAnswer(BaseModel):
    """A refused line; `code` is one of a fixed list."""

    line: int
    code: LineFault


class RosterAnswer(BaseModel):
    """How a roster stands; faults from line `after` on, at most 500."""

    id: uuid.UUID
    institution: str
    state: RosterState
    lines: int
    refused: int
    digest: str
    uploaded_at: datetime
    faults: list[LineAnswer]


@router.get("/roster", include_in_schema=False)
def own_list(
    request: Request,
    house: TheHouse,
    officer: PersonnelOfficer,
    now: Now,
    after: uuid.UUID | None = None,
) -> HTMLResponse:
    """The institution's own list and its rosters."""
    return _list_page(request, house, officer, now, after=after)


@router.get("/roster/template.csv", include_in_schema=False)
def download_template(officer: PersonnelOfficer) -> Response:
    """An empty roster to fill in."""
    assert officer.official.organisation  # noqa: S101 - only who may upload needs it
    return Response(template(), media_type=CSV, headers=_as_file("lerarenkaart-lijst.csv"))


@router.get("/roster/list.csv", include_in_schema=False)
def download_list(
    request: Request, house: TheHouse, officer: PersonnelOfficer, now: Now
) -> StreamingResponse:
    """The own list as a spreadsheet opens it."""
    numbers = _seen(request, house, officer, "roster.export", now)
    header = ["insz", "instellingsnummer", "personeelscategorie", "begindatum", "einddatum", "stand"]
    return StreamingResponse(
        csv_lines(header, _own_rows(house, numbers, belgian_day(now))),
        media_type=CSV,
        headers=_as_file("lerarenkaart-lijst.csv"),
    )


@router.post("/roster", include_in_schema=False)
async def upload(
    request: Request, house: TheHouse, officer: PersonnelOfficer, now: Now
) -> Response:
    """Read a file from the form into a draft, and lead to its preview."""
    async with request.form(max_files=1, max_fields=2) as form:
        require_own_form(request, house, officer.token, str(form.get("csrf", "")))
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HTTPException(422)
        try:
            roster_id = await run_in_threadpool(
                _read_in, request, house, officer, file.file, now
            )
        except Unreadable as refused:
            return await run_in_threadpool(
                _list_page, request, house, officer, now, refused=refused.fault
            )
    return RedirectResponse(f"/roster/{roster_id}", 303)


@router.get("/roster/{roster_id}", include_in_schema=False)
def preview(
    request: Request, house: TheHouse, officer: PersonnelOfficer, roster_id: uuid.UUID, now: Now
) -> HTMLResponse:
    """What was read, before and after it is submitted."""

    keys = house.ring.keys

    def work(session: Session) -> tuple[Roster, list[Listed], list[RosterLine]]:
        roster = _roster(session, officer, roster_id, now)
        _record(session, request, house, officer, "roster.view", roster_id, now)
        people = listed(session, roster_id, keys=keys, limit=SHOWN)
        return roster, people, _faults(session, roster_id, after=0, limit=FAULTS_SHOWN)

    roster, people, faults = house.database.transact(work)
    mine = officer.official.subject in {roster.uploaded_by, roster.submitted_by}
    return page(
        request,
        "roster.html",
        roster=roster,
        people=people,
        faults=[(line.number, LINE_FAULTS[LineFault(line.fault)]) for line in faults],
        mine=mine,
        csrf=officer.csrf,
        organisation=officer.official.organisation_name,
    )


@router.get("/roster/{roster_id}/report.csv", include_in_schema=False)
def report(
    request: Request, house: TheHouse, officer: PersonnelOfficer, roster_id: uuid.UUID, now: Now
) -> StreamingResponse:
    """Every line and what became of it."""

    def work(session: Session) -> None:
        _roster(session, officer, roster_id, now)
        _record(session, request, house, officer, "roster.report", roster_id, now)

    house.database.transact(work)
    return StreamingResponse(
        csv_lines(["lijn", "referentie", "resultaat"], _report_rows(house, roster_id)),
        media_type=CSV,
        headers=_as_file(f"verslag-{roster_id}.csv"),
    )


@router.post("/roster/{roster_id}/submit", include_in_schema=False)
def submit(
    request: Request,
    house: TheHouse,
    officer: ActingPersonnelOfficer,
    roster_id: uuid.UUID,
    now: Now,
) -> RedirectResponse:
    """Ask a second person to release it."""

    def work(session: Session) -> None:
        roster = _roster(session, officer, roster_id, now)
        verbs.submit(roster, acting=_acting(officer), now=now)
        _record(session, request, house, officer, "roster.submit", roster_id, now, roster=roster)

    house.database.transact(work)
    return RedirectResponse(f"/roster/{roster_id}", 303)


@router.post("/roster/{roster_id}/release", include_in_schema=False)
def release(
    request: Request,
    house: TheHouse,
    officer: ActingPersonnelOfficer,
    roster_id: uuid.UUID,
    now: Now,
) -> RedirectResponse:
    """Let it through, as somebody else than who brought it."""

    def work(session: Session) -> None:
        roster = _roster(session, officer, roster_id, now)
        verbs.release(roster, subject=officer.official.subject, office=False, now=now)
        _record(session, request, house, officer, "roster.release", roster_id, now, roster=roster)

    house.database.transact(work)
    return RedirectResponse(f"/roster/{roster_id}", 303)


@router.post("/roster/{roster_id}/withdraw", include_in_schema=False)
def withdraw(
    request: Request,
    house: TheHouse,
    officer: ActingPersonnelOfficer,
    roster_id: uuid.UUID,
    now: Now,
) -> RedirectResponse:
    """Take it back before it is released."""

    def work(session: Session) -> None:
        roster = _roster(session, officer, roster_id, now)
        verbs.withdraw(roster, subject=officer.official.subject, now=now)
        _record(session, request, house, officer, "roster.withdraw", roster_id, now)

    house.database.transact(work)
    return RedirectResponse("/roster", 303)


@router.post("/roster/entries/{teacher_id}/end", include_in_schema=False)
def end(
    request: Request,
    house: TheHouse,
    officer: ActingPersonnelOfficer,
    teacher_id: uuid.UUID,
    last_day: Annotated[date, Form()],
    now: Now,
) -> RedirectResponse:
    """End somebody's entry; it takes a right away and gives none, so one person may."""

    def work(session: Session) -> None:
        numbers = own_numbers(session, _acting(officer), now=now)
        end_entry(session, teacher_id, numbers, last_day=last_day, policy=house.policy, now=now)
        act = _act(request, officer, "roster.end", object_of("teacher", teacher_id))
        audit.record(session, act, key=house.ring.keys.active("audit"), now=now)

    house.database.transact(work)
    return RedirectResponse("/roster", 303)


@router.post("/api/v1/rosters", status_code=201, responses=PROBLEM_RESPONSES)
async def post_roster(
    request: Request, house: TheHouse, officer: PersonnelOfficer, now: Now
) -> Response:
    """Read a CSV file, JSON lines or a JSON document `{"records": [...]}` into a draft."""
    require_own_form(request, house, officer.token, request.headers.get("x-csrf-token", ""))
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES or "content-encoding" in request.headers:
        raise HTTPException(415)
    async with _spooled(request) as file:
        try:
            roster_id = await run_in_threadpool(_read_in, request, house, officer, file, now)
        except Unreadable as refused:
            detail = f"The file cannot be read as a roster: {refused.fault}."
            return await run_in_threadpool(
                problem, request, "malformed-request", 422, detail=detail
            )
    answer = await run_in_threadpool(_answer, request, house, officer, roster_id, 0, now)
    headers = {"location": f"/api/v1/rosters/{roster_id}"}
    return Response(answer.model_dump_json(), 201, headers, media_type="application/json")


@router.get("/api/v1/rosters/{roster_id}", responses=PROBLEM_RESPONSES)
def get_roster(
    request: Request,
    house: TheHouse,
    officer: PersonnelOfficer,
    roster_id: uuid.UUID,
    now: Now,
    after: int = 0,
) -> RosterAnswer:
    """How a roster stands, with its refused lines."""
    return _answer(request, house, officer, roster_id, after, now)


def _acting(officer: Officer) -> Acting:
    return Acting(officer.official.subject, officer.official.organisation)


def _roster(session: Session, officer: Officer, roster_id: uuid.UUID, now: datetime) -> Roster:
    return roster_of(session, roster_id, acting=_acting(officer), on=now)


def _act(request: Request, officer: Officer, action: str, what: str, **details: str | int) -> Act:
    return Act(
        actor=officer.official.subject,
        capacity=officer.official.capacity,
        organisation=officer.official.organisation,
        action=action,
        object=what,
        request_id=str(request_id(request)),
        details=details,
    )


def _record(
    session: Session,
    request: Request,
    house: House,
    officer: Officer,
    action: str,
    roster_id: uuid.UUID,
    now: datetime,
    *,
    roster: Roster | None = None,
) -> None:
    """Put an act on record, in the transaction in which it happens."""
    details: dict[str, str | int] = {}
    if roster is not None:
        details = {"lines": roster.lines, "refused": roster.refused, "digest": roster.digest}
    act = _act(request, officer, action, object_of("roster", roster_id), **details)
    audit.record(session, act, key=house.ring.keys.active("audit"), now=now)


def _seen(
    request: Request, house: House, officer: Officer, action: str, now: datetime
) -> frozenset[str]:
    """Put on record that the own list is looked at; the numbers whose entries are on it."""
    what = f"institution:{officer.official.organisation}"
    act = _act(request, officer, action, what)

    def work(session: Session) -> frozenset[str]:
        audit.record(session, act, key=house.ring.keys.active("audit"), now=now)
        return own_numbers(session, _acting(officer), now=now)

    return house.database.transact(work)


def _list_page(
    request: Request,
    house: House,
    officer: Officer,
    now: datetime,
    *,
    after: uuid.UUID | None = None,
    refused: FileFault | None = None,
) -> HTMLResponse:
    numbers, on = _seen(request, house, officer, "roster.list", now), belgian_day(now)
    with house.database.reading() as session:
        shown = entries(
            session, numbers, keys=house.ring.keys, on=on, after=after, limit=SHOWN
        )
        soon = ending_soon(session, numbers, on=on)
        newest = select(Roster).where(Roster.institution.in_(numbers)).order_by(Roster.id.desc())
        rosters = session.scalars(newest.limit(20)).all()
    return page(
        request,
        "roster_list.html",
        status=422 if refused else 200,
        refused=FILE_FAULTS[refused] if refused else None,
        entries=shown,
        more=shown[-1].teacher_id if len(shown) >= SHOWN else None,
        soon=soon,
        rosters=rosters,
        csrf=officer.csrf,
        today=on,
        organisation=officer.official.organisation_name,
        numbers=sorted(numbers),
    )


def _read_in(
    request: Request, house: House, officer: Officer, file: BinaryIO, now: datetime
) -> uuid.UUID:
    """The draft of a body; it lies on disk while it is read."""
    house.limits.count("roster", officer.official.organisation)
    with tempfile.NamedTemporaryFile(prefix="roster-") as copy:
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            copy.write(chunk)
        copy.flush()
        roster_id = verbs.take_in(
            house.database, house.ring, Path(copy.name), acting=_acting(officer), now=now
        )

    def work(session: Session) -> None:
        roster = _roster(session, officer, roster_id, now)
        _record(session, request, house, officer, "roster.upload", roster_id, now, roster=roster)

    house.database.transact(work)
    return roster_id


@asynccontextmanager
async def _spooled(request: Request) -> AsyncIterator[BinaryIO]:
    with tempfile.TemporaryFile(prefix="roster-") as file:
        async for chunk in request.stream():
            await run_in_threadpool(file.write, chunk)
        yield file


def _answer(
    request: Request,
    house: House,
    officer: Officer,
    roster_id: uuid.UUID,
    after: int,
    now: datetime,
) -> RosterAnswer:
    def work(session: Session) -> RosterAnswer:
        roster = _roster(session, officer, roster_id, now)
        _record(session, request, house, officer, "roster.view", roster_id, now)
        lines = _faults(session, roster_id, after=after, limit=SEVERAL)
        return RosterAnswer(
            id=roster.id,
            institution=roster.institution,
            state=RosterState(roster.state),
            lines=roster.lines,
            refused=roster.refused,
            digest=roster.digest,
            uploaded_at=roster.uploaded_at,
            faults=[LineAnswer(line=line.number, code=LineFault(line.fault)) for line in lines],
        )

    return house.database.transact(work)


def _faults(
    session: Session, roster_id: uuid.UUID, *, after: int, limit: int
) -> list[RosterLine]:
    lines = select(RosterLine).where(
        RosterLine.roster_id == roster_id,
        RosterLine.fault.is_not(None),
        RosterLine.number > after,
    )
    return list(session.scalars(lines.order_by(RosterLine.number).limit(limit)))


def _report_rows(house: House, roster_id: uuid.UUID) -> Iterator[tuple[object, ...]]:
    after = -1
    while True:
        lines = (
            select(RosterLine.number, RosterLine.reference, RosterLine.fault)
            .where(RosterLine.roster_id == roster_id, RosterLine.number > after)
            .order_by(RosterLine.number)
            .limit(SEVERAL)
        )
        with house.database.reading() as session:
            rows = session.execute(lines).all()
        if not rows:
            return
        for number, reference, fault in rows:
            yield number, reference, fault or "ok"
        after = rows[-1][0]


def _own_rows(
    house: House, numbers: frozenset[str], on: date
) -> Iterator[tuple[object, ...]]:
    after: uuid.UUID | None = None
    while True:
        with house.database.reading() as session:
            shown = entries(
                session, numbers, keys=house.ring.keys, on=on, after=after, limit=SEVERAL
            )
        if not shown:
            return
        for one in shown:
            yield one.shown, one.institution, one.category, one.begin, one.end, one.state
        after = shown[-1].teacher_id


def _as_file(name: str) -> dict[str, Any]:
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
