"""What may still be done with a verdict that was given: see it again, or take it back.

A till takes back its own check within ten minutes, when the sale came to nothing: it is no use
then, but the code stays used.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.verification.model import Scan

VOIDABLE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One verdict of a partner as it stands on record, as far as a receipt may tell."""

    scan_id: uuid.UUID
    partner: str
    till: str
    at: datetime
    valid: bool
    reason: str
    grade: str | None
    test: bool
    uploaded_at: datetime | None
    voided_at: datetime | None


def void(session: Session, scan_id: uuid.UUID, till_id: uuid.UUID, *, now: datetime) -> Recorded:
    """Take back a use at the till that made it; twice is as once.

    `NotFound` for a check of another till, `Conflict` for a refusal and after ten minutes.
    """
    own = select(Scan).where(Scan.id == scan_id, Scan.till_id == till_id)
    scan = session.scalars(own.with_for_update()).one_or_none()
    if scan is None:
        raise NotFound("There is no such verification of this till.")
    if not scan.valid:
        raise Conflict("A check that was refused is no use, so there is nothing to take back.")
    if scan.voided_at is None:
        if now - (scan.uploaded_at or scan.at) > VOIDABLE:
            raise Conflict("A check can be taken back within ten minutes only.")
        scan.voided_at = now
    return _recorded(scan)


def on_record(session: Session, scan_id: uuid.UUID, partner_id: uuid.UUID) -> Recorded:
    """A verdict that this partner got; `NotFound` otherwise."""
    own = select(Scan).where(Scan.id == scan_id, Scan.partner_id == partner_id)
    scan = session.scalars(own).one_or_none()
    if scan is None:
        raise NotFound("There is no such verification.")
    return _recorded(scan)


def _recorded(scan: Scan) -> Recorded:
    return Recorded(
        scan_id=scan.id,
        partner=scan.till.partner.name,
        till=scan.till.name,
        at=scan.at,
        valid=scan.valid,
        reason=scan.reason,
        grade=scan.grade,
        test=scan.test,
        uploaded_at=scan.uploaded_at,
        voided_at=scan.voided_at,
    )
