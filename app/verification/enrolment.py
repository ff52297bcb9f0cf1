"""How a device becomes a till: a code that somebody hands out once, exchanged for a till key.

Knows how long a code lives and that it counts once, whoever races for it; hides how it is kept.
What is wrong with a refused code is told to nobody.
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards.numbers import enrolment_code_of, new_enrolment_code
from app.errors import Forbidden
from app.partners import Partner
from app.verification import tills
from app.verification.model import Enrolment, Till

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a device gets: its key, and whose till it is now."""

    key: str = field(repr=False)
    till_id: uuid.UUID
    till: str
    partner: str


def new_code(session: Session, till: Till, *, test: bool, now: datetime) -> str:
    """Make a code for a till and return its text, which is shown this once and never kept."""
    code = new_enrolment_code()
    session.add(
        Enrolment(
            code_sha256=_hash(code),
            till_id=till.id,
            test=test,
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    return code


def enrol(session: Session, typed: str, *, now: datetime) -> Enrolled:
    """Use a code up for a new till key; `Forbidden` when it does not count, or not any more."""
    code = enrolment_code_of(typed)
    at_work = select(Till.id).join(Partner).where(Partner.stopped_at.is_(None))
    used = (
        update(Enrolment)
        .where(Enrolment.code_sha256 == _hash(code or ""), Enrolment.used_at.is_(None))
        .where(Enrolment.expires_at > now)
        .where(Enrolment.till_id.in_(at_work))
        .values(used_at=now)
        .returning(Enrolment.till_id, Enrolment.test)
    )
    found = session.connection().execute(used).one_or_none()
    if found is None:
        raise Forbidden("This enrolment code does not count, or not any more. Ask for a new one.")
    till = session.get_one(Till, found.till_id)
    key = tills.new_key(session, till, test=found.test, now=now)
    return Enrolled(key, till.id, till.name, till.partner.name)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("ascii")).digest()
