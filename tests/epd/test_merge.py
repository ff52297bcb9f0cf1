"""Many persons at once: the same as one by one, only for fewer statements."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.card_year import belgian_day, card_year
from app.cards.entitlement import (
    CardStatus,
    Employment,
    EntitlementReason,
    PersonnelStatus,
    Policy,
    StaffCategory,
    decide,
)
from app.cards.insz import Insz
from app.cards.keyring import KeyRing, Keys
from app.cards.model import Card, Teacher
from app.db import Database
from app.epd.merge import Outcome, leave_out, merge, replace_number
from app.epd.messages import Snapshot, checked_insz
from app.epd.model import PersonnelRecord, status_of
from demo.population import synthetic_insz

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
POLICY = Policy()
TEACHING = Employment("012345", "311", StaffCategory.TEACHING, date(2026, 9, 1))
LEFT = replace(TEACHING, end=date(2026, 3, 1), begin=date(2020, 9, 1))


def person(number: int) -> Insz:
    """One of many people who do not exist."""
    born = date(1970, 1, 2) + timedelta(days=number)
    return checked_insz(synthetic_insz(born, 990 + number % 9))


def said(number: int, version: int = 1, *employments: Employment, dead: bool = False) -> Snapshot:
    """What the source says of somebody."""
    status = PersonnelStatus(
        employments=employments or (TEACHING,), deceased_on=date(2026, 11, 1) if dead else None
    )
    return Snapshot(person(number), version, NOW, "9000", status)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """A fresh key ring."""
    keyring.init(tmp_path, environment="demo", now=NOW)
    return KeyRing(tmp_path).keys


def tell(
    database: Database, keys: Keys, *snapshots: Snapshot, now: datetime = NOW
) -> list[Outcome]:
    """One batch."""
    return database.transact(
        lambda session: merge(session, snapshots, keys=keys, policy=POLICY, now=now)
    )


def teacher_of(session: Session, keys: Keys, number: int) -> Teacher:
    """The row of one of them."""
    pseudonym = person(number).pseudonym(keys.active("pepper").value)
    return session.scalars(select(Teacher).where(Teacher.insz_pseudonym == pseudonym)).one()


def standing(database: Database, keys: Keys, number: int) -> tuple[str | None, list[CardStatus]]:
    """Why somebody is entitled or not, and the status of each of their cards."""
    with database.reading() as session:
        teacher = teacher_of(session, keys, number)
        return teacher.entitlement_reason, [card.status for card in teacher.cards]


def give_cards(database: Database, keys: Keys, *numbers: int) -> None:
    """Each of them has a card."""

    def work(session: Session) -> None:
        for number in numbers:
            lifecycle.issue(
                session,
                teacher_of(session, keys, number),
                year=card_year(2026),
                initials=0,
                why="employed",
                now=NOW,
            )

    database.transact(work)


def test_a_batch_tells_new_changed_unchanged_and_outdated_apart(
    database: Database, keys: Keys
) -> None:
    assert tell(database, keys, said(1), said(2), said(3), said(4, 5)) == [Outcome.NEW] * 4
    assert tell(database, keys, said(1), said(2, 2), said(3, 2, LEFT), said(4, 4, LEFT)) == [
        Outcome.UNCHANGED,
        Outcome.UNCHANGED,
        Outcome.CHANGED,
        Outcome.OUTDATED,
    ]
    assert standing(database, keys, 3)[0] == EntitlementReason.NOT_EMPLOYED
    assert standing(database, keys, 4)[0] == EntitlementReason.EMPLOYED
    # Unchanged news of a higher version is remembered all the same.
    assert tell(database, keys, said(2, 1, LEFT)) == [Outcome.OUTDATED]


def test_of_two_snapshots_of_one_person_the_higher_version_counts(
    database: Database, keys: Keys
) -> None:
    assert tell(database, keys, said(1, 3), said(1, 2, LEFT)) == [Outcome.NEW, Outcome.OUTDATED]
    assert tell(database, keys, said(1, 4), said(1, 5, LEFT)) == [
        Outcome.OUTDATED,
        Outcome.CHANGED,
    ]
    assert standing(database, keys, 1)[0] == EntitlementReason.NOT_EMPLOYED


def test_cards_follow_in_the_same_transaction(database: Database, keys: Keys) -> None:
    tell(database, keys, said(1), said(2), said(3))
    give_cards(database, keys, 1, 2, 3)
    tell(database, keys, said(1, 2, LEFT), said(2, 2, dead=True), said(3))
    assert standing(database, keys, 1)[1] == [CardStatus.SUSPENDED]
    assert standing(database, keys, 2)[1] == [CardStatus.ENDED]
    assert standing(database, keys, 3)[1] == [CardStatus.ACTIVE]
    tell(database, keys, said(1, 3), said(2, 3))
    assert standing(database, keys, 1)[1] == [CardStatus.ACTIVE]
    assert standing(database, keys, 2)[1] == [CardStatus.ENDED]


def test_who_is_left_out_gets_grace_and_comes_back_with_the_same_version(
    database: Database, keys: Keys
) -> None:
    tell(database, keys, said(1), said(2))
    give_cards(database, keys, 1)

    def leave(session: Session) -> int:
        ids = [teacher_of(session, keys, 1).id]
        return leave_out(session, ids, policy=POLICY, now=NOW)

    assert (database.transact(leave), database.transact(leave)) == (1, 0)
    assert standing(database, keys, 1) == (EntitlementReason.GRACE, [CardStatus.ACTIVE])
    assert standing(database, keys, 2)[0] == EntitlementReason.EMPLOYED
    with database.reading() as session:
        status = status_of(session, teacher_of(session, keys, 1).id)
    assert status is not None
    ends = decide(status, on=belgian_day(NOW), policy=POLICY).until
    assert ends == belgian_day(NOW) + timedelta(days=29)
    assert not decide(status, on=ends + timedelta(days=1), policy=POLICY).entitled
    assert tell(database, keys, said(1, 0, LEFT)) == [Outcome.OUTDATED]
    assert tell(database, keys, said(1)) == [Outcome.CHANGED]
    assert standing(database, keys, 1)[0] == EntitlementReason.EMPLOYED


def test_a_replaced_number_counts_once(database: Database, keys: Keys) -> None:
    tell(database, keys, said(1), said(2), said(4))
    give_cards(database, keys, 1, 2)

    def replaced(session: Session) -> None:
        for old, new in ((1, 3), (2, 4), (8, 9)):
            replace_number(session, person(old), person(new), keys=keys, policy=POLICY, now=NOW)

    database.transact(replaced)
    # 1 is 3 from here on and keeps the card; 2 and 4 were one person with two rows.
    assert standing(database, keys, 3)[1] == [CardStatus.ACTIVE]
    assert standing(database, keys, 2) == (EntitlementReason.GRACE, [CardStatus.REVOKED])
    assert standing(database, keys, 4) == (EntitlementReason.EMPLOYED, [])
    with database.reading() as session:
        assert len(session.scalars(select(Teacher)).all()) == 3


def test_after_a_rotation_of_the_pepper_nobody_is_new(database: Database, tmp_path: Path) -> None:
    keyring.init(tmp_path, environment="demo", now=NOW)
    ring = KeyRing(tmp_path)
    tell(database, ring.keys, said(1), said(2))
    keyring.rotate(tmp_path, "pepper", now=NOW)
    outcomes = tell(database, ring.keys, said(1), said(2, 2, LEFT), said(3))
    assert outcomes == [Outcome.UNCHANGED, Outcome.CHANGED, Outcome.NEW]


def test_the_number_is_kept_sealed_for_its_own_row(database: Database, keys: Keys) -> None:
    tell(database, keys, said(1))
    with database.reading() as session:
        record = session.scalars(select(PersonnelRecord)).one()
    assert record.insz_encrypted is not None
    assert person(1).digits.encode() not in record.insz_encrypted
    place = f"epd_person|insz|{record.teacher_id}"
    assert keys.unseal(record.insz_encrypted, place=place) == person(1).digits.encode()


def test_a_hundred_persons_cost_as_few_statements_as_ten(database: Database, keys: Keys) -> None:
    def statements(numbers: Sequence[int], version: int) -> int:
        seen: list[str] = []

        def note(*context: Any) -> None:
            seen.append(context[2])

        event.listen(database.engine, "before_cursor_execute", note)
        tell(database, keys, *(said(number, version, LEFT) for number in numbers))
        event.remove(database.engine, "before_cursor_execute", note)
        return len(seen)

    for numbers in (range(10), range(100, 200)):
        tell(database, keys, *map(said, numbers))
        give_cards(database, keys, *numbers)
    assert statements(range(10), 2) == statements(range(100, 200), 2) < 15


Change = tuple[int, int, int]
CHANGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(0, 3)), max_size=12)


def _snapshot(change: Change) -> Snapshot:
    number, version, kind = change
    employments = ((TEACHING,), (LEFT,), (TEACHING, LEFT), (TEACHING,))[kind]
    return said(number, version, *employments, dead=kind == 3)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=CHANGES, seed=st.integers(0, 99))
def test_a_verdict_never_depends_on_the_others_in_the_batch(
    database: Database, keys: Keys, changes: list[Change], seed: int
) -> None:
    """Metamorphic: alone, together or shuffled, every person ends in the same state."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable shuffle, no secret
    ends = []
    batches: list[Callable[[list[Snapshot]], list[list[Snapshot]]]] = [
        lambda all_: [all_],
        lambda all_: [[one] for one in all_],
        lambda all_: [chance.sample(all_, len(all_))],
    ]
    # One version has one content: what a source says of a version does not change.
    versions = {(number, version): kind for number, version, kind in changes}
    snapshots = [_snapshot((*key, kind)) for key, kind in versions.items()]
    for cut in batches:
        database.transact(_forget)
        tell(database, keys, *(said(number, 0) for number in range(10)))
        give_cards(database, keys, *range(0, 10, 2))
        for batch in cut(snapshots):
            tell(database, keys, *batch)
        ends.append([standing(database, keys, number) for number in range(10)])
    assert ends[0] == ends[2]
    # One after another a card may have ended that never would have been looked at together.
    assert [reason for reason, _ in ends[0]] == [reason for reason, _ in ends[1]]


def _forget(session: Session) -> None:
    for card in session.scalars(select(Card)):
        for one in card.events:
            session.delete(one)
        session.delete(card)
    session.flush()
    for table in (PersonnelRecord, Teacher):
        for row in session.scalars(select(table)):  # type: ignore[var-annotated]
            session.delete(row)
        session.flush()
