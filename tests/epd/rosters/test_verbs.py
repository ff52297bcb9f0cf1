"""Nothing on a roster reaches a card before two people of one institution have said yes."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.cards import keyring
from app.cards.entitlement import (
    Employment,
    EntitlementReason,
    PersonnelStatus,
    Policy,
    StaffCategory,
)
from app.cards.keyring import KeyRing
from app.cards.model import Teacher
from app.db import Database
from app.epd import merge
from app.epd.intake import teacher_of
from app.epd.messages import Snapshot, checked_insz
from app.epd.rosters import verbs
from app.epd.rosters.applying import apply_next
from app.epd.rosters.entries import EntryState, end_entry, entries
from app.epd.rosters.model import Roster, RosterLine, RosterReminder, RosterState
from app.epd.rosters.reading import Unreadable
from app.epd.rosters.reminding import ending_soon, remind
from app.epd.rosters.successors import current_number, numbers_of, succeed
from app.epd.rosters.verbs import Acting, own_numbers, roster_of, take_in
from app.errors import Conflict, Forbidden, NotFound
from demo.population import synthetic_insz

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
POLICY = Policy()
ELS, PIETER = Acting("P-els", "012345"), Acting("P-pieter", "012345")
NADIA = Acting("P-nadia", "067890")
HEADER = "insz;personeelscategorie;begindatum;einddatum\n"


def number(place: int) -> str:
    return synthetic_insz(date(1980, 1, 1) + timedelta(days=place), 990)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    keyring.init(tmp_path / "keys", environment="demo", now=NOW)
    return KeyRing(tmp_path / "keys")


@pytest.fixture
def upload(database: Database, ring: KeyRing, tmp_path: Path) -> Callable[..., uuid.UUID]:
    def upload(
        *people: str, acting: Acting = ELS, end: str = "30/06/2027", now: datetime = NOW
    ) -> uuid.UUID:
        lines = "".join(f"{insz};ONDERWIJZEND;01/09/2026;{end}\n" for insz in people)
        path = tmp_path / "roster.csv"
        path.write_text(HEADER + lines)
        return take_in(database, ring, path, acting=acting, now=now)

    return upload


def act(
    database: Database,
    roster_id: uuid.UUID,
    what: Callable[[Roster], None],
    acting: Acting = ELS,
) -> Roster:
    def work(session: Session) -> Roster:
        roster = roster_of(session, roster_id, acting=acting, on=NOW)
        what(roster)
        return roster

    return database.transact(work)


def submit(database: Database, roster_id: uuid.UUID, acting: Acting = ELS) -> None:
    act(database, roster_id, lambda r: verbs.submit(r, acting=acting, now=NOW), acting)


def release(
    database: Database,
    roster_id: uuid.UUID,
    acting: Acting = PIETER,
    *,
    office: bool = False,
    now: datetime = NOW,
) -> None:
    act(
        database,
        roster_id,
        lambda r: verbs.release(r, subject=acting.subject, office=office, now=now),
        acting,
    )


def apply(database: Database, ring: KeyRing, now: datetime = NOW) -> list[int]:
    sizes = []
    while size := database.transact(
        lambda s: apply_next(s, keys=ring.keys, policy=POLICY, now=now)
    ):
        sizes.append(size)
    return sizes


def in_force(database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]) -> uuid.UUID:
    """A roster of one person that went all the way; the teacher's id."""
    roster_id = upload(number(0))
    submit(database, roster_id)
    release(database, roster_id)
    apply(database, ring)
    return database.transact(
        lambda s: teacher_of(s, checked_insz(number(0)), keys=ring.keys, now=NOW).id
    )


def reason(database: Database, ring: KeyRing, place: int = 0) -> str | None:
    return database.transact(
        lambda s: (
            teacher_of(s, checked_insz(number(place)), keys=ring.keys, now=NOW).entitlement_reason
        )
    )


def hear(database: Database, ring: KeyRing, *employments: Employment, version: int = 1) -> None:
    """EPD says something of the first person."""
    said = Snapshot(checked_insz(number(0)), version, NOW, "9000", PersonnelStatus(employments))
    database.transact(lambda s: merge.merge(s, [said], keys=ring.keys, policy=POLICY, now=NOW))


