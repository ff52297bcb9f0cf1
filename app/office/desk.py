"""Who of the card office is at work, and that it is written down.

Every act of the office goes into the record of acts in the transaction that does it or reads for
it; where that cannot be written, nothing is done and nothing is shown.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app import audit
from app.audit import Act, AuditKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An official in one request; `subject` is the same person whatever account is used."""

    subject: str
    capacity: str
    organisation: str
    request_id: str
    key: AuditKey = field(repr=False)

    def note(
        self,
        session: Session,
        action: str,
        on: str,
        *,
        purpose: str = "",
        now: datetime,
        **details: str | int,
    ) -> None:
        """Write down an act on an object such as `teacher:0198…`."""
        act = Act(
            actor=self.subject,
            capacity=self.capacity,
            organisation=self.organisation,
            action=action,
            object=on,
            purpose=purpose,
            request_id=self.request_id,
            details=details,
        )
        audit.record(session, act, key=self.key, now=now)
