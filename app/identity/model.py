"""Log-ins on their way and sessions: what the database keeps of a browser.

Knows that nothing stored here opens a door: states, cookies and session tokens are kept
as fingerprints (`secret_text`). A row that is gone is a log-in or session that is over.
"""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.cards.model import Teacher
from app.db import Base, Identified, Moment


class StoredAttempt(Identified, Base):
    """A log-in whose browser is at the provider; taken once, or left to retention."""

    __tablename__ = "login_attempt"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # Of the cookie that only the browser which began this log-in holds.
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    issuer: Mapped[str] = mapped_column(String(500))
    nonce: Mapped[str] = mapped_column(String(43))
    code_verifier: Mapped[str] = mapped_column(String(43))
    max_age_s: Mapped[int | None] = mapped_column(Integer)
    return_to: Mapped[str] = mapped_column(String(200))
    # `roles.Capacity` in which the person is to come back.
    capacity: Mapped[str] = mapped_column(String(3))
    step_up: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)


class WebSession(Identified, Base):
    """A browser that is logged in."""

    __tablename__ = "web_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # None for people of the office, schools and partners: they need no card.
    teacher_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Teacher.id), index=True)
    # Who logged in, sealed by the key ring: a teacher's number for the personnel file and name
    # for the card, or an official with organisation and roles. It lives no longer than the session.
    sealed_person: Mapped[bytes | None] = mapped_column(LargeBinary)
    # When the person proved who they are, by the provider's clock.
    authenticated_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment, index=True)
