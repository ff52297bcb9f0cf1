"""Where teachers live and work, as far as the personnel file and the list of schools tell.

Knows that EPD goes before what an institution says, and which of several schools counts: the one
with the most hours. A place is a province by ISO 3166-2, "" where it is unknown or abroad.
"""

import csv
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_once
from app.epd.model import EPD, Institution, PersonnelRecord, status_from_json
from app.errors import Conflict
from app.provinces import DIGITS, province

INSTITUTION_DIGITS = 6
# As the open data on schools name them (data-onderwijs.vlaanderen.be).
NUMBER, POSTCODE = "schoolnummer", "postcode"


@dataclass(frozen=True, slots=True)
class Residence:
    """The province of somebody's home and that of their main school."""

    home: str = ""
    work: str = ""


def residences(
    session: Session, teacher_ids: Collection[uuid.UUID], *, on: date
) -> dict[uuid.UUID, Residence]:
    """Where each of these teachers lives and works on a day."""
    records = (
        select(PersonnelRecord.teacher_id, PersonnelRecord.home_province, PersonnelRecord.snapshot)
        .where(PersonnelRecord.teacher_id.in_(teacher_ids))
        # EPD comes last, so that what it says stays.
        .order_by(PersonnelRecord.source == EPD, PersonnelRecord.source)
    )
    homes: dict[uuid.UUID, str] = {}
    schools: dict[uuid.UUID, str] = {}
    for teacher_id, home, snapshot in session.execute(records):
        homes[teacher_id] = home or homes.get(teacher_id, "")
        schools[teacher_id] = _school(snapshot, on) or schools.get(teacher_id, "")
    postcodes = _postcodes(session, set(schools.values()))
    return {
        teacher_id: Residence(
            homes.get(teacher_id, ""),
            province(postcodes.get(schools.get(teacher_id, "")), on) or "",
        )
        for teacher_id in teacher_ids
    }


def import_institutions(session: Session, text: str) -> int:
    """Learn the postcodes of schools from the open data; returns how many were read."""
    # The file ends its lines with CR alone and begins with a byte-order mark.
    lines = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines()
    rows = csv.DictReader(StringIO("\n".join(lines)), delimiter=";")
    if not {NUMBER, POSTCODE} <= set(rows.fieldnames or ()):
        raise Conflict(f"This is no list of schools: it has no columns {NUMBER} and {POSTCODE}.")
    found = dict(_read(rows))
    for number, postcode in found.items():
        if not insert_once(session, Institution, {"number": number, "postcode": postcode}):
            session.get_one(Institution, number).postcode = postcode
    return len(found)


def _read(rows: "csv.DictReader[str]") -> Iterator[tuple[str, str]]:
    for row in rows:
        number, postcode = (row[NUMBER] or "").strip(), (row[POSTCODE] or "").strip()
        if number.isdigit() and postcode.isdigit() and len(postcode) == DIGITS:
            yield number.zfill(INSTITUTION_DIGITS), postcode


def _school(snapshot: Mapping[str, object], on: date) -> str:
    """The institution with the most hours on a day; "" without any."""
    at_work = [
        employment
        for employment in status_from_json(dict(snapshot)).employments
        if employment.begin <= on and (employment.end is None or on <= employment.end)
    ]
    best = max(at_work, key=lambda one: (one.volume, one.institution), default=None)
    return best.institution if best else ""


def _postcodes(session: Session, numbers: Collection[str]) -> dict[str, str]:
    found = select(Institution.number, Institution.postcode)
    wanted = found.where(Institution.number.in_(numbers))
    return {number: postcode for number, postcode in session.execute(wanted)}  # noqa: C416 - rows are no pairs to a type checker
