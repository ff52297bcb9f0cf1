"""Limits that must be exact whichever process a till happens to reach; two recorders, one database.

Both are held up by whoever holds every card and pass. A recorder that holds what it judges waits
before it looks at what was before; one that does not has looked by then and waits to write, so
that both count from the same number.
"""

import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.keyring import KeyRing
from app.cards.model import Card, WalletPass
from app.db import Database
from app.verification.tills import PresentedKey
from app.verification.verdict import Grade, Reason, Verdict
from tests.verification.conftest import opened
from tests.verification.counter import Counter
from tests.verification.test_procedure import ANTWERP, NOW, OSTEND, apple, google, web

Shown = list[tuple[str, PresentedKey]]
HELD_UP_S = 0.3


@pytest.fixture
def two(database_url: str, ring: KeyRing) -> Iterator[tuple[Counter, Counter]]:
    """Two shop floors of one database, with a recorder and connections each."""
    with ExitStack() as stack:
        databases = [stack.enter_context(closing(Database(database_url))) for _ in range(2)]
        first, second = (stack.enter_context(opened(one, ring, "soft")) for one in databases)
        yield first, second


def nothing_else(_session: Session) -> None:
    """Only the tills are busy."""


def raced(
    two: tuple[Counter, Counter],
    shown: Shown,
    *,
    meanwhile: Callable[[Session], object] = nothing_else,
) -> list[Verdict]:
    """Every code at both recorders at one moment, and all that came of it.

    `meanwhile` is committed while both wait.
    """
    start = threading.Barrier(len(two) + 1)

    def show(floor: Counter) -> list[Verdict]:
        start.wait()
        return floor.show_together(shown, at=NOW)

    def hold_everybody_up(session: Session) -> None:
        for table in (Card, WalletPass):
            session.execute(select(table).with_for_update())
        start.wait()
        time.sleep(HELD_UP_S)
        meanwhile(session)

    with ThreadPoolExecutor(len(two)) as threads:
        verdicts = threads.map(show, two)
        two[0].database.transact(hold_everybody_up)
        return [verdict for each in verdicts for verdict in each]


@pytest.mark.parametrize("live", [web, google])
def test_a_live_code_at_two_processes_counts_once(
    two: tuple[Counter, Counter], live: Callable[[Counter], str]
) -> None:
    floor = two[0]
    floor.place(live(floor))
    shown = [(live(floor), floor.key(f"shop {number}")) for number in range(5)]
    told = Tally((verdict.reason, verdict.repeat) for verdict in raced(two, shown))
    # The one shop that was first hears so at both.
    assert told == {
        (Reason.OK, False): 1,
        (Reason.OK, True): 1,
        (Reason.ALREADY_USED, False): 8,
    }


def test_a_newer_code_confirmed_while_two_processes_wait_makes_the_older_superseded(
    two: tuple[Counter, Counter],
) -> None:
    floor = two[0]
    floor.place(apple(floor))
    long_ago = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1)
    newer = update(WalletPass).values(confirmed_generation=2, confirmed_at=long_ago)
    shown = [(apple(floor), floor.key(name)) for name in ("A", "B")]
    verdicts = raced(two, shown, meanwhile=lambda session: session.execute(newer))
    told = {(verdict.reason, verdict.grade, verdict.advice) for verdict in verdicts}
    assert told == {(Reason.OK, Grade.STATIC, ("check_id",))}


def test_ten_checks_of_a_day_are_ten_at_two_processes(two: tuple[Counter, Counter]) -> None:
    floor = two[0]
    floor.place(apple(floor))
    shown = [(apple(floor), floor.key(f"shop {number}", f"{number}")) for number in range(10)]
    verdicts = [one for one in raced(two, shown) if not one.repeat]
    assert len(verdicts) == 10
    more = raced(two, [(apple(floor), floor.key("one more"))])
    assert {verdict.advice for verdict in more} == {("check_id",)}


def test_a_card_far_away_within_minutes_is_noticed_at_another_process(
    two: tuple[Counter, Counter],
) -> None:
    floor = two[0]
    floor.place(apple(floor))
    keys = [floor.key_at("antwerp", "1", ANTWERP), floor.key_at("ostend", "1", OSTEND)]
    verdicts = raced(two, [(apple(floor), key) for key in keys])
    told = Tally(verdict.advice for verdict in verdicts if not verdict.repeat)
    assert told == {(): 1, ("check_id",): 1}


@pytest.mark.parametrize("typed", [False, True])
def test_one_till_that_asks_two_processes_at_once_is_told_the_same(
    two: tuple[Counter, Counter], *, typed: bool
) -> None:
    floor = two[0]
    card_id = floor.place(apple(floor)).card_id
    with floor.database.reading() as session:
        number = session.get_one(Card, card_id).number
    verdicts = raced(two, [(number if typed else apple(floor), floor.key())])
    assert {verdict.valid for verdict in verdicts} == {True}
    assert len({verdict.verification_id for verdict in verdicts}) == 1
    assert sorted(verdict.repeat for verdict in verdicts) == [False, True]


def test_twenty_wrong_digits_are_twenty_at_two_processes(two: tuple[Counter, Counter]) -> None:
    floor = two[0]
    floor.place(google(floor))
    guesser = floor.key("guesser")
    verdicts = raced(two, [(google(floor, digits=f"{number:08}"), guesser) for number in range(15)])
    reasons = Tally(verdict.reason for verdict in verdicts)
    assert reasons == {Reason.BAD_SIGNATURE: 20, Reason.SUSPENDED_CHECK: 10}


def test_a_card_suspended_while_a_check_waits_for_it_is_refused(
    two: tuple[Counter, Counter],
) -> None:
    floor = two[0]
    card_id = floor.place(apple(floor)).card_id

    def suspend(session: Session) -> None:
        card = session.get_one(Card, card_id)
        lifecycle.suspend(session, card, why="asked", now=datetime.fromtimestamp(NOW, UTC))

    verdicts = raced(two, [(apple(floor), floor.key())], meanwhile=suspend)
    assert {verdict.reason for verdict in verdicts} == {Reason.NOT_VALID}
