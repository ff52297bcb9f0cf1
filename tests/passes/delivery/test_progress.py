"""How far a delivery has come, said as slow as it is."""

from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import update

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes import progress
from app.passes.progress import Progress


@pytest.fixture
def read(database: Database, office: Any) -> Any:
    """The progress now."""

    def read() -> Progress:
        with database.reading() as session:
            return progress.read(session, Carrier.GOOGLE, now=office.clock())

    return read


@pytest.fixture
def batch(database: Database, office: Any) -> Any:
    """Let some passes come through in some seconds."""

    def batch(count: int, *, seconds: float = 10, refused: bool = False) -> None:
        begun_at = office.clock()
        office.clock.advance(seconds=seconds)

        def work(session: Any) -> None:
            for one in session.query(WalletPass).filter(WalletPass.pushed_revision == 0)[:count]:
                one.pushed_revision = one.revision
            progress.note(
                session,
                Carrier.GOOGLE,
                delivered=count,
                refused=refused,
                begun_at=begun_at,
                ended_at=office.clock(),
            )

        database.transact(work)

    return batch


def test_the_estimate_is_what_is_left_by_the_rate_so_far(
    office: Any, read: Any, batch: Any
) -> None:
    office.issue(40, Carrier.GOOGLE)
    batch(5)
    batch(5)
    assert asdict(read()) == {
        "lagging": 30,
        "parked": 0,
        "delivered": 10,
        "per_s": 0.5,
        "left_s": 60,
        "refused_since": None,
    }
    office.clock.advance(seconds=20)
    assert read().left_s == 120


def test_while_nothing_comes_through_there_is_no_estimate(
    office: Any, read: Any, batch: Any
) -> None:
    office.issue(10, Carrier.GOOGLE)
    assert (read().lagging, read().left_s) == (10, None)
    batch(5)
    office.clock.advance(minutes=10)
    assert (read().per_s, read().left_s) == (None, None)
    batch(1)
    assert read().left_s == 40


def test_when_all_is_there_nothing_is_left(
    office: Any, read: Any, batch: Any, database: Database
) -> None:
    assert read() == Progress(0, 0, 0, None, 0, None)
    office.issue(5, Carrier.GOOGLE)
    batch(5)
    assert read() == Progress(0, 0, 5, 0.5, 0, None)
    office.issue(1, Carrier.APPLE)
    database.transact(lambda session: session.execute(update(WalletPass).values(revision=1)))
    assert read().lagging == 0


def test_a_refusal_of_us_is_an_alarm_until_something_comes_through(
    office: Any, read: Any, batch: Any
) -> None:
    office.issue(3, Carrier.GOOGLE)
    batch(0, refused=True)
    since = office.clock()
    batch(0, refused=True)
    assert read().refused_since == since
    office.clock.advance(hours=1)
    batch(1)
    assert read().refused_since is None
