"""A year goes by and nobody says anything: time alone brings every card where it belongs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.card_year import BRUSSELS
from app.cards.entitlement import (
    CardStatus,
    Employment,
    Interruption,
    PersonnelStatus,
    Policy,
    StaffCategory,
    decide,
    issue_year,
)
from app.cards.keyring import KeyRing, Keys
from app.cards.model import Card, CardEvent, Teacher
from app.cards.token import Carrier
from app.db import Database
from app.epd import due
from app.epd.due import review_due
from app.epd.intake import review, teacher_of
from app.epd.messages import Snapshot, checked_insz
from app.epd.model import PersonnelRecord, status_from_json, store
from demo.population import synthetic_insz

POLICY = Policy()
BEGIN = date(2026, 3, 1)
TEACHING = Employment("012345", "311", StaffCategory.TEACHING, date(2025, 9, 1))
BREAK = Interruption("LOOPBAANONDERBREKING", full=True, begin=date(2026, 9, 1))
PEOPLE: Mapping[str, PersonnelStatus] = {
    "permanent": PersonnelStatus((TEACHING,)),
    "until-june": PersonnelStatus((replace(TEACHING, end=date(2026, 6, 30)),)),
    "until-june-and-back": PersonnelStatus(
        (replace(TEACHING, end=date(2026, 6, 30)), replace(TEACHING, begin=date(2026, 9, 1)))
    ),
    "until-may": PersonnelStatus((replace(TEACHING, end=date(2026, 5, 10)),)),
    "leave-begins": PersonnelStatus((TEACHING,), (BREAK,)),
    "leave-ends": PersonnelStatus((TEACHING,), (replace(BREAK, end=date(2026, 12, 31)),)),
    "grace-at-new-year": PersonnelStatus((replace(TEACHING, end=date(2026, 12, 10)),)),
    "over-in-december": PersonnelStatus((replace(TEACHING, end=date(2026, 11, 10)),)),
}
# Day and event for each, as the rules of docs/entitlement.md say.
EXPECTED = {
    "permanent": ["2026-12-01 extended 2027"],
    "until-june": [
        "2026-10-01 grace 2026-10-30",
        "2026-10-31 suspended not_employed",
        "2027-01-01 ended year-over",
    ],
    "until-june-and-back": ["2026-12-01 extended 2027"],
    "until-may": [
        "2026-05-11 grace 2026-06-09",
        "2026-06-10 suspended not_employed",
        "2027-01-01 ended year-over",
    ],
    "leave-begins": ["2026-09-01 suspended excluded_leave", "2027-01-01 ended year-over"],
    "leave-ends": [
        "2026-09-01 suspended excluded_leave",
        "2027-01-01 resumed employed",
        "2027-01-01 extended 2027",
    ],
    "grace-at-new-year": [
        "2026-12-01 extended 2027",
        "2026-12-11 grace 2027-01-09",
        "2027-01-10 suspended not_employed",
    ],
    "over-in-december": [
        "2026-11-11 grace 2026-12-10",
        "2026-12-11 suspended not_employed",
        "2027-01-01 ended year-over",
    ],
}


def moment(day: date) -> datetime:
    """A minute past midnight in Belgium."""
    return datetime.combine(day, time(0, 1), BRUSSELS).astimezone(UTC)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keyring.init(tmp_path, environment="demo", now=moment(BEGIN))
    return KeyRing(tmp_path).keys


def settle(
    session: Session, keys: Keys, status: PersonnelStatus, number: int, now: datetime
) -> Card:
    """Somebody of whom the file said this, with a card."""
    insz = checked_insz(synthetic_insz(date(1980, 1, 1) + timedelta(days=number), 990))
    teacher = teacher_of(session, insz, keys=keys, now=now)
    store(session, teacher.id, Snapshot(insz, 1, now, "9000", status), now=now)
    entitlement = review(session, teacher, policy=POLICY, now=now)
    assert entitlement is not None
    card = lifecycle.issue(
        session,
        teacher,
        year=issue_year(entitlement, now=now),
        initials=0,
        why=entitlement.reason,
        now=now,
    )
    lifecycle.add_pass(session, card, Carrier.WEB, keys=keys, now=now)
    return card


def work(database: Database, now: datetime) -> int:
    """As the worker: batch by batch until nothing is due."""
    done = 0
    while batch := database.transact(lambda s: review_due(s, policy=POLICY, now=now)):
        done += batch
    return done


def test_a_year_of_silence_ends_where_the_rules_say(database: Database, keys: Keys) -> None:
    begin = moment(BEGIN)
    cards = database.transact(
        lambda session: {
            key: settle(session, keys, status, number, begin).id
            for number, (key, status) in enumerate(PEOPLE.items())
        }
    )
    for days in range(1, 400):
        work(database, moment(BEGIN + timedelta(days=days)))
        if days % 30 == 0:
            assert_in_line(database, BEGIN + timedelta(days=days))
    with database.reading() as session:
        for key, card_id in cards.items():
            events = session.scalars(
                select(CardEvent).where(CardEvent.card_id == card_id).order_by(CardEvent.id)
            )
            told = [
                f"{event.at.astimezone(BRUSSELS):%Y-%m-%d} {event.what} {event.why}"
                for event in events
                if event.what not in {"issued", "pass-added"}
            ]
            assert (key, told) == (key, EXPECTED[key])


def assert_in_line(database: Database, on: date) -> None:
    """Every card in force is as the rules, asked anew for that day, would have it."""
    with database.reading() as session:
        for card in session.scalars(select(Card).where(Card.status.in_(lifecycle.IN_FORCE))):
            record = session.scalars(
                select(PersonnelRecord).filter_by(teacher_id=card.teacher_id)
            ).one()
            entitled = decide(status_from_json(record.snapshot), on=on, policy=POLICY).entitled
            assert entitled == (card.status is CardStatus.ACTIVE)
            assert card.year >= on.year


def test_the_new_card_year_is_prepared_in_bounded_batches(
    database: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "BATCH", 4)
    begin, december = moment(BEGIN), moment(date(2026, 12, 1))
    database.transact(
        lambda session: [
            settle(session, keys, PEOPLE["permanent"], number, begin) for number in range(10)
        ]
    )
    sizes = []
    while sizes[-1:] != [0]:
        sizes.append(database.transact(lambda s: review_due(s, policy=POLICY, now=december)))
    assert sizes == [4, 4, 2, 0]
    with database.reading() as session:
        assert set(session.scalars(select(Card.year))) == {2027}
        assert set(session.scalars(select(Teacher.review_on))) == {date(2027, 12, 1)}


def test_a_person_of_whom_nothing_is_known_any_more_is_not_looked_at_for_ever(
    database: Database, keys: Keys
) -> None:
    begin = moment(BEGIN)

    def forget(session: Session) -> None:
        card = settle(session, keys, PEOPLE["permanent"], 0, begin)
        session.flush()
        session.delete(session.scalars(select(PersonnelRecord)).one())
        card.teacher.review_on = BEGIN

    database.transact(forget)
    assert work(database, begin) == 1
    assert work(database, begin) == 0


def test_a_card_withheld_by_a_person_stays_so_when_its_year_turns(
    database: Database, keys: Keys
) -> None:
    begin = moment(BEGIN)

    def withhold(session: Session) -> None:
        card = settle(session, keys, PEOPLE["permanent"], 0, begin)
        lifecycle.suspend(session, card, why="under-investigation", now=begin)

    database.transact(withhold)
    work(database, moment(date(2026, 12, 1)))
    with database.reading() as session:
        card = session.scalars(select(Card)).one()
    assert (card.status, card.status_reason, card.year) == (
        CardStatus.SUSPENDED,
        "under-investigation",
        2027,
    )
