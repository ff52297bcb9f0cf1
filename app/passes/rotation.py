"""When a pass gets the code of its next generation (docs/card-token.md, sections 4 and 5).

Four reasons: its key was revoked (at once), its code was used (at most once an hour and three
times a day), an Apple code is a day old, any code nears its end. Routine waits while a pass
still lags, so that phones hear of one change instead of two. Cards in force only.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, contains_eager

from app.cards import lifecycle
from app.cards.keyring import Keys
from app.cards.model import Card, CardEvent, WalletPass
from app.cards.token import Carrier, KeyState
from app.passes.lease import WALLETS

BATCH = 200
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROTATIONS_A_DAY = 3
# An Apple code is re-issued daily, each pass with a period of its own between 21 and 27 hours:
# passes that began together drift apart, and none sinks from `recent` (36 hours).
APPLE_AGE = DAY
JITTER = timedelta(hours=3)
SPREAD = 64
# A code lives 35 days. From here on it is renewed even while its wallet does not take changes.
LATEST_AGE = timedelta(days=28)


def due(session: Session, *, keys: Keys, now: datetime) -> list[uuid.UUID]:
    """Up to 200 passes whose next code is due, those under a revoked key first."""
    found: dict[uuid.UUID, None] = {}
    for reason in _reasons(keys, now):
        if len(found) < BATCH:
            one = select(WalletPass.id).join(WalletPass.card).where(_in_force(), reason)
            found |= dict.fromkeys(session.scalars(one.limit(BATCH - len(found))))
    return list(found)


def rotate_due(
    session: Session, pass_ids: Sequence[uuid.UUID], *, keys: Keys, now: datetime
) -> int:
    """Rotate these passes, or put off those used too often; the number of both.

    One that somebody else rotated meanwhile is left alone.
    """
    revoked = _revoked(keys)
    still_due = _locked(session, pass_ids, keys, now)
    before = _rotations(session, [one.card_id for one in still_due], now)
    for one in still_due:
        label = Carrier(one.carrier).label
        allowed_at = _allowed_at(before[one.card_id, label], now)
        if one.key_id in revoked:
            lifecycle.rotate(session, one, keys=keys, why=f"{label}-key-revoked", now=now)
        elif one.rotation_due_at and one.rotation_due_at <= now < allowed_at:
            one.rotation_due_at = allowed_at
        else:
            why = "used" if one.rotation_due_at and one.rotation_due_at <= now else "aged"
            lifecycle.rotate(session, one, keys=keys, why=f"{label}-{why}", now=now)
    return len(still_due)


def _reasons(keys: Keys, now: datetime) -> Iterator[ColumnElement[bool]]:
    """Why a pass can be due; each is looked up in an index of its own."""
    if revoked := _revoked(keys):
        yield and_(WalletPass.carrier.in_(WALLETS), WalletPass.key_id.in_(revoked))
    in_line = WalletPass.pushed_revision == WalletPass.revision
    yield and_(in_line, WalletPass.rotation_due_at <= now)
    yield and_(in_line, *_a_day_old(now))
    old = WalletPass.code_issued_at <= _s(now - LATEST_AGE)
    yield and_(WalletPass.carrier.in_(WALLETS), old)


def _revoked(keys: Keys) -> list[int]:
    return [key.id for key in keys.token.values() if key.state is KeyState.REVOKED]


def _in_force() -> ColumnElement[bool]:
    return and_(WalletPass.revoked_at.is_(None), Card.status.in_(lifecycle.IN_FORCE))


def _locked(
    session: Session, pass_ids: Sequence[uuid.UUID], keys: Keys, now: datetime
) -> Sequence[WalletPass]:
    found = (
        select(WalletPass)
        .join(WalletPass.card)
        .where(WalletPass.id.in_(pass_ids), _in_force(), or_(*_reasons(keys, now)))
        # The order of numbers is that of verification's locks.
        .order_by(WalletPass.pass_number)
        .options(contains_eager(WalletPass.card))
        .with_for_update(of=WalletPass)
    )
    return session.scalars(found).all()


def _a_day_old(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whether an Apple code is a day old, give or take the jitter of its pass.

    The jitter hangs on the pass number, which is random, so SQL can tell it by itself.
    """
    step_s = int(2 * JITTER.total_seconds()) // SPREAD
    youngest_s = _s(now - APPLE_AGE - JITTER)
    return (
        WalletPass.carrier == Carrier.APPLE,
        # For the index, which knows no arithmetic.
        WalletPass.code_issued_at <= youngest_s + (SPREAD - 1) * step_s,
        WalletPass.code_issued_at <= youngest_s + WalletPass.pass_number % SPREAD * step_s,
    )


def _rotations(
    session: Session, cards: list[uuid.UUID], now: datetime
) -> dict[tuple[uuid.UUID, str], list[datetime]]:
    """The moments of the past day at which passes were rotated, by card and carrier."""
    happened = (
        select(CardEvent.card_id, CardEvent.why, CardEvent.at)
        .where(CardEvent.card_id.in_(cards), CardEvent.what == "rotated", CardEvent.at > now - DAY)
        .order_by(CardEvent.at)
    )
    found: dict[tuple[uuid.UUID, str], list[datetime]] = defaultdict(list)
    for card_id, why, at in session.execute(happened):
        found[card_id, why.partition("-")[0]].append(at)
    return found


def _allowed_at(rotations: Sequence[datetime], now: datetime) -> datetime:
    """The first moment from now on at which a use may rotate the pass again."""
    allowed = [now]
    if rotations:
        allowed.append(rotations[-1] + HOUR)
    if len(rotations) >= ROTATIONS_A_DAY:
        allowed.append(rotations[-ROTATIONS_A_DAY] + DAY)
    return max(allowed)


def _s(moment: datetime) -> int:
    return int(moment.timestamp())
