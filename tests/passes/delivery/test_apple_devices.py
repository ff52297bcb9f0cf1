"""Every Apple pass ends in line with its devices, whatever APNs, a worker or a clock does."""

import os
import random
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.token import Carrier
from app.db import Database
from app.passes import lease
from app.passes.delivery import REST, Delivery
from app.passes.lease import LEASE, PATIENCE, Due, Outcome
from app.passes.model import DeviceRegistration
from demo.apns import Fault, World

A, B = "a1" * 32, "b2" * 32
BUSY = Fault(503, "ServiceUnavailable")


class Recording:
    """A wallet that takes everything and keeps what it was brought; `pause` in the middle."""

    carrier = Carrier.APPLE

    def __init__(self, pause: Callable[[], object] = bool) -> None:
        self.brought: list[tuple[uuid.UUID, int]] = []
        self._pause = pause

    def deliver(  # noqa: D102 - the protocol's
        self,
        due: Sequence[Due],
        *,
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> list[Outcome]:
        self.brought += [(one.pass_id, one.revision) for one in due]
        self._pause()
        return [Outcome(one.pass_id, one.revision) for one in due]


def test_every_device_of_a_pass_is_told_once(
    office: Any, to_apple: Callable[..., Delivery], world: World
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A, B)
    delivery = to_apple()
    assert (delivery.run(), delivery.run()) == (1, 0)
    assert (world.taken(A), world.taken(B)) == (1, 1)
    assert office.lagging() == set()
    assert office.row(pass_id) is None


def test_a_device_with_several_passes_that_changed_is_told_once(
    office: Any, to_apple: Callable[..., Delivery], world: World
) -> None:
    for pass_id in office.issue(3):
        office.register(pass_id, A)
    assert to_apple().run() == 3
    assert world.arrived == {A: 1}


def test_a_pass_that_no_device_has_is_in_line_already(
    office: Any, to_apple: Callable[..., Delivery], world: World
) -> None:
    office.issue(2)
    assert to_apple().run() == 2
    assert office.lagging() == set()
    assert world.pushes == []


def test_changes_of_a_pass_become_one_push_of_the_newest(
    office: Any, to_apple: Callable[..., Delivery], world: World
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A)
    for verb in (lifecycle.suspend, lifecycle.resume, lifecycle.suspend):
        office.change(verb, pass_id, why="asked")
    to_apple().run()
    assert world.taken(A) == 1
    assert office.passes()[pass_id].pushed_revision == 4


def _suspend_once(office: Any, pass_id: uuid.UUID) -> None:
    if office.passes()[pass_id].revision == 1:
        office.change(lifecycle.suspend, pass_id, why="asked")


def test_a_change_during_the_push_is_due_again(
    office: Any, database: Database, clock: Callable[[], datetime]
) -> None:
    (pass_id,) = office.issue(1)
    wallet = Recording(lambda: _suspend_once(office, pass_id))
    delivery = Delivery(database, wallet, clock=clock)
    assert (delivery.run(), delivery.run(), delivery.run()) == (1, 1, 0)
    assert wallet.brought == [(pass_id, 1), (pass_id, 2)]


def test_a_revocation_overtakes_everything_that_waits(
    office: Any, database: Database, clock: Any
) -> None:
    passes = office.issue(3)
    clock.advance(minutes=5)
    office.change(lifecycle.revoke, passes[2], why="lost")
    batch = database.transact(
        lambda session: lease.take(session, Carrier.APPLE, limit=2, now=clock())
    )
    assert batch.due == (Due(passes[2], 2), Due(passes[0], 1))


def test_devices_that_were_told_are_not_told_again_while_another_waits(
    office: Any, to_apple: Callable[..., Delivery], world: World, clock: Any
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A, B)
    world.decide = lambda token, nth: BUSY if token == B and nth < 4 else None
    delivery = to_apple()
    while office.lagging():
        delivery.run()
        clock.advance(minutes=15)
    assert world.arrived == {A: 1, B: 4}


def test_a_failure_waits_longer_each_time_and_never_over_a_quarter_of_an_hour(
    office: Any, to_apple: Callable[..., Delivery], world: World, clock: Any
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A)
    world.decide = lambda *_: BUSY
    delivery = to_apple()
    for attempt in range(1, 14):
        assert delivery.run() == 1
        row = office.row(pass_id)
        assert row is not None
        assert row.attempts == attempt
        assert row.next_attempt_at is not None
        wait = row.next_attempt_at - clock()
        assert timedelta() <= wait <= timedelta(seconds=min(900, 2**attempt))
        clock.moment = row.next_attempt_at


def test_after_a_week_a_pass_is_given_up_until_its_next_change(
    office: Any, to_apple: Callable[..., Delivery], world: World, clock: Any
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A)
    world.decide = lambda *_: BUSY
    delivery = to_apple()
    clock.advance(seconds=PATIENCE.total_seconds())
    assert (delivery.run(), delivery.run()) == (1, 0)
    assert office.reasons() == {pass_id: "503 ServiceUnavailable"}
    world.decide = lambda *_: None
    office.change(lifecycle.suspend, pass_id, why="asked")
    assert delivery.run() == 1
    assert office.lagging() == set()


@pytest.mark.parametrize("reason", ["BadDeviceToken", "DeviceTokenNotForTopic"])
def test_a_token_that_apple_calls_bad_is_forgotten(
    reason: str, office: Any, to_apple: Callable[..., Delivery], world: World
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A, B)
    world.decide = lambda token, _: Fault(400, reason) if token == A else None
    assert to_apple().run() == 1
    assert office.tokens() == {B}
    assert office.lagging() == set()


@pytest.mark.parametrize(("gone_days_ago", "kept"), [(0.5, 0), (2, 1)])
def test_a_device_is_forgotten_only_when_apple_missed_it_after_it_registered(
    gone_days_ago: float,
    kept: int,
    office: Any,
    to_apple: Callable[..., Delivery],
    world: World,
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A, ago_days=1)
    since = office.clock() - timedelta(days=gone_days_ago)
    since_ms = int(since.timestamp() * 1000)
    world.decide = lambda *_: Fault(410, "Unregistered", since_ms)
    assert to_apple().run() == 1
    assert office.tokens() == ({A} if kept else set())
    assert office.lagging() == ({pass_id} if kept else set())


def test_a_device_that_is_gone_no_longer_holds_up_what_the_others_confirmed(
    office: Any, to_apple: Callable[..., Delivery], world: World, database: Database
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A, B)

    def fetched(session: Session) -> None:
        one = select(DeviceRegistration).where(DeviceRegistration.push_token == B)
        device = session.scalars(one).one()
        device.downloaded_generation, device.downloaded_at = 1, office.clock()

    database.transact(fetched)
    assert office.passes()[pass_id].confirmed_generation is None
    world.decide = lambda token, _: Fault(400, "BadDeviceToken") if token == A else None
    to_apple().run()
    assert office.tokens() == {B}
    wallet_pass = office.passes()[pass_id]
    assert (wallet_pass.confirmed_generation, wallet_pass.pushed_revision) == (1, 1)
    assert wallet_pass.confirmed_at == office.clock()


def test_what_apple_said_of_one_device_is_noted_although_it_refused_us_for_the_other(
    office: Any, to_apple: Callable[..., Delivery], world: World, clock: Any
) -> None:
    (pass_id,) = office.issue(1)
    office.register(pass_id, A, B)
    gone, blame = Fault(410, "Unregistered"), Fault(403, "BadCertificate")
    world.decide = lambda token, nth: gone if token == A else blame if nth == 1 else None
    delivery = to_apple()
    while office.lagging():
        delivery.run()
        clock.advance(minutes=15)
    assert office.tokens() == {B}
    # Pushes go out side by side: Apple may refuse us before we have asked for the first device.
    assert world.arrived[A] <= 1
    assert world.taken(B) == 1


def test_a_fault_of_ours_stops_all_pushes_and_blames_no_pass(
    office: Any, to_apple: Callable[..., Delivery], world: World, clock: Any
) -> None:
    devices = office.with_devices(30)
    world.decide = lambda *_: Fault(403, "BadCertificate")
    delivery = to_apple(pushes_per_s=50.0)
    delivery.run()
    before = len(world.pushes)
    assert before < 15
    clock.advance(seconds=LEASE.total_seconds())
    assert delivery.run() == 0
    clock.advance(seconds=REST.total_seconds())
    assert delivery.run() == 1
    assert len(world.pushes) == before + 1
    assert office.lagging() == set(devices.values())
    assert office.reasons() == {}
    world.decide = lambda *_: None
    clock.advance(seconds=REST.total_seconds())
    assert (delivery.run(), delivery.run(), delivery.run()) == (1, 29, 0)
    assert office.lagging() == set()


def test_while_nothing_gets_through_one_pass_at_a_time_is_tried(
    office: Any, to_apple: Callable[..., Delivery], world: World, clock: Any
) -> None:
    office.with_devices(5)
    world.decide = lambda *_: BUSY
    delivery = to_apple()
    delivery.run()
    before = len(world.pushes)
    clock.advance(minutes=15)
    assert [delivery.run() for _ in range(5)] == [1] * 5
    assert len(world.pushes) == before + 5
    world.decide = lambda *_: None
    clock.advance(minutes=15)
    assert [delivery.run() for _ in range(3)] == [1, 4, 0]


def test_an_acknowledgement_that_comes_late_takes_nothing_back(
    office: Any, database: Database, clock: Any
) -> None:
    (pass_id,) = office.issue(1)
    late = database.transact(
        lambda session: lease.take(session, Carrier.APPLE, limit=9, now=clock())
    )
    clock.advance(seconds=LEASE.total_seconds())
    office.change(lifecycle.suspend, pass_id, why="asked")
    fresh = Recording()
    assert Delivery(database, fresh, clock=clock).run() == 1
    for outcome in (Outcome(pass_id, 1), Outcome(pass_id, 1, failure="late", final=True)):
        database.transact(
            lambda session, one=outcome: lease.settle(session, late, [one], now=clock())
        )
    assert office.passes()[pass_id].pushed_revision == 2
    assert office.row(pass_id) is None


def test_two_workers_never_bring_the_same_revision_within_a_lease(
    office: Any, database: Database, clock: Any
) -> None:
    passes = office.issue(150)
    workers = [Recording() for _ in range(4)]

    def work(wallet: Recording) -> None:
        delivery = Delivery(database, wallet, clock=clock)
        delivery._limit = 7  # noqa: SLF001 - small batches meet more often
        # Who loses a race for its rows comes away with little, so how many rounds it takes varies.
        for _ in range(500):
            if not office.lagging():
                break
            delivery.run()

    threads = [threading.Thread(target=work, args=(wallet,)) for wallet in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    brought = Counter(one for wallet in workers for one in wallet.brought)
    assert brought == dict.fromkeys([(pass_id, 1) for pass_id in passes], 1)
    assert office.lagging() == set()


def _die_after_pushing(url: str, moment: datetime) -> None:
    """A worker that is killed between the push and the commit."""
    wallet = Recording(lambda: os.kill(os.getpid(), signal.SIGKILL))
    Delivery(Database(url), wallet, clock=lambda: moment).run()


def test_a_worker_that_is_killed_after_the_push_is_followed_by_one_that_pushes_again(
    office: Any, database_url: str, to_apple: Callable[..., Delivery], clock: Any
) -> None:
    devices = office.with_devices(3)
    victim = get_context("spawn").Process(target=_die_after_pushing, args=(database_url, clock()))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    delivery = to_apple()
    assert delivery.run() == 0
    assert office.lagging() == set(devices.values())
    clock.advance(seconds=LEASE.total_seconds())
    assert (delivery.run(), delivery.run()) == (3, 0)
    assert office.lagging() == set()


ANSWERS = [Fault(429, "TooManyRequests"), Fault(500, "InternalServerError"), BUSY]
TROUBLES = [Fault(trouble=t) for t in ("goaway", "disconnect", "lost-reply", "silence")]


def _until_in_line(office: Any, delivery: Delivery) -> None:
    for _ in range(200):
        if not office.lagging():
            return
        delivery.run()
        office.clock.advance(minutes=5)
    raise AssertionError(f"{len(office.lagging())} passes still lag")


@pytest.mark.parametrize("passing", [ANSWERS, ANSWERS * 32 + TROUBLES], ids=["answers", "all"])
def test_three_hundred_devices_all_end_in_line_though_half_of_all_pushes_fail(
    passing: list[Fault], office: Any, to_apple: Callable[..., Delivery], world: World
) -> None:
    devices = office.with_devices(300)
    dice = random.Random(20261124)  # noqa: S311 - the same faults in every run
    gone_ms = int(office.clock().timestamp() * 1000)
    final = [Fault(410, "Unregistered", gone_ms), Fault(400, "BadDeviceToken")]
    dead = dict(zip(dice.sample(sorted(devices), 30), final * 15, strict=True))
    world.decide = lambda token, _: (
        dead.get(token) or (dice.choice(passing) if dice.random() < 0.5 else None)
    )
    _until_in_line(office, to_apple(answer_s=0.3))
    assert office.reasons() == {}
    assert office.tokens() == devices.keys() - dead.keys()
    assert all(world.taken(token) for token in office.tokens())
    assert sum(push.fault is not None for push in world.pushes) > len(world.pushes) / 3
    if passing is ANSWERS:
        # A final answer is asked for once; only one that was lost on its way, again.
        assert {world.arrived[token] for token in dead} == {1}
        assert {world.taken(token) for token in office.tokens()} == {1}


def test_the_figures_say_how_far_phones_are_behind(
    office: Any, database: Database, clock: Any
) -> None:
    with database.reading() as session:
        assert lease.figures(session, now=clock()) == lease.Figures(0, 0, 0, 0)
    (pass_id, *_) = office.issue(2)
    office.issue(1, Carrier.WEB)
    clock.advance(seconds=90)
    with database.reading() as session:
        assert lease.figures(session, now=clock()) == lease.Figures(2, 90, 0, 0)
    batch = database.transact(
        lambda session: lease.take(session, Carrier.APPLE, limit=1, now=clock())
    )
    refused = Outcome(batch.due[0].pass_id, 1, failure="400 never", final=True)
    database.transact(lambda session: lease.settle(session, batch, [refused], now=clock()))
    assert batch.due == (Due(pass_id, 1),)
    with database.reading() as session:
        assert lease.figures(session, now=clock()) == lease.Figures(2, 90, 1, 90)
