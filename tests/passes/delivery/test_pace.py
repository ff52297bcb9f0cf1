"""One rate for all processes: never above it, and nobody who waits stands behind bulk."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.db import Database
from app.passes.google.client import BURST, LEFT_FREE
from app.passes.pace import Rate, SharedPace, Turn, take

RATE = Rate(per_s=14, burst=BURST)
SECOND = timedelta(seconds=1)

Take = Callable[..., Turn]


@pytest.fixture
def ask(database: Database) -> Take:
    """Ask for a turn at a moment; bulk leaves some free."""

    def ask(at: datetime, *, bulk: bool = False, patience_s: float = 8) -> Turn:
        return database.transact(
            lambda session: take(
                session,
                "google",
                RATE,
                left_free=LEFT_FREE if bulk else 0,
                patience=timedelta(seconds=patience_s),
                now=at,
            )
        )

    return ask


def busiest(calls: list[datetime]) -> int:
    """The most calls in any one second."""
    calls = sorted(calls)
    return max(sum(at <= one < at + SECOND for one in calls) for at in calls)


def test_in_no_second_are_there_more_turns_than_google_grants(ask: Take, now: datetime) -> None:
    lot = random.Random(6)  # noqa: S311 - a lot that falls the same way every time
    calls, at = [], now
    for _ in range(250):
        at += timedelta(seconds=lot.choice((0.0, 0.0, 0.01, 0.2)))
        turn = ask(at, bulk=lot.random() < 0.5)
        if turn.ours:
            calls.append(at + timedelta(seconds=turn.in_s))
    assert 14 + 1 < busiest(calls) <= 14 + BURST < 20


def test_bulk_alone_goes_at_the_full_rate(ask: Take, now: datetime) -> None:
    at, calls = now, []
    while at < now + 5 * SECOND:
        turn = ask(at, bulk=True)
        if turn.ours:
            calls.append(at)
        else:
            at += timedelta(seconds=turn.in_s)
    assert 5 * 14 <= len(calls) <= 5 * 14 + BURST


def test_a_teacher_who_waits_never_stands_behind_bulk(ask: Take, now: datetime) -> None:
    at = now
    for _ in range(10):
        while (turn := ask(at, bulk=True)).ours:
            pass
        assert [ask(at).in_s for _ in range(LEFT_FREE)] == [0.0] * LEFT_FREE
        assert turn.in_s > 0
        at += SECOND


def test_bulk_waits_while_teachers_take_all_there_is(ask: Take, now: datetime) -> None:
    calls = []
    for tick in range(100):
        at = now + tick * SECOND / 20
        turn = ask(at, patience_s=0.1)
        if turn.ours:
            calls.append(at)
        if tick > BURST * 4:
            assert not ask(at, bulk=True).ours
    assert len(calls) >= 4 * 14


def test_those_who_wait_stand_in_line_up_to_their_patience(ask: Take, now: datetime) -> None:
    turns = [ask(now, patience_s=0.51) for _ in range(20)]
    waits = [turn.in_s for turn in turns if turn.ours]
    assert len(waits) == BURST + 7
    assert waits[BURST:] == pytest.approx([n / 14 for n in range(1, 8)], abs=1e-4)


def test_a_clock_that_was_wrong_stops_nobody_for_long(ask: Take, now: datetime) -> None:
    ask(now + timedelta(days=30))
    assert ask(now).ours
    assert ask(now - timedelta(seconds=30), patience_s=31).in_s == pytest.approx(30, abs=1)


def test_two_processes_share_one_rate(database: Database) -> None:
    rate = Rate(per_s=50, burst=2)

    def clock() -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - real threads that really wait

    paces = [SharedPace(database, "google", rate, left_free=1, clock=clock) for _ in range(2)]
    calls: list[float] = []
    guard = threading.Lock()

    def work(number: int) -> None:
        assert paces[number % 2].wait(until=time.monotonic() + 30)
        with guard:
            calls.append(time.monotonic())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(40)))
    assert max(calls) - min(calls) >= (40 - 2) / 50 - 0.05


@pytest.mark.parametrize("left_free", [0, 1])
def test_who_has_no_time_left_is_told_so(database: Database, now: datetime, left_free: int) -> None:
    rate = Rate(per_s=0.1, burst=2)
    pace = SharedPace(database, "google", rate, left_free=left_free, clock=lambda: now)
    taken = [pace.wait(until=time.monotonic() + 0.05) for _ in range(3)]
    assert taken == [True] * (2 - left_free) + [False] * (1 + left_free)
