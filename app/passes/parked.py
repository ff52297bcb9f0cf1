"""Passes that delivery has given up: seen by people, and tried again when a person says so.

Knows what a person needs of them: whose card, which wallet, the wallet's own word for why, and
since when its phones are behind. A pass whose card changed since is not one of them:
delivery tries every new revision by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.passes.lease import given_up, lags
from app.passes.model import PassDelivery

LISTED = 100


@dataclass(frozen=True, slots=True)
class Parked:
    """One pass that was given up; its phones show what was true before `behind_since`."""

    card_number: str
    wallet: str
    reason: str
    behind_since: datetime


def parked(session: Session, *, limit: int = LISTED) -> list[Parked]:
    """The passes that were given up, those that are behind for longest first."""
    found = (
        select(Card.number, WalletPass.carrier, PassDelivery.parked_reason, WalletPass.revised_at)
        .join(WalletPass, WalletPass.id == PassDelivery.pass_id)
        .join(Card, Card.id == WalletPass.card_id)
        .where(lags(), given_up())
        .order_by(WalletPass.revised_at, WalletPass.id)
        .limit(limit)
    )
    return [
        Parked(number, Carrier(carrier).label, reason or "", behind_since)
        for number, carrier, reason, behind_since in session.execute(found)
    ]


def release(session: Session, card_numbers: Sequence[str] | None = None) -> int:
    """Let delivery try again, the passes of these cards or all; how many there were.

    What fails again is given up again, for its reason of then.
    """
    wanted = (
        select(PassDelivery.pass_id)
        .join(WalletPass, WalletPass.id == PassDelivery.pass_id)
        .join(Card, Card.id == WalletPass.card_id)
        .where(lags(), given_up())
    )
    if card_numbers is not None:
        wanted = wanted.where(Card.number.in_(card_numbers))
    pass_ids = session.scalars(wanted.with_for_update(of=PassDelivery)).all()
    session.execute(
        update(PassDelivery)
        .where(PassDelivery.pass_id.in_(pass_ids))
        .values(parked_at=null(), parked_reason=null()),
        execution_options={"synchronize_session": False},
    )
    return len(pass_ids)
