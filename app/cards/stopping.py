"""Whether first cards are given at all: a switch of the card office, asked for every card.

It lies in the database, so that it counts for every process from the next request on. A lost card
is still replaced: its holder must be able to stop it.
"""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.cards.model import IssueStop
from app.db import insert_once
from app.errors import Conflict, Unavailable

ROW = 1
RETRY_AFTER_S = 3600


def stopped(session: Session) -> IssueStop | None:
    """The stop that is on."""
    return session.get(IssueStop, ROW)


def require_giving(session: Session) -> None:
    """`Unavailable` while a stop is on."""
    if stopped(session) is not None:
        raise Unavailable(
            "The card office gives no new cards at this moment. Cards that are there stay valid.",
            retry_after_s=RETRY_AFTER_S,
        )


def stop(session: Session, *, why: str, now: datetime) -> None:
    """Give no first cards from now on; `Conflict` when that is so already."""
    if not insert_once(session, IssueStop, {"id": ROW, "since": now, "why": why}):
        raise Conflict("No cards are given already; nothing was changed.")


def go_on(session: Session) -> None:
    """Give cards again; `Conflict` when nothing was stopped."""
    if session.scalars(delete(IssueStop).returning(IssueStop.id)).one_or_none() is None:
        raise Conflict("Cards are given already; nothing was changed.")
