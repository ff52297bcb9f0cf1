"""Whom a batch brings nothing new of: the same answer from both databases."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.cards import keyring
from app.cards.insz import Insz, pseudonyms
from app.cards.keyring import KeyRing
from app.cards.model import Teacher
from app.db import Database, uuid7
from app.epd.model import EPD, PersonnelRecord
from app.epd.push.known import NOBODY, Known, differing
from demo.crowd import insz_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
VERSION = 5
SAME, ABSENT, UNHEARD, STRANGER = range(4)


@pytest.fixture
def named(database: Database, tmp_path: Path) -> list[bytes]:
    """The pseudonyms of four; one was left out, of one EPD never spoke, one is not known."""
    keyring.init(tmp_path, environment="demo", now=NOW)
    pepper = KeyRing(tmp_path).keys.active("pepper")
    people = pseudonyms((insz_of(number) for number in range(4)), pepper.value)
    ids = [uuid7() for _ in people]
    rows = [
        {"id": ids[one], "insz_pseudonym": people[one], "pepper_id": pepper.id, "created_at": NOW}
        for one in (SAME, ABSENT, UNHEARD)
    ]
    said = [
        {
            "teacher_id": ids[one],
            "source": EPD,
            "version": VERSION,
            "changed_at": NOW,
            "received_at": NOW,
            "snapshot": {},
            "absent_since": date(2026, 11, 1) if one == ABSENT else None,
        }
        for one in (SAME, ABSENT)
    ]

    def work(session: Session) -> None:
        session.execute(insert(Teacher), rows)
        session.execute(insert(PersonnelRecord), said)

    database.transact(work)
    return people


def asked(
    database: Database, named: list[bytes], version: int, *, older_by: int = 0, source: str = EPD
) -> dict[int, tuple[bool, int]]:
    """Who differs, by place: whether we know them, and up to which version nothing is news."""
    with database.reading() as session:
        found = differing(session, named, [version] * len(named), source, older_by=older_by)
    assert all(isinstance(one, Known) for one in found.values())
    return {place: (one.teacher_id is not None, one.version) for place, one in found.items()}


def test_only_who_is_known_by_this_very_version_does_not_differ(
    database: Database, named: list[bytes]
) -> None:
    others = {ABSENT: (True, VERSION - 1), UNHEARD: (True, NOBODY), STRANGER: (False, NOBODY)}
    assert asked(database, named, VERSION) == others
    for version in (VERSION - 2, VERSION + 1):
        assert asked(database, named, version) == others | {SAME: (True, VERSION)}


def test_while_somebody_may_be_left_out_the_same_version_differs(
    database: Database, named: list[bytes]
) -> None:
    found = asked(database, named, VERSION, older_by=1)
    assert (found[SAME], found[ABSENT]) == ((True, VERSION - 1), (True, VERSION - 2))


def test_what_another_source_said_is_not_compared(database: Database, named: list[bytes]) -> None:
    assert asked(database, named, VERSION, source="012345")[SAME] == (True, NOBODY)


def test_many_pseudonyms_at_once_are_those_of_one_by_one() -> None:
    pepper = b"p" * 32
    digits = [insz_of(number) for number in range(50)]
    one_by_one = [Insz(each).pseudonym(pepper) for each in digits]
    assert pseudonyms(digits, pepper) == one_by_one
