"""The browser's side of being logged in: attempts under way, sessions, form tokens.

Knows the limits of a session (30 minutes idle, 8 hours in all) and where a log-in may
lead back to. Hides what of a cookie is stored. Every function takes an open session of
the database; none commits, and reading a session writes nothing.
"""

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.identity.authorization import LoginAttempt
from app.identity.model import Handoff, StoredAttempt, WebSession
from app.identity.refusal import Cause, LoginRefused
from app.identity.roles import Capacity
from app.identity.secret_text import SECRET_LENGTH, fingerprint, new_secret

ATTEMPT_LIFETIME = timedelta(minutes=10)
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
# `last_seen_at` is written no more often than this, so that looking at pages stays reading.
TOUCH_EVERY = timedelta(minutes=1)
# A clock that was set back must not lengthen a session: one from the future is over.
CLOCK_SKEW = timedelta(minutes=1)

HOME = "/"
# A path of this house: no scheme, host, query, dot segment, backslash or escape can stand in it.
LOCAL_PATH = re.compile(r"/(?:[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*)?")
MAX_PATH_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session that is in force; its token is not in it."""

    id: uuid.UUID
    teacher_id: uuid.UUID | None
    sealed_person: bytes | None = field(repr=False)
    authenticated_at: datetime
    created_at: datetime
    touch_due: bool


def open_attempt(session: Session, attempt: LoginAttempt, *, return_to: str) -> str:
    """Remember an attempt; returns the text for the browser's log-in cookie.

    A `return_to` that is not plainly a path of ours becomes the start page.
    """
    browser = new_secret()
    session.add(
        StoredAttempt(
            state_hash=attempt.state_hash,
            browser_hash=fingerprint(browser),
            issuer=attempt.issuer,
            nonce=attempt.nonce,
            code_verifier=attempt.code_verifier,
            max_age_s=attempt.max_age_s,
            return_to=local_path(return_to),
            capacity=attempt.capacity,
            step_up=attempt.step_up,
            created_at=attempt.begun_at,
        )
    )
    return browser


def take_attempt(
    session: Session, *, state: str, browser: str, now: datetime
) -> tuple[LoginAttempt, str]:
    """Use up the attempt of this state and this browser; returns it with the path to go on to.

    `LoginRefused` when there is none: never begun, used already, older than ten minutes, or
    begun in another browser, whose own attempt stays untouched. Commit before the code is
    exchanged: of two callbacks with one state only one gets here.
    """
    statement = (
        delete(StoredAttempt)
        .where(
            StoredAttempt.state_hash == fingerprint(state),
            StoredAttempt.browser_hash == fingerprint(browser),
            StoredAttempt.created_at > now - ATTEMPT_LIFETIME,
        )
        .returning(StoredAttempt)
    )
    taken = session.scalars(statement).one_or_none()
    if taken is None:
        raise LoginRefused(Cause.ATTEMPT)
    attempt = LoginAttempt(
        issuer=taken.issuer,
        state_hash=taken.state_hash,
        nonce=taken.nonce,
        code_verifier=taken.code_verifier,
        max_age_s=taken.max_age_s,
        begun_at=taken.created_at,
        capacity=Capacity(taken.capacity),
        step_up=taken.step_up,
    )
    return attempt, taken.return_to


def local_path(text: str) -> str:
    """`text` if it is plainly a path of this house, else the start page (no open redirect)."""
    return text if len(text) <= MAX_PATH_LENGTH and LOCAL_PATH.fullmatch(text) else HOME


def begin_session(
    session: Session,
    *,
    teacher_id: uuid.UUID | None,
    authenticated_at: datetime,
    now: datetime,
    sealed_person: bytes | None = None,
    begun_at: datetime | None = None,
    replaces: str | None = None,
) -> str:
    """Log a browser in; returns the token for its cookie, always a new one.

    `begun_at` is when the log-in began that is handed on, so that it gets no longer by that.
    `replaces` is the session token that the browser came with, if any: it ends here, so that
    nobody who planted or saw it shares the new session.
    """
    if replaces is not None:
        end_session(session, replaces)
    token = new_secret()
    session.add(
        WebSession(
            token_hash=fingerprint(token),
            teacher_id=teacher_id,
            sealed_person=sealed_person,
            authenticated_at=authenticated_at,
            created_at=begun_at or now,
            last_seen_at=now,
        )
    )
    return token


def find_session(session: Session, token: str, *, now: datetime) -> SessionView | None:
    """The session of a cookie, None when there is none in force. Only reads.

    When `touch_due`, the caller runs `touch_session` in a transaction of its own.
    """
    if len(token) != SECRET_LENGTH:
        return None
    found = session.scalars(
        select(WebSession).where(WebSession.token_hash == fingerprint(token))
    ).one_or_none()
    if found is None or now - found.created_at >= ABSOLUTE:
        return None
    unseen = now - found.last_seen_at
    if not -CLOCK_SKEW <= unseen < IDLE:
        return None
    return SessionView(
        id=found.id,
        teacher_id=found.teacher_id,
        sealed_person=found.sealed_person,
        authenticated_at=found.authenticated_at,
        created_at=found.created_at,
        touch_due=unseen >= TOUCH_EVERY,
    )


def touch_session(session: Session, session_id: uuid.UUID, *, now: datetime) -> None:
    """Note that the session is in use; a session that has ended meanwhile stays ended."""
    session.execute(
        update(WebSession)
        .where(WebSession.id == session_id, WebSession.last_seen_at < now)
        .values(last_seen_at=now)
    )


def end_session(session: Session, token: str) -> None:
    """Log the browser of this token out; nothing happens when it was not logged in."""
    session.execute(delete(WebSession).where(WebSession.token_hash == fingerprint(token)))


def end_sessions_of(session: Session, teacher_id: uuid.UUID, *, but: str | None = None) -> int:
    """Log a teacher out everywhere, `but` in the browser of that token; returns how often."""
    session.execute(delete(Handoff).where(Handoff.teacher_id == teacher_id))
    statement = delete(WebSession).where(WebSession.teacher_id == teacher_id)
    if but is not None:
        statement = statement.where(WebSession.token_hash != fingerprint(but))
    return len(session.execute(statement.returning(WebSession.id)).all())


def csrf_token(token: str) -> str:
    """The text that every form of this session must send back (synchroniser token).

    Derived from the session token, which only the browser's cookie holds: nothing is stored,
    and a page that shows it does not show the session.
    """
    return hmac.digest(token.encode(), b"csrf", hashlib.sha256).hex()


def csrf_matches(token: str, presented: str) -> bool:
    """Whether a form came from a page of this very session; constant in time."""
    return hmac.compare_digest(fingerprint(csrf_token(token)), fingerprint(presented))
