"""Cards and scans become counters, each exactly once, whatever happens to the worker."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from app.cards.model import Card, CardEvent, Teacher, WalletPass
from app.db import Database
from app.epd.model import PersonnelRecord
from app.epd.push.model import Run, RunState
from app.statistics import counting, entitled, figures
from app.statistics.books import take_turn
from app.statistics.model import CardFlags, CountedYear
from app.verification.model import Scan
from demo.school_year import SchoolYear
from tests.statistics.conftest import Write, count, count_entitled, counters

AFTER = datetime(2027, 1, 15, tzinfo=UTC)
CLOSED = datetime(2027, 2, 1, tzinfo=UTC)
YEARS = (2025, 2026)


def test_a_simulated_school_year_is_counted_as_its_own_ledger_says(
    database: Database, write: Write
) -> None:
    year = SchoolYear(2026, teachers=1_500, scans=6_000)
    write(year)
    count(database, AFTER)
    assert count_entitled(database, snapshot_at=datetime(2026, 12, 20, tzinfo=UTC))
    assert counters(database) == dict(year.ledger)


@pytest.fixture
def year(write: Write) -> SchoolYear:
    """A small year in the database, not counted yet."""
    year = SchoolYear(2026, teachers=300, scans=3_000)
    write(year)
    return year


def without_entitled(year: SchoolYear) -> dict[tuple[int, str, str, str, str], int]:
    return {cell: value for cell, value in year.ledger.items() if cell[1] != "entitled"}


def test_many_workers_count_everything_once(database: Database, year: SchoolYear) -> None:
    def work() -> None:
        idle = 0
        while idle < 3:
            idle = 0 if counting.count(database, now=AFTER) else idle + 1

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    count(database, AFTER)
    assert counters(database) == without_entitled(year)


def test_a_batch_that_dies_before_its_commit_leaves_nothing(
    database: Database, year: SchoolYear
) -> None:
    class PowerCut(Exception):
        pass

    def interrupted(session: Any) -> None:
        assert counting.count_cards(session, now=AFTER) > 0
        assert counting.count_scans(session, now=AFTER) > 0
        session.flush()
        raise PowerCut

    with pytest.raises(PowerCut):
        database.transact(interrupted)
    assert counters(database) == {}
    count(database, AFTER)
    assert counters(database) == without_entitled(year)


def test_counting_again_changes_nothing(database: Database, year: SchoolYear) -> None:
    assert count(database, AFTER) > 0
    before = counters(database)
    database.transact(lambda session: session.execute(update(Card).values(counted_year=None)))
    assert count(database, AFTER) > 0
    assert counters(database) == before == without_entitled(year)


def test_a_scan_waits_until_its_till_cannot_take_it_back(
    database: Database, year: SchoolYear
) -> None:
    last = datetime(2026, 12, 31, 23, tzinfo=UTC)
    count(database, last - timedelta(days=40))
    with database.reading() as session:
        waiting = session.scalars(select(Scan.at).where(Scan.counted_at.is_not(None))).all()
    assert waiting
    assert max(waiting) < last - timedelta(days=40) - counting.SETTLED
    assert sum(counters(database).values()) < sum(year.ledger.values())


def test_one_counts_at_a_time(database: Database) -> None:
    database.transact(take_turn)
    if database.is_sqlite:
        return  # there every writer waits for the one before it
    took: list[bool] = []

    def first(session: Any) -> None:
        assert take_turn(session)
        took.append(database.transact(take_turn))

    database.transact(first)
    assert took == [False]


def test_a_year_that_is_closed_does_not_change_any_more(
    database: Database, year: SchoolYear
) -> None:
    count(database, AFTER)
    assert count_entitled(database, snapshot_at=datetime(2026, 12, 20, tzinfo=UTC))
    count(database, CLOSED)
    before = counters(database)
    assert before == dict(year.ledger)
    late = {"counted_at": None, "valid": True, "test": False, "voided_at": None}
    database.transact(lambda session: session.execute(update(Scan).values(late)))
    database.transact(lambda session: session.execute(update(Card).values(counted_year=None)))
    assert count(database, CLOSED + timedelta(days=1)) > 0
    assert not count_entitled(database, snapshot_at=datetime(2026, 12, 30, tzinfo=UTC))
    assert counters(database) == before


def test_a_year_stays_open_while_something_of_it_waits(
    database: Database, year: SchoolYear
) -> None:
    assert year
    with database.reading() as session:
        assert counting._waits(session, 2027)  # noqa: SLF001 - what keeps the year open
    database.transact(lambda session: counting.count_cards(session, now=CLOSED))
    assert database.transact(lambda session: counting.close(session, now=CLOSED)) == []
    count(database, CLOSED)
    with database.reading() as session:
        closed = session.scalars(select(CountedYear).where(CountedYear.closed_at.is_(None))).all()
    assert closed == []


def test_the_last_complete_snapshot_of_a_year_stands_for_it(
    database: Database, year: SchoolYear
) -> None:
    first, last = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
    assert count_entitled(database, snapshot_at=first)
    half = select(Teacher.id).order_by(Teacher.id).limit(150)
    leave = update(Teacher).where(Teacher.id.in_(half)).values(entitled=False)
    database.transact(lambda session: session.execute(leave))
    assert count_entitled(database, snapshot_at=last)
    assert not count_entitled(database, snapshot_at=first)
    assert count_entitled(database, snapshot_at=last + timedelta(minutes=1))  # 2027 in Belgium
    with database.reading() as session:
        report = figures.report(session, (2025, 2026, 2027), small_cell=0)
    entitled = report.series[figures.Measure.ENTITLED, ""].national
    assert [cell.value for cell in entitled] == [None, 150, 150]
    assert year


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(who=st.integers(0, 299))
def test_no_figure_changes_when_one_person_is_erased(
    database: Database, who: int, counted: SchoolYear
) -> None:
    assert counted

    def published() -> Any:
        with database.reading() as session:
            return [
                figures.report(session, YEARS, basis=basis, small_cell=5).series
                for basis in figures.Basis
            ]

    def erase(session: Any) -> None:
        teacher = session.scalars(select(Teacher.id).order_by(Teacher.id).offset(who)).first()
        if teacher is None:
            return
        cards = select(Card.id).where(Card.teacher_id == teacher).scalar_subquery()
        cut = update(Scan).where(Scan.card_id.in_(cards)).values(card_id=None, pass_id=None)
        session.execute(cut, execution_options={"synchronize_session": False})
        for table, owner in (
            (WalletPass, WalletPass.card_id.in_(cards)),
            (CardEvent, CardEvent.card_id.in_(cards)),
            (CardFlags, CardFlags.teacher_id == teacher),
            (Card, Card.teacher_id == teacher),
            (PersonnelRecord, PersonnelRecord.teacher_id == teacher),
            (Teacher, Teacher.id == teacher),
        ):
            session.execute(
                delete(table).where(owner), execution_options={"synchronize_session": False}
            )

    before = published()
    database.transact(erase)
    count(database, AFTER)
    assert published() == before


@pytest.fixture
def counted(database: Database, year: SchoolYear) -> SchoolYear:
    """A small year, counted."""
    count(database, AFTER)
    count_entitled(database, snapshot_at=datetime(2026, 12, 20, tzinfo=UTC))
    return year


def test_the_report_of_a_counted_year_tells_what_was_counted(
    database: Database, counted: SchoolYear
) -> None:
    with database.reading() as session:
        report = figures.report(session, YEARS, basis=figures.Basis.PARTNER, small_cell=0)
    for (measure, channel), series in report.series.items():
        if (measure, channel) not in figures.COUNTED:
            continue
        for column, at in enumerate(YEARS):
            for province, cells in series.provinces.items():
                cell = (at, measure.value, str(channel), series.basis.value, province)
                assert cells[column].value == counted.ledger[cell], cell


def test_published_cells_hide_what_is_small(database: Database, counted: SchoolYear) -> None:
    assert counted
    with database.reading() as session:
        open_, shown = (figures.report(session, YEARS, small_cell=small) for small in (0, 5))
    hidden = 0
    for name, series in open_.series.items():
        for province, cells in series.provinces.items():
            for column, cell in enumerate(cells):
                seen = shown.series[name].provinces[province][column]
                hidden += seen == figures.HIDDEN
                assert seen in {cell, figures.HIDDEN}
                assert not (cell.value and cell.value < 5 and seen != figures.HIDDEN)
    assert hidden > 20


def test_the_worker_counts_those_entitled_after_a_complete_snapshot(
    database: Database, year: SchoolYear
) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    assert entitled.count_entitled(database, now=at) == 0
    for minute, full, state in ((1, True, "done"), (2, True, "refused"), (3, False, "done")):
        run = Run(
            source="EPD",
            full=full,
            leaves_out=full,
            parts=1,
            parts_received=1,
            state=RunState(state),
            begun_at=at,
            finished_at=at + timedelta(minutes=minute),
        )
        database.transact(lambda session, run=run: session.add(run))  # type: ignore[misc]
    assert entitled.count_entitled(database, now=at + timedelta(hours=1)) == 1
    assert entitled.count_entitled(database, now=at + timedelta(hours=2)) == 0
    assert counters(database) == {
        cell: value for cell, value in year.ledger.items() if cell[1] == "entitled"
    }
    with database.reading() as session:
        kept = session.get_one(CountedYear, 2026)
    assert kept.entitled_at == at + timedelta(minutes=1)