def test_a_roster_gives_a_right_once_a_second_person_released_it(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    roster_id = upload(number(0), number(1))
    assert apply(database, ring) == []
    submit(database, roster_id)
    assert apply(database, ring) == []
    assert reason(database, ring) is None
    release(database, roster_id)
    assert apply(database, ring) == [2, 1]
    assert reason(database, ring) == EntitlementReason.LISTED_BY_INSTITUTION
    with database.reading() as session:
        assert session.get_one(Roster, roster_id).state == RosterState.APPLIED


def test_nobody_releases_what_they_brought_or_submitted(
    database: Database, upload: Callable[..., uuid.UUID]
) -> None:
    roster_id = upload(number(0))
    submit(database, roster_id, PIETER)
    for acting in (ELS, PIETER):
        with pytest.raises(Forbidden):
            release(database, roster_id, acting)
    # The same person under another account of the school is still the same subject.
    release(database, roster_id, replace(ELS, subject="P-third"))


def test_another_institution_neither_sees_nor_touches_it(
    database: Database, upload: Callable[..., uuid.UUID]
) -> None:
    roster_id = upload(number(0))
    submit(database, roster_id)
    with pytest.raises(NotFound):
        release(database, roster_id, NADIA)


@pytest.mark.parametrize("step", ["submit", "release", "withdraw"])
def test_each_step_is_taken_once(
    database: Database, upload: Callable[..., uuid.UUID], step: str
) -> None:
    roster_id = upload(number(0))
    if step == "withdraw":
        act(database, roster_id, lambda r: verbs.withdraw(r, subject="P-els", now=NOW))
    else:
        submit(database, roster_id)
    if step == "release":
        release(database, roster_id)
    with pytest.raises(Conflict):
        submit(database, roster_id)
    if step != "submit":
        with pytest.raises(Conflict):
            release(database, roster_id)


def test_a_very_long_roster_is_released_by_the_card_office(
    database: Database, upload: Callable[..., uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "OWN_RELEASE_LINES", 2)
    roster_id = upload(*(number(place) for place in range(3)))
    submit(database, roster_id)
    with pytest.raises(Forbidden, match="card office"):
        release(database, roster_id)
    release(database, roster_id, office=True)


def test_a_roster_without_a_usable_line_is_not_submitted(
    database: Database, upload: Callable[..., uuid.UUID]
) -> None:
    with pytest.raises(Conflict):
        submit(database, upload("84022999511"))


def test_a_refused_line_keeps_nothing_of_what_it_said(
    database: Database, upload: Callable[..., uuid.UUID]
) -> None:
    upload("84022999511", number(0))
    with database.reading() as session:
        bad, good = session.scalars(select(RosterLine).order_by(RosterLine.number))
    assert (bad.fault, bad.insz_encrypted, bad.pseudonym, bad.begin) == ("number", None, None, None)
    assert number(0).encode() not in (good.insz_encrypted or b"")


def test_an_unreadable_file_leaves_nothing_behind(
    database: Database, ring: KeyRing, tmp_path: Path
) -> None:
    path = tmp_path / "roster"
    path.write_text(HEADER + f"{number(0)};ONDERWIJZEND;01/09/2026;30/06/2027\n" + "x" * 9_000)
    with pytest.raises(Unreadable):
        take_in(database, ring, path, acting=ELS, now=NOW)
    with database.reading() as session:
        for model in (Roster, RosterLine):
            assert session.scalars(select(func.count()).select_from(model)).one() == 0


def test_drafts_and_withdrawn_rosters_are_deleted_after_a_day(
    database: Database, upload: Callable[..., uuid.UUID]
) -> None:
    kept = upload(number(0))
    submit(database, kept)
    upload(number(1))
    later = NOW + timedelta(days=1, seconds=1)
    assert database.transact(lambda s: verbs.delete_drafts(s, now=NOW)) == 0
    while database.transact(lambda s: verbs.delete_drafts(s, now=later)):
        pass
    with database.reading() as session:
        assert list(session.scalars(select(Roster.id))) == [kept]
        assert session.scalars(select(func.count()).select_from(RosterLine)).one() == 1


def test_applying_goes_on_where_it_was(
    database: Database,
    ring: KeyRing,
    upload: Callable[..., uuid.UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.epd.rosters.applying.PERSONS", 2)
    roster_id = upload(*(number(place) for place in range(5)), number(0))
    submit(database, roster_id)
    release(database, roster_id)
    assert apply(database, ring) == [2, 2, 1, 1]
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Teacher)).one() == 5


def test_epd_wins_when_it_learns_the_person_and_its_end_is_the_end(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    in_force(database, ring, upload)
    work = Employment("067890", "311", StaffCategory.TEACHING, date(2026, 9, 1))
    hear(database, ring, work)
    assert reason(database, ring) == EntitlementReason.EMPLOYED
    hear(database, ring, replace(work, end=date(2026, 10, 1)), version=2)
    assert reason(database, ring) == EntitlementReason.NOT_EMPLOYED
    with database.reading() as session:
        (entry,) = entries(session, frozenset({"012345"}), keys=ring.keys, on=TODAY)
    assert entry.state is EntryState.TAKEN_OVER


def test_what_epd_knew_of_earlier_years_does_not_take_a_roster_over(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    in_force(database, ring, upload)
    earlier = Employment(
        "067890", "311", StaffCategory.TEACHING, date(2010, 9, 1), date(2019, 8, 31)
    )
    hear(database, ring, earlier)
    assert reason(database, ring) == EntitlementReason.LISTED_BY_INSTITUTION


def test_the_own_list_shows_no_whole_number_and_how_each_entry_stands(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    in_force(database, ring, upload)
    with database.reading() as session:
        (entry,) = entries(session, frozenset({"012345"}), keys=ring.keys, on=TODAY)
        (over,) = entries(session, frozenset({"012345"}), keys=ring.keys, on=date(2027, 7, 1))
        assert entries(session, frozenset({"067890"}), keys=ring.keys, on=TODAY) == []
    assert (entry.state, over.state) == (EntryState.RUNS, EntryState.ENDED)
    assert number(0)[6:9] not in entry.shown.replace("•", "")


def test_an_entry_is_ended_by_its_own_institution_only_and_stays_ended(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    teacher_id = in_force(database, ring, upload)

    def end(acting: Acting) -> None:
        database.transact(
            lambda s: end_entry(
                s,
                teacher_id,
                own_numbers(s, acting, now=NOW),
                last_day=date(2026, 10, 1),
                policy=POLICY,
                now=NOW,
            )
        )

    with pytest.raises(NotFound):
        end(NADIA)
    assert reason(database, ring) == EntitlementReason.LISTED_BY_INSTITUTION
    end(ELS)
    assert reason(database, ring) == EntitlementReason.NOT_EMPLOYED


def test_a_roster_released_later_counts_more_than_one_released_before(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    first, second = upload(number(0)), upload(number(0), end="10/11/2026")
    for roster_id in (first, second):
        submit(database, roster_id)
    release(database, second, now=NOW + timedelta(minutes=1))
    release(database, first)
    apply(database, ring, NOW + timedelta(minutes=2))
    assert reason(database, ring) == EntitlementReason.GRACE


def test_a_merged_school_goes_on_with_the_lists_of_the_schools_before(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    in_force(database, ring, upload)
    since = date(2026, 11, 24)
    database.transact(lambda s: succeed(s, "012345", "067890", since=since))
    with database.reading() as session:
        assert current_number(session, "012345", on=since) == "067890"
        assert current_number(session, "012345", on=since - timedelta(days=1)) == "012345"
        assert numbers_of(session, "067890", on=since) == {"012345", "067890"}
        assert numbers_of(session, "067890", on=since - timedelta(days=1)) == {"067890"}
        assert (
            len(entries(session, own_numbers(session, NADIA, now=NOW), keys=ring.keys, on=TODAY))
            == 1
        )
    roster_id = upload(number(1), acting=ELS)
    with database.reading() as session:
        assert session.get_one(Roster, roster_id).institution == "067890"


def test_a_circle_of_successors_is_refused(database: Database) -> None:
    database.transact(lambda s: succeed(s, "000001", "000002", since=TODAY))
    with pytest.raises(Conflict):
        database.transact(lambda s: succeed(s, "000002", "000001", since=TODAY))
    with pytest.raises(Conflict):
        database.transact(lambda s: succeed(s, "000001", "000003", since=TODAY))


def test_the_school_is_reminded_once_before_entries_end(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    in_force(database, ring, upload)
    early, late = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 6, 10, tzinfo=UTC)

    def round_(now: datetime) -> None:
        institution: str | None = ""
        while institution is not None:
            institution = database.transact(
                lambda s, after=institution: remind(s, after=after, now=now)
            )

    with database.reading() as session:
        own = frozenset({"012345"})
        assert ending_soon(session, own, on=early.date()) == {}
        assert ending_soon(session, own, on=late.date()) == {date(2027, 6, 30): 1}
    for now in (early, late, late):
        round_(now)
    with database.reading() as session:
        (reminder,) = session.scalars(select(RosterReminder))
    assert (reminder.institution, reminder.ends_on, reminder.entries) == (
        "012345",
        date(2027, 6, 30),
        1,
    )


def test_a_line_cannot_move_to_another_roster(
    database: Database, ring: KeyRing, upload: Callable[..., uuid.UUID]
) -> None:
    """Somebody with the database alone cannot put a person of one list onto a released one."""
    victim, released = upload(number(0)), upload(number(1))
    submit(database, released)
    release(database, released)
    database.transact(
        lambda s: s.execute(
            update(RosterLine)
            .where(RosterLine.roster_id == victim)
            .values(roster_id=released, number=99)
        )
    )
    with pytest.raises(keyring.KeyFault):
        apply(database, ring)
