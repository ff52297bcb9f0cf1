"""A right to a card that the card office gives by hand, until the personnel file speaks.

Kept as what one more source says of a person. News of the person from EPD ends it, whatever the
news is: from then on EPD decides.
"""

import uuid
from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.entitlement import PersonnelStatus
from app.db import insert_once
from app.epd.model import OFFICE, PersonnelRecord, status_to_json

LONGEST = timedelta(days=90)


def grant(session: Session, teacher_id: uuid.UUID, *, until: date, now: datetime) -> None:
    """Give a right from today up to and including a day, in place of an earlier one."""
    end_grants(session, [teacher_id])
    status = PersonnelStatus(granted=(belgian_day(now), until))
    insert_once(
        session,
        PersonnelRecord,
        {
            "teacher_id": teacher_id,
            "source": OFFICE,
            "version": 1,
            "changed_at": now,
            "received_at": now,
            "snapshot": status_to_json(status),
        },
    )


def end_grants(session: Session, teacher_ids: Collection[uuid.UUID]) -> None:
    """Take back what was given by hand to these."""
    if teacher_ids:
        given = delete(PersonnelRecord).where(
            PersonnelRecord.teacher_id.in_(list(teacher_ids)), PersonnelRecord.source == OFFICE
        )
        session.execute(given, execution_options={"synchronize_session": False})
