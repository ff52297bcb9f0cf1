"""When a pass gets the code of its next generation (docs/card-token.md, sections 4 and 5).

Four reasons: its key was revoked (at once), its code was used (at most once an hour and three
times a day), an Apple code is a day old, any code nears its end. Routine waits while a pass
still lags, so that phones hear of one change instead of two. Cards in force only.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, or_, select
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


def rotate_due(session: Session, *, keys: Keys, now: datetime) -> int:
    """Rotate, or put off, up to 200 passes; the number of both, 0 when nothing is due."""
    revoked = [key.id for key in keys.token.values() if key.state is KeyState.REVOKED]
    due = _due(session, revoked, now)
    before = _rotations(session, [one.card_id for one in due], now)
    for one in due:
        label = Carrier(one.carrier).label
        allowed_at = _allowed_at(before[one.card_id, label], now)
        if one.key_id in revoked:
            lifecycle.rotate(session, one, keys=keys, why=f"{label}-key-revoked", now=now)
        elif one.rotation_due_at and one.rotation_due_at <= now < allowed_at:
            one.rotation_due_at = allowed_at
        else:
            why = "used" if one.rotation_due_at and one.rotation_due_at <= now else "aged"
            lifecycle.rotate(session, one, keys=keys, why=f"{label}-{why}", now=now)
    return len(due)


def _due(session: Session, revoked: list[int], now: datetime) -> Sequence[WalletPass]:
    routine = and_(
        WalletPass.pushed_revision == WalletPass.revision,
        or_(WalletPass.rotation_due_at <= now, _a_day_old(now)),
    )
    found = (
        select(WalletPass)
        .join(WalletPass.card)
        .where(
            WalletPass.carrier.in_(WALLETS),
            Card.status.in_(lifecycle.IN_FORCE),
            or_(
                WalletPass.key_id.in_(revoked),
                routine,
                WalletPass.code_issued_at <= _s(now - LATEST_AGE),
            ),
        )
        # Codes that are refused come first; the order of numbers is that of verification's locks.
        .order_by(case((WalletPass.key_id.in_(revoked), 0), else_=1), WalletPass.pass_number)
        .limit(BATCH)
        .options(contains_eager(WalletPass.card))
        .with_for_update(of=WalletPass)
    )
    return session.scalars(found).all()


def _a_day_old(now: datetime) -> ColumnElement[bool]:
    """Whether an Apple code is a day old, give or take the jitter of its pass.

    The jitter hangs on the pass number, which is random, so SQL can tell it by itself.
    """
    step_s = int(2 * JITTER.total_seconds()) // SPREAD
    youngest_s = _s(now - APPLE_AGE - JITTER)
    return and_(
        WalletPass.carrier == Carrier.APPLE,
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
