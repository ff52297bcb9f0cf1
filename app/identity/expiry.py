"""The end of what the database keeps of browsers and machines: rows that open nothing any more.

Attempts and sessions are refused at their end by `sessions`, tokens by `access_tokens`; here
their rows go, so that nothing is kept for longer than it serves.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from app.identity.handoff import LIFETIME as HANDOFF_LIFETIME
from app.identity.model import AccessToken, Handoff, SpentAssertion, StoredAttempt, WebSession
from app.identity.sessions import ABSOLUTE, ATTEMPT_LIFETIME, IDLE

BATCH = 200


def delete_expired(session: Session, *, now: datetime) -> int:
    """Delete up to 200 rows of each kind; the number deleted."""
    unfinished = StoredAttempt.created_at < now - ATTEMPT_LIFETIME
    over = or_(WebSession.last_seen_at < now - IDLE, WebSession.created_at < now - ABSOLUTE)
    return sum(
        _delete(session, rows, expired)
        for rows, expired in (
            (StoredAttempt, unfinished),
            (WebSession, over),
            (Handoff, Handoff.created_at < now - HANDOFF_LIFETIME),
            (AccessToken, AccessToken.expires_at < now),
            (SpentAssertion, SpentAssertion.expires_at < now),
        )
    )


def _delete(
    session: Session,
    rows: type[StoredAttempt | WebSession | Handoff | AccessToken | SpentAssertion],
    expired: ColumnElement[bool],
) -> int:
    ids = session.scalars(select(rows.id).where(expired).limit(BATCH)).all()
    session.execute(delete(rows).where(rows.id.in_(ids)))
    return len(ids)
