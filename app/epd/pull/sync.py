"""Keeps up with the personnel file by asking: changes after a cursor, or everybody anew.

`Pull.step` takes in one page: the feed says whose files changed, each is asked for, and what was
said is kept in one transaction with the cursor. A cursor that the source keeps no more, or a
wish, makes it ask everybody it knows. Hides leases, cursors and order. When the source does not
answer, `Unavailable` comes out and nothing has moved: the last known status stands.
"""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from app import fence
from app.cards.card_year import belgian_day
from app.cards.entitlement import Policy
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.db import Database, insert_once, uuid7
from app.epd import merge
from app.epd.answers import EpdAnswer, is_refusal
from app.epd.client import EpdClient
from app.epd.intake import sealed_number
from app.epd.model import EPD, PersonnelRecord
from app.epd.pull.model import PullState
from app.errors import Conflict, Unavailable

# As many persons as one transaction may hold up others for, on SQLite.
PAGE = 200
# Longer than a page can take, with all its time-outs.
LEASE = timedelta(minutes=15)
ASKING_AT_ONCE = 8

Clock = Callable[[], datetime]
Heard = Sequence[tuple[Insz, EpdAnswer]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """What one page brought: persons asked about, persons refused, and whether more waits."""

    persons: int
    refused: int
    more: bool
    full: bool


class Pull:
    """One puller; of any number of them the holder of the lease works."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        client: EpdClient,
        *,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._database = database
        self._ring = ring
        self._client = client
        self._policy = policy
        self._clock = clock
        self._me = uuid7()

    def begin_full(self) -> int:
        """Ask everybody anew from the next step on; returns how many that are.

        One that is under way goes on where it was.
        """
        now = self._clock()

        def work(session: Session) -> int:
            state = self._leased(session, now)
            state.full_since = state.full_since or now
            left = _known(state.full_after).with_only_columns(func.count())
            return session.scalars(left.order_by(None)).one()

        return self._database.transact(work)

    def step(self) -> Step:
        """Take in the next page; `Conflict` while another process is at it."""
        now = self._clock()
        state = self._database.transact(lambda session: self._leased(session, now))
        if state.full_since is not None:
            return self._everybody(state, now)
        changes = self._client.changes(state.cursor, limit=PAGE, now=now)
        if changes is None:
            log.warning("epd-cursor-gone")
            self._database.transact(self._start_over(now))
            return Step(0, 0, more=True, full=True)
        if changes.faults:
            log.error("epd-feed-faults", count=changes.faults)
        heard, refused = self._ask(changes.numbers, now)

        def work(session: Session) -> None:
            self._take_in(session, heard, now)
            self._moved(session, now, cursor=changes.cursor)

        self._database.transact(work)
        return Step(len(changes.numbers), refused, more=changes.more, full=False)

    def finish(self) -> None:
        """Give the lease back, so that nobody waits for its end."""
        mine = update(PullState).where(PullState.leased_by == self._me)
        self._database.transact(lambda session: session.execute(mine.values(leased_until=None)))

    def _everybody(self, state: PullState, now: datetime) -> Step:
        page = _known(state.full_after).limit(PAGE)
        with self._database.reading() as session:
            rows = session.execute(page).all()
        keys = self._ring.keys
        found = (sealed_number(keys, teacher_id, sealed) for teacher_id, sealed in rows)
        numbers = [number for number in found if number is not None]
        heard, refused = self._ask(numbers, now)
        last = rows[-1][0] if rows else None

        def work(session: Session) -> None:
            self._take_in(session, heard, now)
            if last is None:
                fence.heard_everybody(session, began=state.full_since or now)
                self._moved(session, now, full_since=None, full_after=None, full_at=now)
            else:
                self._moved(session, now, full_after=last)

        self._database.transact(work)
        return Step(len(rows), refused + len(rows) - len(numbers), more=True, full=True)

    def _ask(self, numbers: Sequence[Insz], now: datetime) -> tuple[Heard, int]:
        """What the file says of each, no transaction open; a number it refuses is left as it is."""
        with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
            answers = list(pool.map(lambda number: self._one(number, now), numbers))
        heard = [(n, a) for n, a in zip(numbers, answers, strict=True) if a is not None]
        return heard, len(numbers) - len(heard)

    def _one(self, number: Insz, now: datetime) -> EpdAnswer | None:
        try:
            return self._client.status(number, on=belgian_day(now), now=now)
        except Unavailable as silence:
            if is_refusal(silence):
                return None
            raise

    def _take_in(self, session: Session, heard: Heard, now: datetime) -> None:
        keys = self._ring.keys
        for asked, answer in heard:
            if answer.replaced_by is not None:
                new = answer.replaced_by
                merge.replace_number(session, asked, new, keys=keys, policy=self._policy, now=now)
        snapshots = [answer.snapshot for _, answer in heard if answer.snapshot is not None]
        merge.merge(session, snapshots, keys=keys, policy=self._policy, now=now)

    def _leased(self, session: Session, now: datetime) -> PullState:
        insert_once(session, PullState, {"source": EPD})
        taken = (
            update(PullState)
            .where(
                PullState.source == EPD,
                or_(
                    PullState.leased_until.is_(None),
                    PullState.leased_until <= now,
                    PullState.leased_by == self._me,
                ),
            )
            .values(leased_by=self._me, leased_until=now + LEASE)
            .returning(PullState)
            .execution_options(populate_existing=True)
        )
        state = session.scalars(taken).one_or_none()
        if state is None:
            raise Conflict("Another process is reading the personnel file at this moment.")
        return state

    def _moved(self, session: Session, now: datetime, **values: object) -> None:
        """Write down how far we are, unless somebody else took over meanwhile."""
        ours = (
            update(PullState)
            .where(PullState.source == EPD, PullState.leased_by == self._me)
            .values(heard_at=now, leased_until=now + LEASE, **values)
            .returning(PullState.source)
        )
        if session.scalars(ours).one_or_none() is None:
            raise Conflict("Another process took over reading the personnel file.")

    def _start_over(self, now: datetime) -> Callable[[Session], None]:
        return lambda session: self._moved(
            session, now, cursor=None, full_since=now, full_after=None
        )


def _known(after: uuid.UUID | None) -> Select[uuid.UUID, bytes | None]:
    """Everybody of whom the file ever spoke, after one of them."""
    rows = (
        select(PersonnelRecord.teacher_id, PersonnelRecord.insz_encrypted)
        .where(PersonnelRecord.source == EPD, PersonnelRecord.insz_encrypted.is_not(None))
        .order_by(PersonnelRecord.teacher_id)
    )
    return rows if after is None else rows.where(PersonnelRecord.teacher_id > after)
