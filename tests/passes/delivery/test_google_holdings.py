"""What Google tells of saves and removals, in whatever order, as often as it likes."""

import itertools
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.cards.token import Carrier
from app.db import Database
from app.errors import NotFound
from app.passes.google.ecv2 import SaveEvent
from app.passes.google.holdings import forget_nonces, note_event, note_users
from app.passes.model import CallbackNonce, GoogleHolding

Tell = Callable[[SaveEvent], bool]


def event(number: int, *, saved: bool, nonce: str | None = None) -> SaveEvent:
    """The event that happened as the `number`th."""
    end_ms = 1795600000000 + number
    return SaveEvent("c", "o", saved, end_ms, nonce or f"nonce-{number}")


@pytest.fixture
def pass_id(office: Any) -> uuid.UUID:
    """A Google pass that nobody has saved yet."""
    (pass_id,) = office.issue(1, Carrier.GOOGLE)
    return pass_id  # type: ignore[no-any-return]  # the office is another file's


@pytest.fixture
def tell(office: Any, pass_id: uuid.UUID) -> Tell:
    """Let Google tell of an event; whether it was news."""
    serial = office.passes()[pass_id].serial

    def tell(happened: SaveEvent) -> bool:
        return bool(
            office.database.transact(
                lambda session: note_event(session, serial, happened, now=office.clock())
            )
        )

    return tell


@pytest.fixture
def answer(office: Any, pass_id: uuid.UUID) -> Callable[..., None]:
    """Let Google answer whether the pass has users."""

    def answer(*, has_users: bool, asked_at: datetime) -> None:
        office.database.transact(
            lambda session: note_users(session, pass_id, has_users=has_users, asked_at=asked_at)
        )

    return answer


def holding(database: Database, pass_id: uuid.UUID) -> tuple[bool, datetime | None] | None:
    """Whether the pass is held, and since when it was ever saved."""
    with database.reading() as session:
        row = session.get(GoogleHolding, pass_id)
        return (row.held, row.saved_at) if row else None


def test_a_save_and_a_removal_are_kept(
    office: Any, tell: Tell, database: Database, pass_id: uuid.UUID
) -> None:
    assert holding(database, pass_id) is None
    begun = office.clock()
    assert tell(event(1, saved=True))
    assert holding(database, pass_id) == (True, begun)
    office.clock.advance(days=1)
    assert tell(event(2, saved=False))
    assert holding(database, pass_id) == (False, begun)


STORY: Sequence[SaveEvent] = [event(n, saved=n % 2 == 1) for n in range(1, 5)]


def test_in_whatever_order_and_however_often_the_last_event_counts(
    office: Any, tell: Tell, database: Database, pass_id: uuid.UUID
) -> None:
    for order in itertools.permutations(STORY[:3]):
        database.transact(
            lambda session: [
                session.query(table).delete() for table in (GoogleHolding, CallbackNonce)
            ]
        )
        news = [tell(happened) for happened in (*order, *order)]
        assert news == [True] * 3 + [False] * 3
        assert holding(database, pass_id) == (True, office.clock())


def test_a_save_that_is_heard_of_after_the_removal_still_counts_as_a_save(
    office: Any, tell: Tell, database: Database, pass_id: uuid.UUID
) -> None:
    tell(event(2, saved=False))
    assert holding(database, pass_id) == (False, None)
    tell(event(1, saved=True))
    assert holding(database, pass_id) == (False, office.clock())


def test_told_by_many_at_once_each_event_is_news_once(
    office: Any, tell: Tell, database: Database, pass_id: uuid.UUID
) -> None:
    with ThreadPoolExecutor(8) as threads:
        news = list(threads.map(tell, STORY * 4))
    assert sum(news) == len(STORY)
    assert holding(database, pass_id) == (False, office.clock())


def test_a_nonce_counts_once_whatever_it_says_the_second_time(
    tell: Tell, database: Database, pass_id: uuid.UUID
) -> None:
    assert tell(event(1, saved=True, nonce="one"))
    assert not tell(event(2, saved=False, nonce="one"))
    held = holding(database, pass_id)
    assert held is not None
    assert held[0]


@pytest.mark.parametrize("carrier", [Carrier.APPLE, None])
def test_a_pass_that_is_not_at_google_is_not_found(
    office: Any, database: Database, carrier: Carrier | None
) -> None:
    serial = "0" * 32
    if carrier:
        (other,) = office.issue(1, carrier)
        serial = office.passes()[other].serial
    with pytest.raises(NotFound):
        database.transact(
            lambda session: note_event(session, serial, event(1, saved=True), now=office.clock())
        )
    with database.reading() as session:
        assert session.query(CallbackNonce).count() == 0


def test_an_answer_corrects_what_callbacks_missed(
    office: Any,
    tell: Tell,
    answer: Callable[..., None],
    database: Database,
    pass_id: uuid.UUID,
) -> None:
    first = office.clock()
    answer(has_users=False, asked_at=first)
    assert holding(database, pass_id) is None
    answer(has_users=True, asked_at=first)
    assert holding(database, pass_id) == (True, first)
    office.clock.advance(hours=1)
    answer(has_users=False, asked_at=office.clock())
    assert holding(database, pass_id) == (False, first)
    office.clock.advance(hours=1)
    tell(event(1, saved=True))
    assert holding(database, pass_id) == (True, first)


def test_an_answer_to_an_older_question_takes_nothing_back(
    office: Any,
    tell: Tell,
    answer: Callable[..., None],
    database: Database,
    pass_id: uuid.UUID,
) -> None:
    asked_at = office.clock()
    office.clock.advance(seconds=2)
    tell(event(1, saved=True))
    answer(has_users=False, asked_at=asked_at)
    assert holding(database, pass_id) == (True, office.clock())


def test_nonces_are_kept_until_their_callbacks_have_ended(
    office: Any, tell: Tell, database: Database
) -> None:
    tell(event(1, saved=True))
    tell(event(60_000, saved=False))
    end = datetime.fromtimestamp(1795600000.001, tz=office.clock().tzinfo)

    def forget(at: datetime) -> int:
        return database.transact(lambda session: forget_nonces(session, now=at))

    assert forget(end - timedelta(milliseconds=1)) == 0
    assert forget(end) == 1
    assert not tell(event(60_000, saved=False))
