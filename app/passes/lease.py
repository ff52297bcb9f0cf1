"""Which passes are due at a wallet, who is at them, and what came of it: all as rows.

Due is every pass whose `pushed_revision` lags behind its `revision`; there is no queue that
could lose or repeat anything. Knows how workers share the passes (leases taken by
compare-and-set) and the patience after failures. Hides the tables; calls nobody outside.
"""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    case,
    delete,
    false,
    func,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from app.cards.activation import confirm
from app.cards.entitlement import CardStatus
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import insert_once, uuid7
from app.passes.apple.registrations import confirm_devices
from app.passes.google.holdings import note_users
from app.passes.model import DeviceRegistration, PassDelivery

# The wallets; paper and web cards have nothing to be brought to.
WALLETS = (Carrier.APPLE, Carrier.GOOGLE)
# Longer than any batch can take, with all its time-outs.
LEASE = timedelta(minutes=3)
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 900.0
# A pass that could not be delivered for so long waits for a person, or for its next revision.
PATIENCE = timedelta(days=7)
REASON_LENGTH = 64

_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Due:
    """A pass to be brought to its wallet, and the revision that was its newest when leased."""

    pass_id: uuid.UUID
    revision: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A push token that Apple knows no more; `since` is Apple's moment for it, if it gave one."""

    push_token: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a wallet that holds passes itself (Google) said when it took one.

    `generation` is what it has now, `has_users` whether anybody saved it when it was asked.
    """

    generation: int
    has_users: bool | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one pass: its wallet has `revision`, or `failure` says why it does not.

    `final`: tried again unchanged it would fail again. `answer` comes from a wallet whose
    acknowledging means having it. `wait_s` is the least to wait.
    """

    pass_id: uuid.UUID
    revision: int
    answer: Answer | None = None
    failure: str | None = None
    final: bool = False
    wait_s: float = 0.0
    gone: tuple[Gone, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one worker took at once; nobody else takes it before the lease ends."""

    lease: uuid.UUID
    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """How delivery stands: passes that lag, and among them those that were given up.

    Seconds since the oldest changed: of those that are still tried, and of those given up.
    """

    lagging: int
    oldest_s: int
    parked: int
    parked_oldest_s: int


def take(session: Session, carrier: Carrier, *, limit: int, now: datetime) -> Batch:
    """Lease what is due, cards that no longer count first, then in the order of their change."""
    lagging = (
        select(WalletPass.id)
        .join(Card, Card.id == WalletPass.card_id)
        .outerjoin(PassDelivery, PassDelivery.pass_id == WalletPass.id)
        .where(WalletPass.carrier == carrier, lags(), or_(_nobody_at_it(now), _no_row()))
        .where(~given_up())
        .order_by(case((Card.status == CardStatus.ACTIVE, 1), else_=0), WalletPass.revised_at)
        .limit(limit)
    )
    ids = session.scalars(lagging).all()
    for pass_id in sorted(ids):
        insert_once(session, PassDelivery, {"pass_id": pass_id, "attempts": 0})
    lease = uuid7()
    session.execute(
        update(PassDelivery)
        .where(PassDelivery.pass_id.in_(ids), _nobody_at_it(now))
        .values(leased_by=lease, leased_until=now + LEASE, parked_at=null(), parked_reason=null()),
        execution_options={"synchronize_session": False},
    )
    return Batch(lease, _still_due(session, ids, lease))


def settle(session: Session, batch: Batch, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down what came of a batch; failures only where the lease is still ours."""
    _forget(session, {gone for outcome in outcomes for gone in outcome.gone}, now)
    for outcome in sorted(outcomes, key=lambda outcome: outcome.pass_id):
        if outcome.failure is None:
            _delivered(session, batch.lease, outcome, now)
        else:
            _failed(session, batch.lease, outcome, now)


def figures(session: Session, *, now: datetime) -> Figures:
    """Count what lags at all wallets together."""
    is_parked = given_up()
    counted = (
        select(
            func.count(),
            func.min(case((~is_parked, WalletPass.revised_at))),
            func.coalesce(func.sum(case((is_parked, 1), else_=0)), 0),
            func.min(case((is_parked, WalletPass.revised_at))),
        )
        .outerjoin(PassDelivery, PassDelivery.pass_id == WalletPass.id)
        .where(WalletPass.carrier.in_(WALLETS), lags())
    )
    lagging, oldest, parked, oldest_parked = session.execute(counted).one()
    return Figures(lagging, _age_s(oldest, now), parked, _age_s(oldest_parked, now))


def _age_s(moment: datetime | None, now: datetime) -> int:
    return max(0, int((now - moment).total_seconds())) if moment else 0


def _still_due(session: Session, ids: Sequence[uuid.UUID], lease: uuid.UUID) -> tuple[Due, ...]:
    """What we leased and nobody has brought since we looked; the other rows go again."""
    ours = (
        select(WalletPass.id, WalletPass.revision)
        .join(PassDelivery, PassDelivery.pass_id == WalletPass.id)
        .join(Card, Card.id == WalletPass.card_id)
        .where(WalletPass.id.in_(ids), PassDelivery.leased_by == lease, lags())
        .order_by(case((Card.status == CardStatus.ACTIVE, 1), else_=0), WalletPass.revised_at)
    )
    due = tuple(Due(*row) for row in session.execute(ours))
    session.execute(
        delete(PassDelivery).where(
            PassDelivery.leased_by == lease,
            PassDelivery.pass_id.not_in([one.pass_id for one in due]),
        ),
        execution_options={"synchronize_session": False},
    )
    return due


def lags() -> ColumnElement[bool]:
    """Whether a wallet does not have a pass as it is."""
    return WalletPass.pushed_revision < WalletPass.revision


def _no_row() -> ColumnElement[bool]:
    return PassDelivery.pass_id.is_(None)


def _nobody_at_it(now: datetime) -> ColumnElement[bool]:
    lease_over = func.coalesce(PassDelivery.leased_until <= now, true())
    wait_over = func.coalesce(PassDelivery.next_attempt_at <= now, true())
    return lease_over & wait_over


def given_up() -> ColumnElement[bool]:
    """Whether nobody tries this revision any more; the next one is tried again."""
    # `parked_at` is the moment of the revision that was given up; every next one is later.
    return func.coalesce(PassDelivery.parked_at >= WalletPass.revised_at, false())


def _delivered(session: Session, lease: uuid.UUID, outcome: Outcome, now: datetime) -> None:
    if outcome.answer is None:
        # The wallet was told, whoever holds the lease now; a newer revision stays.
        session.execute(
            update(WalletPass)
            .where(WalletPass.id == outcome.pass_id, WalletPass.pushed_revision < outcome.revision)
            .values(pushed_revision=outcome.revision),
            execution_options={"synchronize_session": False},
        )
    else:
        answer = outcome.answer
        confirm(
            session,
            outcome.pass_id,
            generation=answer.generation,
            revision=outcome.revision,
            now=now,
        )
        if answer.has_users is not None:
            note_users(
                session, outcome.pass_id, has_users=answer.has_users, asked_at=answer.asked_at
            )
    session.execute(
        delete(PassDelivery).where(
            PassDelivery.pass_id == outcome.pass_id, PassDelivery.leased_by == lease
        ),
        execution_options={"synchronize_session": False},
    )


def _failed(session: Session, lease: uuid.UUID, outcome: Outcome, now: datetime) -> None:
    row = session.get(PassDelivery, outcome.pass_id, with_for_update=True)
    if row is None or row.leased_by != lease:
        return
    row.leased_by = row.leased_until = None
    row.attempts += 1
    wallet_pass = session.get_one(WalletPass, outcome.pass_id)
    unchanged = wallet_pass.revision == outcome.revision
    if unchanged and (outcome.final or now - wallet_pass.revised_at >= PATIENCE):
        # Not `now`: a change that is being committed at this moment must count as a later one.
        row.parked_at = wallet_pass.revised_at
        row.parked_reason = (outcome.failure or "")[:REASON_LENGTH]
        row.attempts, row.next_attempt_at = 0, None
        return
    row.next_attempt_at = now + _wait(row.attempts, outcome.wait_s)


def _wait(attempts: int, least_s: float) -> timedelta:
    """Exponential back-off with full jitter, from a second to a quarter of an hour."""
    # The exponent has a ceiling of its own: attempts may count into the thousands.
    top_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts, 10))
    return timedelta(seconds=min(LONGEST_WAIT_S, max(least_s, _random.uniform(0, top_s))))


def _forget(session: Session, gone: set[Gone], now: datetime) -> None:
    """Drop tokens, unless their device has registered again since Apple missed it.

    A device that is gone no longer holds up what its passes have confirmed.
    """
    missed = [
        (DeviceRegistration.push_token == one.push_token)
        & (DeviceRegistration.registered_at <= (one.since or now))
        for one in gone
    ]
    forgotten = or_(false(), *missed)
    found = select(DeviceRegistration.pass_id).where(forgotten).distinct()
    concerned = sorted(session.scalars(found))
    # As every writer of registrations: the passes first, always in the same order.
    turn = select(WalletPass.id).where(WalletPass.id.in_(concerned)).order_by(WalletPass.id)
    session.execute(turn.with_for_update())
    session.execute(
        delete(DeviceRegistration).where(forgotten),
        execution_options={"synchronize_session": False},
    )
    for pass_id in concerned:
        confirm_devices(session, pass_id, now=now)
