"""From events of cards to mails that are due: looked at once, leased, and gone when sent.

An event is marked and its notice made in one transaction, so none is lost and none made twice.
A worker leases a few; whatever dies before the end of its lease is tried again by anybody.
"""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.cards.model import UNTOLD, Card, CardEvent, Teacher
from app.notices.model import Kind, Notice, Subscription
from app.notices.subscribing import CONFIRM_WITHIN, due, unsubscribe

EVENTS = 200
# Longer than a few mails can take, with all their time-outs.
LEASE = timedelta(minutes=10)
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 6 * 3600.0
# News older than this helps nobody; what was given up is shown for a month.
PATIENCE = timedelta(days=3)
SHOWN = timedelta(days=30)

_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Notices that were given up for one reason, and since when the oldest was."""

    reason: str
    count: int
    since: datetime | None


def collect(session: Session, *, now: datetime) -> int:
    """Look at the next events that nobody has looked at; how many there were."""
    untold = select(CardEvent).where(UNTOLD).order_by(CardEvent.id).limit(EVENTS)
    events = session.scalars(untold.with_for_update(skip_locked=True)).all()
    wanted = (
        select(Card.id, Subscription.teacher_id)
        .join(Subscription, Subscription.teacher_id == Card.teacher_id)
        .join(Teacher, Teacher.id == Card.teacher_id)
        .where(Card.id.in_([event.card_id for event in events]))
        .where(Subscription.confirmed_at.is_not(None), Teacher.address.is_not(None))
    )
    holders = dict(session.execute(wanted).all())
    for event in events:
        event.untold = False
        if holder := holders.get(event.card_id):
            notice = due(holder, Kind(event.what), why=event.why, at=event.at)
            notice.next_attempt_at = now
            session.add(notice)
    return len(events)


def take(session: Session, *, limit: int, now: datetime) -> list[Notice]:
    """Lease what is due, the oldest first."""
    ready = (
        select(Notice)
        .where(Notice.parked_at.is_(None), Notice.next_attempt_at <= now)
        .order_by(Notice.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    notices = list(session.scalars(ready))
    for notice in notices:
        notice.next_attempt_at = now + LEASE
        notice.attempts += 1
    return notices


def gone(session: Session, notice_id: uuid.UUID) -> None:
    """It was sent, or there is nobody to send it to any more."""
    session.execute(delete(Notice).where(Notice.id == notice_id))


def failed(
    session: Session, notice_id: uuid.UUID, *, reason: str, final: bool, now: datetime
) -> None:
    """Try again later, or never when the answer was final or the news is old."""
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        return
    if final or now - notice.at >= PATIENCE:
        notice.parked_at, notice.parked_reason = now, reason
        return
    # Exponential back-off with full jitter; the exponent has a ceiling of its own.
    top_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(notice.attempts, 12))
    notice.next_attempt_at = now + timedelta(seconds=_random.uniform(FIRST_WAIT_S, top_s))


def given_up(session: Session) -> Sequence[GivenUp]:
    """What waits for nothing any more, by the mail server's reason; names nobody."""
    counted = (
        select(func.coalesce(Notice.parked_reason, ""), func.count(), func.min(Notice.parked_at))
        .where(Notice.parked_at.is_not(None))
        .group_by(Notice.parked_reason)
        .order_by(Notice.parked_reason)
    )
    return [GivenUp(*row) for row in session.execute(counted)]


def forget(session: Session, *, now: datetime, limit: int) -> int:
    """Delete what was given up long ago, and addresses that nobody confirmed in time."""
    old = select(Notice.id).where(Notice.parked_at < now - SHOWN).limit(limit)
    ids = session.scalars(old).all()
    session.execute(delete(Notice).where(Notice.id.in_(ids)))
    unconfirmed = (
        select(Subscription.teacher_id)
        .where(Subscription.confirmed_at.is_(None), Subscription.asked_at <= now - CONFIRM_WITHIN)
        .limit(limit)
    )
    teachers = session.scalars(unconfirmed).all()
    for teacher_id in teachers:
        unsubscribe(session, teacher_id)
    return len(ids) + len(teachers)
