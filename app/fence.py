"""The fence around a database that came back from a copy: no card is valid while it is up.

What was revoked after the copy was taken is active again in it. So verification refuses to answer
until the revocations kept apart were brought in again (`merged`) and the personnel file was heard
about everybody anew, or until a person who knows better releases it. Knows the one row that says
so; hides it from whoever reads or moves the fence. `epoch` counts how often the database came back.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, SmallInteger, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, Moment, insert_once
from app.errors import Unavailable

ONLY = 1
RETRY_AFTER_S = 60


class RestoreFence(Base):
    """One row once the database came back for the first time, none before."""

    __tablename__ = "restore_fence"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    why: Mapped[str] = mapped_column(String(200))
    # None while it is down.
    raised_at: Mapped[datetime | None] = mapped_column(Moment)
    # Whether the revocations that were kept apart are in the tables again.
    merged: Mapped[bool]


class Fence(NamedTuple):
    """How the fence stands."""

    epoch: int
    raised_at: datetime | None
    merged: bool
    why: str


NEVER = Fence(0, None, merged=True, why="")


def raised_at() -> ScalarSelect[datetime | None]:
    """A column for a query that is asked anyway: since when the fence is up."""
    found = select(RestoreFence.raised_at).where(RestoreFence.id == ONLY)
    return found.scalar_subquery()


def standing(session: Session) -> Fence:
    """How the fence stands now."""
    row = session.get(RestoreFence, ONLY, populate_existing=True)
    return NEVER if row is None else Fence(row.epoch, row.raised_at, row.merged, row.why)


def refuse_behind(since: datetime | None) -> None:
    """`Unavailable` while the fence is up."""
    if since is not None:
        raise Unavailable(
            "The service came back from a copy and is catching up; no card can be checked yet.",
            retry_after_s=RETRY_AFTER_S,
        )


def put_up(session: Session, *, why: str, above: int = 0, now: datetime) -> None:
    """Let no card be valid from this transaction on, in an epoch later than `above`.

    Of two that do so at once the first counts.
    """
    insert_once(session, RestoreFence, {"id": ONLY, "epoch": 0, "why": "", "merged": True})
    before = standing(session).epoch
    epoch = max(before, above) + 1
    _set(
        session,
        RestoreFence.epoch == before,
        epoch=epoch,
        raised_at=now,
        merged=False,
        why=why,
    )


def note_merged(session: Session, *, epoch: int) -> None:
    """The revocations kept apart are in again; after this the personnel file can release it."""
    _set(session, RestoreFence.epoch == epoch, merged=True)


def heard_everybody(session: Session, *, began: datetime) -> None:
    """The personnel file was heard about everybody, from `began` on: that takes the fence down."""
    _set(session, RestoreFence.merged.is_(True), RestoreFence.raised_at <= began, raised_at=None)


def release(session: Session) -> None:
    """Take it down because a person says so."""
    _set(session, merged=True, raised_at=None)


def _set(session: Session, *where: ColumnElement[bool], **values: object) -> None:
    session.execute(
        update(RestoreFence)
        .where(RestoreFence.id == ONLY, *where)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
