"""The personnel file is asked to tell of holders of a card, of nobody else, and for no longer."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.entitlement import issue_year
from app.cards.keyring import KeyRing
from app.cards.model import Card, Teacher
from app.db import Database
from app.epd import intake
from app.epd.client import EpdClient
from app.epd.messages import checked_insz
from app.epd.patience import Patience
from app.epd.pull import registering
from app.epd.pull.model import Registration
from app.errors import Unavailable
from app.retention.erasure import erase
from tests.epd.test_pull import (
    NOW,
    POLICY,
    Source,
    client_of,
    file_of,
    number,
    puller,
    ring,
    run,
    source,
)

__all__ = ["puller", "ring", "source"]

Bring = Callable[[], int]
Come = Callable[..., uuid.UUID]


@pytest.fixture
def client(source: Source) -> Iterator[EpdClient]:
    with closing(client_of(source)) as made:
        yield made


@pytest.fixture
def bring(database: Database, ring: KeyRing, client: EpdClient) -> Bring:
    return lambda: registering.register(database, ring, client, now=NOW)


@pytest.fixture
def come(database: Database, ring: KeyRing, client: EpdClient, source: Source) -> Come:
    """Somebody on file logs in, and takes a card or not."""

    def come(place: int, *, card: bool = True) -> uuid.UUID:
        source.tell(people=[file_of(number(place))])
        insz = checked_insz(number(place))
        answer = client.status(insz, on=NOW.date(), now=NOW)

        def work(session: Session) -> uuid.UUID:
            keys = ring.keys
            teacher = intake.teacher_of(session, insz, keys=keys, now=NOW)
            intake.hear(session, teacher, answer, keys=keys, now=NOW)
            entitlement = intake.review(session, teacher, policy=POLICY, now=NOW)
            if card:
                assert entitlement is not None
                year = issue_year(entitlement, now=NOW)
                assert year is not None
                lifecycle.issue(session, teacher, year=year, initials=0, why="employed", now=NOW)
            return teacher.id

        return database.transact(work)

    return come


def told_of(source: Source) -> list[str]:
    """The numbers in the repertorium."""
    registered: list[str] = httpx.get(f"{source.url}/_state").json()["registered"]
    return registered


def change(database: Database, teacher_id: uuid.UUID, work: Callable[..., None]) -> None:
    database.transact(lambda session: work(session, session.get_one(Teacher, teacher_id)))


def test_whoever_has_a_card_is_registered_once_and_nobody_else(
    bring: Bring, come: Come, source: Source
) -> None:
    come(1)
    come(2, card=False)
    assert (bring(), bring()) == (1, 0)
    assert told_of(source) == [number(1)]
    assert source.asked("PUT /v1/inschrijvingen") == 1


def test_a_change_of_a_holder_comes_in_and_that_of_others_does_not(
    bring: Bring, come: Come, source: Source, puller: Callable[..., Any]
) -> None:
    pull = puller()
    come(1)
    come(2, card=False)
    bring()
    run(pull)
    source.tell(repertorium=True)
    source.tell(people=[file_of(number(place), version=2) for place in (1, 2)])
    assert run(pull) == 1


def test_who_gives_up_the_card_or_is_forgotten_is_struck_off(
    bring: Bring, come: Come, source: Source, database: Database
) -> None:
    teachers = [come(place) for place in (1, 2, 3)]
    bring()

    def end(session: Session, teacher: Teacher) -> None:
        card = session.scalars(select(Card).where(Card.teacher_id == teacher.id)).one()
        lifecycle.revoke(session, card, why="lost", now=NOW)

    change(database, teachers[0], end)
    change(database, teachers[1], lambda session, teacher: erase(session, teacher.id, now=NOW))
    assert (bring(), bring()) == (2, 0)
    assert told_of(source) == [number(3)]
    with database.reading() as session:
        assert session.scalars(select(Registration.teacher_id)).all() == [teachers[2]]


def test_a_new_number_takes_the_place_of_the_old_one_under_the_same_reference(
    bring: Bring, come: Come, source: Source, puller: Callable[..., Any]
) -> None:
    come(1)
    bring()
    source.tell(people=[file_of(number(9), version=2)], replaced={number(1): number(9)})
    run(puller())
    assert (bring(), bring()) == (1, 0)
    assert told_of(source) == [number(9)]


def test_silence_costs_nothing_but_time(bring: Bring, come: Come, source: Source) -> None:
    come(1)
    silent = {"kind": "down", "path": "/v1/inschrijvingen", "times": 50}
    source.tell(faults=[silent])
    with pytest.raises(Unavailable):
        bring()
    assert told_of(source) == []
    source.tell(faults=[silent | {"times": 1}])
    assert bring() == 1
    assert told_of(source) == [number(1)]


def test_whom_the_file_refuses_does_not_hold_up_others(
    bring: Bring, come: Come, source: Source
) -> None:
    come(1)
    come(2)
    source.tell(faults=[{"kind": "invalid-number", "path": "/v1/inschrijvingen"}])
    assert bring() == 1
    assert bring() == 1
    assert told_of(source) == sorted([number(1), number(2)])


def test_what_was_registered_for_somebody_who_is_gone_meanwhile_is_taken_back(
    database: Database, ring: KeyRing, come: Come, source: Source
) -> None:
    come(1)

    class Slow(EpdClient):
        """Another worker ends the registration before this one notes it."""

        def register(self, *asked: Any, **options: Any) -> None:
            super().register(*asked, **options)
            database.transact(lambda session: session.execute(delete(Registration)))

    with closing(client_of(source, Slow)) as slow:
        registering.register(database, ring, slow, now=NOW)
    assert told_of(source) == []


def test_a_new_pepper_sends_nobody_again_and_holds_up_nobody(
    bring: Bring, come: Come, ring: KeyRing
) -> None:
    come(1)
    assert bring() == 1
    keyring.rotate(ring.directory, "pepper", now=NOW)
    come(2)
    assert (bring(), bring()) == (1, 0)


def test_a_file_without_a_repertorium_goes_on_answering(
    database: Database, ring: KeyRing, come: Come, source: Source
) -> None:
    come(1)
    source.tell(faults=[{"kind": "unknown", "path": "/v1/inschrijvingen", "times": 9}])
    with closing(client_of(source, patience=Patience(failures=1))) as client:
        assert registering.register(database, ring, client, now=NOW) == 0
        answer = client.status(checked_insz(number(1)), on=NOW.date(), now=NOW)
    assert answer.snapshot is not None
