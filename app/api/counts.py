"""A partner's own counts as a file that a spreadsheet opens and a program reads."""

import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from app.api.askers import TAKES_EITHER, Either, asker_of
from app.api.deps import Now, TheHouse
from app.api.problems import PROBLEM_RESPONSES
from app.cards.card_year import belgian_day
from app.csv_file import csv_lines
from app.db import Database
from app.verification.own_counts import Line, rows

LONGEST = timedelta(days=366)
USUAL = timedelta(days=30)

First = Annotated[
    date | None, Query(alias="from", description="30 days before the last, if absent.")
]
Last = Annotated[date | None, Query(alias="to", description="Today, if absent.")]

router = APIRouter(tags=["partner"])

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "CSV: semicolons, UTF-8 with a byte-order mark, one line for each kind.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/api/v1/verifications/counts.csv",
    response_class=StreamingResponse,
    responses=RESPONSES | PROBLEM_RESPONSES,
    openapi_extra=TAKES_EITHER,
)
def counts(
    shown: Either,
    house: TheHouse,
    now: Now,
    first: First = None,
    last: Last = None,
) -> StreamingResponse:
    """What all your tills checked, per day, till, channel and benefit; a test key counts tests."""
    first, last = period(first, last, now=now)
    with house.database.reading() as session:
        asker = asker_of(session, shown, now=now)
    return file(house.database, asker.partner_id, first, last, test=asker.test)


def period(first: date | None, last: date | None, *, now: datetime) -> tuple[date, date]:
    """The days that were asked for; refused when they are not within a year."""
    last = last or belgian_day(now)
    first = first or last - USUAL
    if not timedelta(0) <= last - first < LONGEST:
        fault = {"type": "not_within_a_year", "loc": ("query", "from")}
        raise RequestValidationError([fault])
    return first, last


def file(
    database: Database, partner_id: uuid.UUID, first: date, last: date, *, test: bool
) -> StreamingResponse:
    """The counts of a partner, sent while they are read."""
    found = rows(database, partner_id, first, last, test=test)
    headers = {
        "content-disposition": f'attachment; filename="counts-{first}-{last}.csv"',
        "cache-control": "private, no-store",
    }
    return StreamingResponse(csv_lines(Line._fields, found), media_type="text/csv", headers=headers)
