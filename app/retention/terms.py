"""One table of terms: what is kept for how long, and the statement that ends it.

The worker runs each term in batches of at most 200 rows, a transaction each, and any number of
workers may. The privacy page and every export show the same table. A log of a device or a
request is no row of ours: it is written to the log, without a name, for the operator to keep.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.cards import forgetting
from app.cards.entitlement import CardStatus
from app.cards.model import Card, Teacher, WalletPass
from app.db import insert_once
from app.identity.expiry import delete_expired
from app.identity.sessions import ABSOLUTE
from app.notices.outbox import SHOWN, forget
from app.office import applications, key_revocations
from app.office.cases import close_old
from app.office.proposals import delete_old
from app.passes.model import DeviceRegistration, LiveDevice
from app.retention.erasure import CUT, leave_records
from app.retention.model import RetentionMark
from app.verification.model import Scan

BATCH = 200
NOWHERE_YET = uuid.UUID(int=0)
# A phone needs some time to fetch that its pass is void.
DEVICES = timedelta(days=30)
MINUTE_S, HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Term:
    """One kind of row; `end` ends up to a batch of those past their term and counts them.

    `kept_for` is None for what is kept to 31 December of the year after the one it belongs to.
    """

    name: str
    kept_for: timedelta | None
    end: Callable[[Session, datetime], int]
    every_s: float


def terms(*, scan_link_days: int) -> tuple[Term, ...]:
    """Every term, in the order in which people are told of them."""
    linked = timedelta(days=scan_link_days)
    return (
        Term("log-ins", ABSOLUTE, _end_what_browsers_hold_open, MINUTE_S),
        Term("scan-links", linked, lambda s, now: cut_scan_links(s, before=now - linked), HOUR_S),
        Term("devices", DEVICES, lambda s, now: _delete_devices(s, before=now - DEVICES), HOUR_S),
        Term("notices", SHOWN, lambda s, now: forget(s, now=now, limit=BATCH), HOUR_S),
        Term("former-holders", None, _forget_former_holders, HOUR_S),
        Term(
            "applications",
            applications.KEPT_FOR,
            lambda s, now: applications.delete_old(s, now=now),
            HOUR_S,
        ),
        Term("erasures", None, _delete_marks, HOUR_S),
    )


def _end_what_browsers_hold_open(session: Session, now: datetime) -> int:
    """Sessions, and what officials opened and proposed in theirs."""
    return (
        delete_expired(session, now=now)
        + close_old(session, now=now)
        + delete_old(session, now=now)
        + key_revocations.delete_old(session, now=now)
    )


def cut_scan_links(session: Session, *, before: datetime) -> int:
    """Part the oldest checks from the card: that a partner made them is all that stays.

    Checks lie in the order of their numbers, so what is done is never looked at again. A use
    stays linked until the counters have it (docs/decisions/0023).
    """
    term = "scan-links"
    insert_once(session, RetentionMark, {"term": term, "done_to": NOWHERE_YET})
    mark = session.get_one(RetentionMark, term, with_for_update=True)
    waits = and_(Scan.valid, ~Scan.test, Scan.counted_at.is_(None)).label("waits")
    rows = select(Scan.id, Scan.at, waits).where(Scan.id > mark.done_to).order_by(Scan.id)
    over = takewhile(
        lambda row: row.at < before and not row.waits, session.execute(rows.limit(BATCH))
    )
    due = [row.id for row in over]
    if due:
        session.execute(update(Scan).where(Scan.id.in_(due)).values(CUT))
        mark.done_to = due[-1]
    return len(due)


def _delete_devices(session: Session, *, before: datetime) -> int:
    """Forget on which phones a pass was whose card is over."""
    ended = 0
    for table, key in (
        (DeviceRegistration, DeviceRegistration.id),
        (LiveDevice, LiveDevice.pass_id),
    ):
        over = (
            select(key)
            .join(WalletPass, table.pass_id == WalletPass.id)
            .join(WalletPass.card)
            .where(Card.status.in_((CardStatus.REVOKED, CardStatus.ENDED)))
            .where(WalletPass.revised_at < before)
            .limit(BATCH - ended)
        )
        ids = session.scalars(over).all()
        session.execute(delete(table).where(key.in_(ids)))
        ended += len(ids)
    return ended


def _forget_former_holders(session: Session, now: datetime) -> int:
    """After 31 December of the year after their last card; without one, of their last news."""
    has_card = exists().where(Card.teacher_id == Teacher.id)
    recent_card = exists().where(Card.teacher_id == Teacher.id, Card.year >= now.year - 1)
    long_silent = func.coalesce(Teacher.heard_at, Teacher.created_at) < _last_year(now)
    former = (
        select(Teacher)
        .where(Teacher.erased_at.is_(None), Teacher.entitled.is_not(True), ~recent_card)
        .where(or_(has_card, long_silent))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    teachers = session.scalars(former).all()
    for teacher in teachers:
        leave_records(session, teacher)
        forgetting.forget(session, teacher, why="year-over", remembered=False, now=now)
    return len(teachers)


def _delete_marks(session: Session, now: datetime) -> int:
    """Forget that somebody was erased, once the personnel file has been silent of them as long."""
    silent = and_(
        Teacher.erased_at < _last_year(now),
        func.coalesce(Teacher.heard_at, Teacher.erased_at) < _last_year(now),
        Teacher.barred_at.is_(None),
        ~exists().where(Card.teacher_id == Teacher.id),
    )
    ids = session.scalars(select(Teacher.id).where(silent).limit(BATCH)).all()
    session.execute(delete(Teacher).where(Teacher.id.in_(ids)))
    return len(ids)


def _last_year(now: datetime) -> datetime:
    """What lies before this belongs to a year whose following year is over."""
    return datetime(now.year - 1, 1, 1, tzinfo=UTC)
