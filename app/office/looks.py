"""How often each official looked at people: what makes leafing through stand out.

Counts the record of acts; entries lie in the order of their time, so only the days that are asked
about are read.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import AuditEntry

PERIOD = timedelta(days=30)
UNIX_MS_SHIFT = 80  # the first 48 bits of a UUIDv7 are its millisecond (RFC 9562 section 5.7)


@dataclass(frozen=True, slots=True)
class Looks:
    """One official in the period: records opened, of how many people, and look-ups of nobody."""

    actor: str
    opened: int
    people: int
    missed: int


def looks(session: Session, *, now: datetime) -> list[Looks]:
    """Everybody who looked in the last 30 days, who opened most first."""
    opened = AuditEntry.action == "person.open"
    rows = session.execute(
        select(
            AuditEntry.actor,
            func.count().filter(opened).label("opened"),
            func.count(AuditEntry.object.distinct()).filter(opened),
            func.count().filter(AuditEntry.action == "person.miss"),
        )
        .where(AuditEntry.id >= _first_id(now - PERIOD))
        .where(AuditEntry.action.in_(("person.open", "person.miss")))
        .group_by(AuditEntry.actor)
        .order_by(func.count().desc(), AuditEntry.actor)
    )
    return [Looks(actor, opened, people, missed) for actor, opened, people, missed in rows]


def _first_id(moment: datetime) -> uuid.UUID:
    return uuid.UUID(int=int(moment.timestamp() * 1000) << UNIX_MS_SHIFT)
