"""How far the delivery to a wallet has come, and when it will be through: for log and readyz.

Knows one row per wallet, written with every batch by whichever worker brought it: since when
batches have followed one another, and how many passes came through. The estimate goes by that,
so it is as slow as the wallet really is; while nothing comes through there is none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import insert_once
from app.passes.lease import given_up, lags
from app.passes.model import DeliveryRun, PassDelivery

# Batches further apart than this belong to two runs.
GAP = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """Passes that lag (and of these, given up), what this run brought, and seconds to its end.

    `left_s` is None while nothing comes through; `refused_since` is the alarm: the wallet refuses
    not a pass but us.
    """

    lagging: int
    parked: int
    delivered: int
    per_s: float | None
    left_s: int | None
    refused_since: datetime | None


def note(
    session: Session,
    carrier: Carrier,
    *,
    delivered: int,
    refused: bool,
    begun_at: datetime,
    ended_at: datetime,
) -> None:
    """Add one batch to the wallet's run."""
    new = {"carrier": carrier, "begun_at": begun_at, "last_at": begun_at, "delivered": 0}
    insert_once(session, DeliveryRun, new)
    run = session.get_one(DeliveryRun, carrier, with_for_update=True)
    if refused:
        run.refused_since = run.refused_since or ended_at
    if not delivered:
        return
    run.refused_since = None
    if begun_at > run.last_at + GAP:
        run.begun_at, run.delivered = begun_at, 0
    run.delivered += delivered
    run.last_at = max(run.last_at, ended_at)


def read(session: Session, carrier: Carrier, *, now: datetime) -> Progress:
    """How the wallet's delivery stands."""
    counted = (
        select(func.count(), func.coalesce(func.sum(case((given_up(), 1), else_=0)), 0))
        .select_from(WalletPass)
        .outerjoin(PassDelivery, PassDelivery.pass_id == WalletPass.id)
        .where(WalletPass.carrier == carrier, lags())
    )
    lagging, parked = session.execute(counted).one()
    run = session.get(DeliveryRun, carrier)
    if run is None:
        return Progress(lagging, parked, 0, None, None if lagging else 0, None)
    going = now <= run.last_at + GAP and run.delivered
    end = now if lagging > parked else run.last_at
    lasted_s = max(1.0, (end - run.begun_at).total_seconds())
    per_s = run.delivered / lasted_s if going else None
    left = lagging - parked
    left_s = round(left / per_s) if per_s and left else (None if left else 0)
    rounded = round(per_s, 2) if per_s else None
    return Progress(lagging, parked, run.delivered, rounded, left_s, run.refused_since)
