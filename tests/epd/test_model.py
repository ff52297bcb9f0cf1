"""What is kept of a person only moves forward, and comes back as it was."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.cards.entitlement import Employment, Interruption, PersonnelStatus, StaffCategory
from app.cards.model import Teacher
from app.db import Database, uuid7
from app.epd.messages import Snapshot, checked_insz
from app.epd.model import (
    PersonnelRecord,
    status_from_json,
    status_of,
    status_to_json,
    store,
)

TEACHING = Employment("012345", "311", StaffCategory.TEACHING, date(2026, 9, 1))
SNAPSHOT = Snapshot(
    insz=checked_insz("84022999510"),
    version=41,
    changed_at=datetime(2026, 11, 20, 3, 12, 44, tzinfo=UTC),
    postcode="9000",
    status=PersonnelStatus(employments=(TEACHING,)),
)
days = st.dates(date(1950, 1, 1), date(2060, 1, 1))
statuses = st.builds(
    PersonnelStatus,
    employments=st.lists(
        st.builds(
            Employment,
            institution=st.from_regex("[0-9]{6}", fullmatch=True),
            main_structure=st.just("311"),
            category=st.sampled_from(StaffCategory),
            begin=days,
            end=st.none() | days,
            administrative_state=st.sampled_from([None, "1", "4"]),
            tadd=st.booleans(),
            volume=st.fractions(0, 2, max_denominator=36),
        ),
        max_size=3,
    ).map(tuple),
    interruptions=st.lists(
        st.builds(
            Interruption,
            kind=st.sampled_from(["TBS_58_PLUS", "ZIEKTEVERLOF"]),
            full=st.booleans(),
            begin=days,
            end=st.none() | days,
        ),
        max_size=3,
    ).map(tuple),
    deceased_on=st.none() | days,
)


@pytest.fixture
def teacher_id(database: Database, now: datetime) -> uuid.UUID:
    """A teacher to keep records of."""
    teacher = Teacher(id=uuid7(), insz_pseudonym=bytes(32), pepper_id=1, created_at=now)
    database.transact(lambda session: session.add(teacher))
    return teacher.id


def row(database: Database, teacher_id: uuid.UUID) -> PersonnelRecord:
    """The one record there is."""
    with database.reading() as session:
        return session.scalars(select(PersonnelRecord).filter_by(teacher_id=teacher_id)).one()


def test_a_first_snapshot_is_kept_with_its_province_and_without_number_or_name(
    database: Database, teacher_id: uuid.UUID, now: datetime
) -> None:
    assert database.transact(lambda s: store(s, teacher_id, SNAPSHOT, now=now))
    kept = row(database, teacher_id)
    assert (kept.source, kept.version, kept.home_province) == ("EPD", 41, "BE-VOV")
    assert (kept.changed_at, kept.received_at) == (SNAPSHOT.changed_at, now)
    assert kept.insz_encrypted is None
    assert SNAPSHOT.insz.digits not in str(kept.snapshot)


def test_only_a_higher_version_replaces_the_stored_one(
    database: Database, teacher_id: uuid.UUID, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    gone = PersonnelStatus()
    offered = [
        replace(SNAPSHOT, version=version, status=status)
        for version, status in [(41, SNAPSHOT.status), (41, gone), (40, gone), (42, gone)]
    ]
    kept = [
        database.transact(lambda s, r=record: store(s, teacher_id, r, now=later))
        for record in offered
    ]
    assert kept == [True, False, False, True]
    assert row(database, teacher_id).version == 42
    with database.reading() as session:
        assert status_of(session, teacher_id) == gone


def test_the_sealed_number_stays_until_another_one_comes(
    database: Database, teacher_id: uuid.UUID, now: datetime
) -> None:
    for version, sealed in [(1, b"first"), (2, None)]:
        record = replace(SNAPSHOT, version=version)
        database.transact(
            lambda s, r=record, e=sealed: store(s, teacher_id, r, insz_encrypted=e, now=now)
        )
    assert row(database, teacher_id).insz_encrypted == b"first"
    record = replace(SNAPSHOT, version=3)
    database.transact(lambda s: store(s, teacher_id, record, insz_encrypted=b"new", now=now))
    assert row(database, teacher_id).insz_encrypted == b"new"


def test_an_institutions_list_stands_beside_epd_with_versions_of_its_own(
    database: Database, teacher_id: uuid.UUID, now: datetime
) -> None:
    listed = replace(TEACHING, institution="054321", volume=Fraction(1, 3))
    theirs = replace(SNAPSHOT, version=1, status=PersonnelStatus(employments=(listed,)))
    epd = replace(
        SNAPSHOT,
        status=PersonnelStatus(
            employments=(replace(TEACHING, begin=date(2019, 9, 1), end=date(2020, 6, 30)),),
            interruptions=(Interruption("TBS_58_PLUS", full=False, begin=date(2026, 1, 1)),),
        ),
    )
    assert database.transact(lambda s: store(s, teacher_id, epd, now=now))
    assert database.transact(lambda s: store(s, teacher_id, theirs, source="054321", now=now))
    with database.reading() as session:
        together = status_of(session, teacher_id)
    assert together == replace(epd.status, listed_by_institution=(listed,))


def test_nobody_said_anything_of_a_teacher_without_records(
    database: Database, teacher_id: uuid.UUID
) -> None:
    with database.reading() as session:
        assert status_of(session, teacher_id) is None


@given(statuses)
def test_a_status_comes_back_from_json_as_it_was(status: PersonnelStatus) -> None:
    assert status_from_json(status_to_json(status)) == status
