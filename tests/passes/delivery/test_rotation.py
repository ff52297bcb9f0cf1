"""When a pass gets its next code, and how often at most."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.cards import keyring, lifecycle
from app.cards.model import CardEvent, WalletPass
from app.cards.token import WALLET_LIFETIME_S, Carrier
from app.db import Database
from app.passes.rotation import LATEST_AGE, due, rotate_due

HOUR = timedelta(hours=1)


@pytest.fixture
def rotate(database: Database, office: Any) -> Callable[[], int]:
    """Let one batch rotate at the time of the clock; the wallets have what came before."""

    def rotate() -> int:
        database.transact(_in_line)
        return _rotate(office)

    return rotate


def _rotate(office: Any) -> int:
    keys, now = office.ring.keys, office.clock()
    with office.database.reading() as session:
        found = due(session, keys=keys, now=now)
    done: int = office.database.transact(
        lambda session: rotate_due(session, found, keys=keys, now=now)
    )
    return done


def _in_line(session: Any) -> None:
    session.execute(update(WalletPass).values(pushed_revision=WalletPass.revision))


def _scan(office: Any, pass_id: uuid.UUID) -> None:
    """What verification notes when it accepted a code of this pass."""

    def work(session: Any) -> None:
        wallet_pass = session.get_one(WalletPass, pass_id)
        wallet_pass.rotation_due_at = wallet_pass.rotation_due_at or office.clock()

    office.database.transact(work)


def _rotations(office: Any) -> list[str]:
    with office.database.reading() as session:
        return list(session.scalars(select(CardEvent.why).where(CardEvent.what == "rotated")))


@pytest.mark.parametrize("carrier", [Carrier.APPLE, Carrier.GOOGLE])
def test_a_used_code_gives_way_to_the_next(
    carrier: Carrier, office: Any, rotate: Callable[[], int]
) -> None:
    (pass_id,) = office.issue(1, carrier)
    _scan(office, pass_id)
    assert (rotate(), rotate()) == (1, 0)
    wallet_pass = office.passes()[pass_id]
    assert (wallet_pass.generation, wallet_pass.rotation_due_at) == (2, None)
    assert _rotations(office) == [f"{carrier.label}-used"]


def test_use_rotates_at_most_once_an_hour_and_three_times_a_day(
    office: Any, rotate: Callable[[], int]
) -> None:
    (pass_id,) = office.issue(1, Carrier.GOOGLE)
    at, begun = [], office.clock()
    for _ in range(26 * 6):
        _scan(office, pass_id)
        generation = office.passes()[pass_id].generation
        rotate()
        if office.passes()[pass_id].generation > generation:
            at.append(office.clock() - begun)
        office.clock.advance(minutes=10)
    assert at == [0 * HOUR, 1 * HOUR, 2 * HOUR, 24 * HOUR, 25 * HOUR]


def test_a_rotation_that_may_not_be_yet_is_put_off_and_not_looked_at_again(
    office: Any, rotate: Callable[[], int]
) -> None:
    (pass_id,) = office.issue(1)
    _scan(office, pass_id)
    rotate()
    first = office.clock()
    office.clock.advance(minutes=5)
    _scan(office, pass_id)
    assert (rotate(), rotate()) == (1, 0)
    wallet_pass = office.passes()[pass_id]
    assert (wallet_pass.generation, wallet_pass.rotation_due_at) == (2, first + HOUR)


def test_one_wallet_of_a_card_does_not_use_up_the_rotations_of_the_other(
    office: Any, rotate: Callable[[], int]
) -> None:
    (pass_id,) = office.issue(1)

    def add(session: Any) -> uuid.UUID:
        card = session.get_one(WalletPass, pass_id).card
        keys, now = office.ring.keys, office.clock()
        other: uuid.UUID = lifecycle.add_pass(session, card, Carrier.GOOGLE, keys=keys, now=now).id
        return other

    other = office.database.transact(add)
    for used in (pass_id, other):
        _scan(office, used)
        rotate()
    assert [one.generation for one in office.passes().values()] == [2, 2]


def test_apple_codes_are_issued_anew_once_a_day_each_at_its_own_moment(
    office: Any, rotate: Callable[[], int]
) -> None:
    apple = office.issue(40)
    google = office.issue(3, Carrier.GOOGLE)
    at = {}
    for hour in range(30):
        rotate()
        for pass_id, one in office.passes().items():
            if one.generation == 2:
                at.setdefault(pass_id, hour)
        office.clock.advance(hours=1)
    assert at.keys() == set(apple)
    assert min(at.values()) >= 21
    assert max(at.values()) <= 27
    assert len(set(at.values())) > 3
    assert {office.passes()[one].generation for one in google} == {1}


@pytest.mark.parametrize("carrier", [Carrier.APPLE, Carrier.GOOGLE])
def test_no_code_reaches_its_end_while_the_card_is_in_force(carrier: Carrier, office: Any) -> None:
    (pass_id,) = office.issue(1, carrier)
    office.clock.advance(seconds=LATEST_AGE.total_seconds())
    # The wallet has not even taken the first revision: routine waits, this does not.
    assert _rotate(office) == 1
    age_s = office.clock().timestamp() - office.passes()[pass_id].code_issued_at
    assert age_s < WALLET_LIFETIME_S / 2


def test_routine_waits_until_the_wallet_has_the_last_change(office: Any) -> None:
    (pass_id,) = office.issue(1)
    _scan(office, pass_id)
    office.clock.advance(days=2)
    assert _rotate(office) == 0


def test_two_workers_that_saw_the_same_due_pass_rotate_it_once(office: Any) -> None:
    (pass_id,) = office.issue(1)
    office.database.transact(_in_line)
    _scan(office, pass_id)
    keys, now = office.ring.keys, office.clock()
    rotated = [
        office.database.transact(lambda session: rotate_due(session, [pass_id], keys=keys, now=now))
        for _ in range(2)
    ]
    assert rotated == [1, 0]
    assert office.passes()[pass_id].generation == 2


def test_a_pass_under_a_revoked_key_is_rotated_at_once_whatever_its_limits(
    office: Any, rotate: Callable[[], int], tmp_path: Path
) -> None:
    passes = [*office.issue(2), *office.issue(1, Carrier.GOOGLE)]
    for _ in range(3):
        for pass_id in passes:
            _scan(office, pass_id)
        rotate()
        office.clock.advance(hours=1)
    office.issue(1, Carrier.PAPER)
    keyring.revoke(tmp_path / "keys", "token", 1, now=office.clock())
    assert (rotate(), rotate()) == (3, 0)
    rotated = [office.passes()[pass_id] for pass_id in passes]
    assert {(one.key_id, one.generation) for one in rotated} == {(3, 5)}


@pytest.mark.parametrize("verb", [lifecycle.revoke, lifecycle.end])
def test_a_card_that_is_over_gets_no_new_codes(
    verb: Callable[..., None], office: Any, rotate: Callable[[], int]
) -> None:
    (pass_id,) = office.issue(1)
    _scan(office, pass_id)
    office.change(verb, pass_id, why="asked")
    office.clock.advance(days=30)
    assert rotate() == 0


def test_a_suspended_card_keeps_its_codes_fresh(office: Any, rotate: Callable[[], int]) -> None:
    (pass_id,) = office.issue(1)
    office.change(lifecycle.suspend, pass_id, why="asked")
    office.clock.advance(days=2)
    assert rotate() == 1


def test_at_most_two_hundred_passes_rotate_in_one_transaction(
    office: Any, rotate: Callable[[], int]
) -> None:
    office.issue(201)
    office.clock.advance(days=2)
    assert (rotate(), rotate(), rotate()) == (200, 1, 0)
