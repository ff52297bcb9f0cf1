"""What the personnel file says reaches the card, whoever brought it and in one transaction."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.card_year import card_year
from app.cards.entitlement import (
    CardStatus,
    Employment,
    EntitlementReason,
    PersonnelStatus,
    Policy,
    StaffCategory,
)
from app.cards.keyring import KeyRing, Keys
from app.db import Database
from app.epd.answers import EpdAnswer
from app.epd.intake import hear, review, teacher_of
from app.epd.messages import Snapshot, checked_insz
from app.epd.model import EPD, PersonnelRecord

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
POLICY = Policy()
INSZ = checked_insz("84022999510")
SUCCESSOR = checked_insz("84022999609")
TEACHING = Employment("012345", "311", StaffCategory.TEACHING, date(2026, 9, 1))
EMPLOYED = Snapshot(
    insz=INSZ,
    version=1,
    changed_at=NOW,
    postcode="9000",
    status=PersonnelStatus(employments=(TEACHING,)),
)
DECEASED = replace(EMPLOYED, version=2, status=PersonnelStatus(deceased_on=date(2026, 11, 1)))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """A fresh key ring."""
    keyring.init(tmp_path, environment="demo", now=NOW)
    return KeyRing(tmp_path).keys


def _said(session: Session, keys: Keys, answer: EpdAnswer) -> EntitlementReason | None:
    """One answer about the person, and what the rules make of it."""
    teacher = hear(
        session, teacher_of(session, INSZ, keys=keys, now=NOW), answer, keys=keys, now=NOW
    )
    found = review(session, teacher, policy=POLICY, now=NOW)
    return found.reason if found else None


def test_an_answer_is_kept_and_judged(database: Database, keys: Keys) -> None:
    reason = database.transact(lambda session: _said(session, keys, EpdAnswer(EMPLOYED)))
    assert reason is EntitlementReason.EMPLOYED


def test_of_somebody_without_a_file_nothing_is_decided(database: Database, keys: Keys) -> None:
    assert database.transact(lambda session: _said(session, keys, EpdAnswer(None))) is None


def test_a_file_that_vanished_takes_nothing_away(database: Database, keys: Keys) -> None:
    database.transact(lambda session: _said(session, keys, EpdAnswer(EMPLOYED)))
    reason = database.transact(lambda session: _said(session, keys, EpdAnswer(None)))
    assert reason is EntitlementReason.EMPLOYED


def test_the_card_follows_in_the_same_transaction(database: Database, keys: Keys) -> None:
    def work(session: Session) -> CardStatus:
        _said(session, keys, EpdAnswer(EMPLOYED))
        teacher = teacher_of(session, INSZ, keys=keys, now=NOW)
        card = lifecycle.issue(
            session, teacher, year=card_year(2026), initials=0, why="employed", now=NOW
        )
        _said(session, keys, EpdAnswer(DECEASED))
        return card.status

    assert database.transact(work) is CardStatus.ENDED


def test_a_replaced_number_stays_the_same_teacher(database: Database, keys: Keys) -> None:
    moved = EpdAnswer(replace(EMPLOYED, insz=SUCCESSOR), replaced_by=SUCCESSOR)

    def work(session: Session) -> bool:
        before = teacher_of(session, INSZ, keys=keys, now=NOW).id
        _said(session, keys, moved)
        return before == teacher_of(session, SUCCESSOR, keys=keys, now=NOW).id

    assert database.transact(work)


def test_the_number_that_is_kept_for_the_pull_is_sealed(database: Database, keys: Keys) -> None:
    def work(session: Session) -> tuple[bytes | None, str]:
        _said(session, keys, EpdAnswer(EMPLOYED))
        teacher = teacher_of(session, INSZ, keys=keys, now=NOW)
        record = session.get_one(PersonnelRecord, (teacher.id, EPD))
        return record.insz_encrypted, f"epd_person|insz|{teacher.id}"

    sealed, place = database.transact(work)
    assert sealed is not None
    assert INSZ.digits.encode() not in sealed
    assert keys.unseal(sealed, place=place) == INSZ.digits.encode()


def test_after_a_rotation_of_the_pepper_a_teacher_is_still_the_same(
    database: Database, tmp_path: Path
) -> None:
    keyring.init(tmp_path, environment="demo", now=NOW)
    ring = KeyRing(tmp_path)

    def who(session: Session) -> tuple[object, int]:
        teacher = teacher_of(session, INSZ, keys=ring.keys, now=NOW)
        session.flush()
        session.refresh(teacher)
        return teacher.id, teacher.pepper_id

    before, _ = database.transact(who)
    keyring.rotate(tmp_path, "pepper", now=NOW)
    assert database.transact(who) == (before, 2)
    assert database.transact(who) == (before, 2)
