"""How an official comes to a person's record: by a whole number, with a purpose, for half an hour.

A look-up opens a case, which only its official can come back to; each opening, each look and
each search that finds nobody is written down first. There is no search by name and no list of
people, so that nobody can leaf through.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit import object_of
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.cards.model import Card, Teacher
from app.cards.numbers import card_number_of
from app.epd import intake
from app.epd.messages import InszFault, checked_insz
from app.errors import NotFound
from app.office.desk import Desk
from app.office.model import OfficeCase

OPEN_FOR = timedelta(minutes=30)
MAX_REFERENCE = 80
# Eleven digits in a row, however they are set apart: it could be somebody's national number.
NUMBER_LIKE = re.compile(r"(?:\d[\s./-]*){11}")
BATCH = 200


class Purpose(StrEnum):
    """Why an official looks at somebody's record."""

    HOLDER_ASKS = "holder-asks"
    PARTNER_REPORTS = "partner-reports"
    FILE_CORRECTION = "file-correction"
    INVESTIGATION = "investigation"
    SECOND_PERSON = "second-person"


@dataclass(frozen=True, slots=True)
class Reason:
    """The purpose, and where it can be found again: a number of a ticket, a letter, a call."""

    purpose: Purpose
    reference: str

    def __post_init__(self) -> None:
        """ValueError for a reference that says nothing, too much, or somebody's number."""
        if not said(self.reference, MAX_REFERENCE):
            raise ValueError("a reference has 1 to 80 characters and holds no national number")

    def __str__(self) -> str:
        return f"{self.purpose}: {self.reference.strip()}"


def said(words: str, most: int) -> bool:
    """Whether somebody said something, not too much, and nobody's number."""
    proper = words.isprintable() and NUMBER_LIKE.search(words) is None
    return proper and 0 < len(words.strip()) <= most


def read_number(text: str) -> str | Insz | None:
    """The card number or the national number in a text; None when it is neither."""
    number = card_number_of(text)
    if number is not None:
        return number
    try:
        return checked_insz(text.strip())
    except InszFault:
        return None


def open_case(
    session: Session, number: str | Insz, *, why: Reason, desk: Desk, keys: Keys, now: datetime
) -> uuid.UUID | None:
    """Open the record of the person with this number; None when there is none, also noted."""
    teacher = _teacher(session, number, keys)
    kind = "card number" if isinstance(number, str) else "national number"
    if teacher is None:
        desk.note(session, "person.miss", "teacher:none", purpose=str(why), by=kind, now=now)
        return None
    return open_record(session, teacher.id, why=why, desk=desk, by=kind, now=now)


def open_record(
    session: Session, teacher_id: uuid.UUID, *, why: Reason, desk: Desk, by: str, now: datetime
) -> uuid.UUID:
    """Open the record of somebody who is known already; `by` says how the official got there."""
    case = OfficeCase(
        teacher_id=teacher_id, opened_by=desk.subject, purpose=str(why), opened_at=now
    )
    session.add(case)
    session.flush()
    desk.note(session, "person.open", _on(case), purpose=case.purpose, by=by, now=now)
    return case.id


def seen(
    session: Session, case_id: uuid.UUID, *, desk: Desk, now: datetime, what: str = "view"
) -> OfficeCase:
    """A case of this official that is still open, once more looked at: that is noted too."""
    case = own(session, case_id, desk=desk, now=now)
    desk.note(session, f"person.{what}", _on(case), purpose=case.purpose, now=now)
    return case


def own(session: Session, case_id: uuid.UUID, *, desk: Desk, now: datetime) -> OfficeCase:
    """A case of this official that is still open; `NotFound` for every other."""
    found = select(OfficeCase).where(
        OfficeCase.id == case_id,
        OfficeCase.opened_by == desk.subject,
        OfficeCase.opened_at > now - OPEN_FOR,
    )
    case = session.scalars(found).one_or_none()
    if case is None:
        raise NotFound("This record is not open, or not any more. Look the person up again.")
    return case


def close_old(session: Session, *, now: datetime) -> int:
    """Delete up to 200 cases that are over; the record of acts keeps what was done in them."""
    over = select(OfficeCase.id).where(OfficeCase.opened_at <= now - OPEN_FOR).limit(BATCH)
    ids = session.scalars(over).all()
    session.execute(delete(OfficeCase).where(OfficeCase.id.in_(ids)))
    return len(ids)


def _teacher(session: Session, number: str | Insz, keys: Keys) -> Teacher | None:
    if isinstance(number, Insz):
        return intake.known(session, number, keys=keys)
    found = select(Teacher).join(Card).where(Card.number == number)
    return session.scalars(found).one_or_none()


def _on(case: OfficeCase) -> str:
    return object_of("teacher", case.teacher_id)
