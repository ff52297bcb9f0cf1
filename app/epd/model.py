"""What the personnel file last said of each teacher, and whether news is newer.

Knows how a `PersonnelStatus` is kept as JSON and that a record only ever moves forward: a
message that arrives late, twice or out of order changes nothing. No name is stored; the national
number only where the pull needs it, and then sealed by the key ring before it comes here.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    LargeBinary,
    String,
    and_,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.cards.card_year import belgian_day
from app.cards.entitlement import Employment, Interruption, PersonnelStatus, StaffCategory
from app.db import Base, Moment, insert_once
from app.epd.messages import Snapshot
from app.provinces import province

EPD = "EPD"
# The card office, where it gives a right by hand.
OFFICE = "OFFICE"


class PersonnelRecord(Base):
    """The newest snapshot of one teacher from one source.

    A source is EPD itself, the card office, or an institution that lists its own staff (then its
    six-digit number): each numbers its own versions, and one never overwrites what another says.
    """

    __tablename__ = "epd_person"

    teacher_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teacher.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    # AES-256-GCM by the key ring; only where the pull asks about this person again.
    insz_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment)
    # `status_to_json` of what it said.
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    # ISO 3166-2; None is unknown or abroad.
    home_province: Mapped[str | None] = mapped_column(String(6))
    # The first day on which the source, naming everybody it knows, no longer named this person:
    # whatever ran there ended the day before. News of the same version brings it back.
    absent_since: Mapped[date | None]


class Institution(Base):
    """Where a school stands, by its six-digit number; from the government's open data."""

    __tablename__ = "institution"

    number: Mapped[str] = mapped_column(String(6), primary_key=True)
    postcode: Mapped[str] = mapped_column(String(4))


def place_of_number(teacher_id: uuid.UUID) -> str:
    """Where the sealed number of a teacher belongs."""
    return f"epd_person|insz|{teacher_id}"


def store(
    session: Session,
    teacher_id: uuid.UUID,
    record: Snapshot,
    *,
    source: str = EPD,
    insz_encrypted: bytes | None = None,
    now: datetime,
) -> bool:
    """Keep a snapshot if its version is higher than the stored one; True when it was kept.

    Compare and set in one statement, so that of two processes with two versions the higher one
    stays, in whatever order they come. Without a sealed number the stored one stays.
    """
    key = {"teacher_id": teacher_id, "source": source}
    values: dict[str, Any] = {
        "version": record.version,
        "changed_at": record.changed_at,
        "received_at": now,
        "snapshot": status_to_json(record.status),
        "home_province": province(record.postcode, belgian_day(now)),
        "absent_since": None,
    }
    if insz_encrypted is not None:
        values["insz_encrypted"] = insz_encrypted
    if insert_once(session, PersonnelRecord, key | values):
        return True
    older = update(PersonnelRecord).filter_by(**key).where(overtaken_by(record.version))
    return bool(session.connection().execute(older.values(values)).rowcount)


def overtaken_by(version: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether news of a version counts against a stored record: newer, or back after absence."""
    same_again = and_(PersonnelRecord.version == version, PersonnelRecord.absent_since.is_not(None))
    return or_(PersonnelRecord.version < version, same_again)


def status_of(session: Session, teacher_id: uuid.UUID) -> PersonnelStatus | None:
    """What all sources together say of a teacher; None when none ever said anything."""
    return statuses_of(session, [teacher_id]).get(teacher_id)


def statuses_of(
    session: Session, teacher_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, PersonnelStatus]:
    """What all sources together say of each teacher, in one query; the unheard of are not in it."""
    rows = session.execute(
        select(
            PersonnelRecord.teacher_id,
            PersonnelRecord.source,
            PersonnelRecord.snapshot,
            PersonnelRecord.absent_since,
        )
        .where(PersonnelRecord.teacher_id.in_(list(teacher_ids)))
        .order_by(PersonnelRecord.teacher_id, PersonnelRecord.source)
    )
    return {
        teacher_id: _together(
            [
                (source, without_running(status_from_json(snapshot), absent_since))
                for _, source, snapshot, absent_since in said
            ]
        )
        for teacher_id, said in groupby(rows, key=itemgetter(0))
    }


def without_running(status: PersonnelStatus, absent_since: date | None) -> PersonnelStatus:
    """The status once its source left the person out: nothing runs on or begins from that day."""
    if absent_since is None:
        return status
    last = absent_since - timedelta(days=1)
    return replace(
        status,
        employments=tuple(
            employment
            if employment.end is not None and employment.end <= last
            else replace(employment, end=last)
            for employment in status.employments
        ),
    )


def _together(known: list[tuple[str, PersonnelStatus]]) -> PersonnelStatus:
    deaths = [status.deceased_on for _, status in known if status.deceased_on is not None]
    employments = tuple(e for source, s in known if source == EPD for e in s.employments)
    return PersonnelStatus(
        employments=employments,
        interruptions=tuple(leave for _, s in known for leave in s.interruptions),
        deceased_on=min(deaths, default=None),
        listed_by_institution=tuple(
            e
            for source, s in known
            if source != EPD
            for e in s.employments
            if not taken_over(e, employments)
        ),
        granted=next((s.granted for _, s in known if s.granted is not None), None),
    )


def taken_over(listed: Employment, employments: Iterable[Employment]) -> bool:
    """Whether EPD has learnt the person since: what it says from that time on counts alone.

    An employment that was over before the listed one began is another story.
    """
    return any(known.end is None or known.end >= listed.begin for known in employments)


def status_to_json(status: PersonnelStatus) -> dict[str, Any]:
    """One source's status as JSON: ISO dates, the volume as numerator and denominator."""
    return {
        "employments": [
            {
                "institution": employment.institution,
                "main_structure": employment.main_structure,
                "category": employment.category,
                "begin": employment.begin.isoformat(),
                "end": employment.end and employment.end.isoformat(),
                "administrative_state": employment.administrative_state,
                "tadd": employment.tadd,
                "volume": list(employment.volume.as_integer_ratio()),
            }
            for employment in status.employments
        ],
        "interruptions": [
            {
                "kind": leave.kind,
                "full": leave.full,
                "begin": leave.begin.isoformat(),
                "end": leave.end and leave.end.isoformat(),
            }
            for leave in status.interruptions
        ],
        "deceased_on": status.deceased_on and status.deceased_on.isoformat(),
    } | ({"granted": [day.isoformat() for day in status.granted]} if status.granted else {})


def status_from_json(kept: dict[str, Any]) -> PersonnelStatus:
    """Undo `status_to_json`."""
    return PersonnelStatus(
        employments=tuple(
            Employment(
                **employment
                | _period(employment)
                | {
                    "category": StaffCategory(employment["category"]),
                    "volume": Fraction(*employment["volume"]),
                }
            )
            for employment in kept["employments"]
        ),
        interruptions=tuple(
            Interruption(**leave | _period(leave)) for leave in kept["interruptions"]
        ),
        deceased_on=_day(kept["deceased_on"]),
        granted=_granted(kept.get("granted")),
    )


def _period(kept: dict[str, Any]) -> dict[str, date | None]:
    return {"begin": _day(kept["begin"]), "end": _day(kept["end"])}


def _granted(kept: list[str] | None) -> tuple[date, date] | None:
    return None if kept is None else (date.fromisoformat(kept[0]), date.fromisoformat(kept[1]))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
