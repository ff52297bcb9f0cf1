"""Cards and scans become counters, each exactly once, whatever happens to the worker."""

from datetime import UTC, datetime

from app.db import Database
from demo.school_year import SchoolYear
from tests.statistics.conftest import Write, count, count_entitled, counters

AFTER = datetime(2027, 1, 15, tzinfo=UTC)


def test_a_simulated_school_year_is_counted_as_its_own_ledger_says(
    database: Database, write: Write
) -> None:
    year = SchoolYear(2026, teachers=2_000, scans=10_000)
    write(year)
    count(database, AFTER)
    assert count_entitled(database, snapshot_at=datetime(2026, 12, 20, tzinfo=UTC))
    assert counters(database) == dict(year.ledger)
