"""What the tables say of the work, brought to the metrics now and then by a worker."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import fence, metrics
from app.epd.model import PersonnelRecord
from app.epd.pull.model import PullState
from app.passes import lease


def gather(session: Session, *, now: datetime) -> None:
    """How far wallets lag, how old the news of the personnel file is, whether the fence is up."""
    deliveries = lease.figures(session, now=now)
    metrics.figure(
        lagging=deliveries.lagging,
        oldest_s=deliveries.oldest_s,
        parked=deliveries.parked,
        fence_up=fence.standing(session).raised_at is not None,
    )
    heard = [
        session.scalar(select(func.max(moment)))
        for moment in (PersonnelRecord.received_at, PullState.heard_at)
    ]
    if known := [moment for moment in heard if moment]:
        metrics.figure(epd_age_s=(now - max(known)).total_seconds())
