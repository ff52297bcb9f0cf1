"""For the personnel office's own software: bring a roster, and read how it stands.

Submitting and releasing are for people, on the pages of `app.api.roster`.
"""

import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import BinaryIO

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.api.problems import PROBLEM_RESPONSES, problem
from app.api.roster_desk import SEVERAL, Desk, TheDesk, refused_lines
from app.api.visitors import require_own_form
from app.epd.rosters.model import RosterState
from app.epd.rosters.reading import LineFault, Unreadable

router = APIRouter(tags=["personnel office"], prefix="/api/v1/rosters", responses=PROBLEM_RESPONSES)

MEDIA_TYPES = ("text/csv", "application/json", "application/x-ndjson")
BODY = {
    "requestBody": {
        "required": True,
        "content": {media_type: {} for media_type in MEDIA_TYPES},
    }
}


class LineAnswer(BaseModel):
    """A refused line; `code` is one of a fixed list."""

    line: int
    code: LineFault


class RosterAnswer(BaseModel):
    """How a roster stands, with refused lines after line `after`, at most 500."""

    id: uuid.UUID
    institution: str
    state: RosterState
    lines: int
    refused: int
    digest: str
    uploaded_at: datetime
    faults: list[LineAnswer]


@router.post("", status_code=201, response_model=RosterAnswer, openapi_extra=BODY)
async def post_roster(request: Request, desk: TheDesk) -> Response:
    """Read a CSV file, JSON lines or a JSON document `{"records": [...]}` into a draft."""
    csrf = request.headers.get("x-csrf-token", "")
    require_own_form(request, desk.house, desk.officer.token, csrf)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES or "content-encoding" in request.headers:
        raise HTTPException(415)
    async with _spooled(request) as file:
        try:
            roster_id = await run_in_threadpool(desk.read_in, file)
        except Unreadable as refused:
            detail = f"The file cannot be read as a roster: {refused.fault}."
            return await run_in_threadpool(
                problem, request, "malformed-request", 422, detail=detail
            )
    answer = await run_in_threadpool(_answer, desk, roster_id, 0)
    headers = {"location": f"/api/v1/rosters/{roster_id}"}
    return Response(answer.model_dump_json(), 201, headers, media_type="application/json")


@router.get("/{roster_id}")
def get_roster(desk: TheDesk, roster_id: uuid.UUID, after: int = 0) -> RosterAnswer:
    """How a roster stands."""
    return _answer(desk, roster_id, after)


@asynccontextmanager
async def _spooled(request: Request) -> AsyncIterator[BinaryIO]:
    with tempfile.TemporaryFile(prefix="roster-") as file:
        async for chunk in request.stream():
            await run_in_threadpool(file.write, chunk)
        yield file


def _answer(desk: Desk, roster_id: uuid.UUID, after: int) -> RosterAnswer:
    def work(session: Session) -> RosterAnswer:
        roster = desk.roster(session, roster_id, "roster.view")
        faults = refused_lines(session, roster_id, after=after, limit=SEVERAL)
        return RosterAnswer(
            id=roster.id,
            institution=roster.institution,
            state=RosterState(roster.state),
            lines=roster.lines,
            refused=roster.refused,
            digest=roster.digest,
            uploaded_at=roster.uploaded_at,
            faults=[LineAnswer(line=line, code=LineFault(fault)) for line, fault in faults],
        )

    return desk.house.database.transact(work)
