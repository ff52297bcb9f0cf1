"""What must happen in the transaction in which a database is known to be an older one."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import fence
from app.db import insert_once
from app.epd.model import EPD
from app.epd.pull.model import PullState


def fall_back(session: Session, *, why: str, above: int = 0, now: datetime) -> None:
    """Put up the fence and have the personnel file asked about everybody anew."""
    fence.put_up(session, why=why, above=above, now=now)
    insert_once(session, PullState, {"source": EPD})
    anew = {"full_since": now, "full_after": None, "leased_until": None}
    session.execute(update(PullState).where(PullState.source == EPD).values(**anew))
