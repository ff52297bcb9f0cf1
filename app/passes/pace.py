"""How fast we may call somebody: turns at even intervals, for one process or for all together.

`Pace` is for the threads of one process, measured on the monotonic clock, since a clock that is
set back must not stop all calls for as long. `SharedPace` keeps its one moment in a row, so that
any number of processes stay below one rate; a thread that is nobody's hurry leaves turns free.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from app.db import Database, insert_once
from app.passes.model import NextTurn

# Nobody reserves a turn further ahead; if the row says otherwise, some clock was wrong.
FURTHEST = timedelta(minutes=1)


class Turns(Protocol):
    """Whoever gives out turns."""

    def wait(self, *, until: float) -> bool:
        """Sleep until it is our turn; False, at once, when that is after `until` (monotonic)."""


class Pace:
    """At most `per_s` calls a second, after a start of at most `burst` at once."""

    def __init__(self, per_s: float, *, burst: int = 1) -> None:
        self._interval_s = 1 / per_s
        self._lead_s = (burst - 1) * self._interval_s
        self._guard = threading.Lock()
        self._next = -math.inf

    def wait(self, *, until: float) -> bool:
        """Sleep until it is our turn; False, at once, when that is after `until` (monotonic)."""
        with self._guard:
            moment = time.monotonic()
            turn = max(self._next, moment - self._lead_s)
            if turn > until:
                return False
            self._next = turn + self._interval_s
        time.sleep(max(0.0, turn - moment))
        return True


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `per_s` calls a second in the long run and `burst` more in any one second."""

    per_s: float
    burst: int

    @property
    def interval(self) -> timedelta:
        """From one turn to the next."""
        return timedelta(seconds=1 / self.per_s)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that is ours in `in_s` seconds; or, not ours, one to be asked for then."""

    ours: bool
    in_s: float


def take(
    session: Session, name: str, rate: Rate, *, left_free: int, patience: timedelta, now: datetime
) -> Turn:
    """Take the next turn, if it comes within `patience`.

    With `left_free`, only while that many more are free at this moment: whoever leaves turns to
    others never makes them wait, neither now nor by a turn reserved ahead.
    """
    insert_once(session, NextTurn, {"name": name, "at": now - rate.burst * rate.interval})
    row = session.get_one(NextTurn, name, with_for_update=True)
    known = row.at if row.at <= now + FURTHEST else now
    turn = max(known, now - (rate.burst - 1) * rate.interval)
    if left_free:
        turn += left_free * rate.interval
        patience = timedelta(0)
    in_s = (turn - now).total_seconds()
    if turn > now + patience:
        return Turn(ours=False, in_s=in_s)
    row.at = turn - left_free * rate.interval + rate.interval
    return Turn(ours=True, in_s=max(0.0, in_s))


class SharedPace:
    """One rate for all processes on one database, under one name; safe between threads."""

    def __init__(
        self,
        database: Database,
        name: str,
        rate: Rate,
        *,
        left_free: int = 0,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._name = name
        self._rate = rate
        self._left_free = left_free
        self._clock = clock
        # Of the threads that can wait, one asks at a time.
        self._asking = threading.Lock()

    def wait(self, *, until: float) -> bool:
        """Sleep until it is our turn; False when that is after `until` (monotonic)."""
        if not self._left_free:
            turn = self._take(until)
            time.sleep(turn.in_s if turn.ours else 0.0)
            return turn.ours
        if not self._asking.acquire(timeout=max(0.0, until - time.monotonic())):
            return False
        try:
            while not (turn := self._take(until)).ours:
                if time.monotonic() + turn.in_s > until:
                    return False
                time.sleep(turn.in_s)
        finally:
            self._asking.release()
        return True

    def _take(self, until: float) -> Turn:
        patience = timedelta(seconds=max(0.0, until - time.monotonic()))
        return self._database.transact(
            lambda session: take(
                session,
                self._name,
                self._rate,
                left_free=self._left_free,
                patience=patience,
                now=self._clock(),
            )
        )
