"""How fast a year of scans becomes figures, and that they are the right ones.

A school year of 228,000 teachers and five million scans, written by the simulator, counted by the
worker's own function, compared cell by cell with the simulator's ledger. The report then reads
counters only, so that its time does not know how many scans there were.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from enum import Enum
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg.types.json import Json
from sqlalchemy import make_url, select

from app import migrate
from app.db import Base, Database
from app.statistics import counting, entitled
from app.statistics.figures import report
from app.statistics.model import Counter
from app.verification.model import Scan
from bench.measure import Measurement, measured
from bench.postgresql import server
from demo.school_year import SchoolYear

YEAR = 2026
AFTER = datetime(YEAR + 1, 1, 15, tzinfo=UTC)
FULL, SMALL = (228_000, 5_000_000), (5_000, 20_000)
QUICK_ROUNDS = 5
# Ten times the uses of the busiest year foreseen, spread evenly.
FIFTY_MILLION_A_S = 50_000_000 / (365 * 86_400)
ROWS_AT_ONCE = 20_000
REPORTS = 20


def count_vs_fifty_million_a_year(rounds: int, _: float) -> Measurement:
    """Compare scans counted per second with those that come in when a year has fifty million."""
    teachers, scans = SMALL if rounds <= QUICK_ROUNDS else FULL
    with _database() as database:
        year, spent_s = _counted(database, teachers, scans)
        with database.reading() as session:
            found = {
                (one.year, one.measure, one.channel, one.basis, one.province): one.value
                for one in session.scalars(select(Counter))
            }
    if found != dict(year.ledger):
        raise AssertionError("the figures differ from the ledger of the simulated year")
    rate = scans / spent_s
    note = f"{scans:,} scans of {teachers:,} teachers at {rate:,.0f}/s, equal to their ledger"
    return measured("count_vs_fifty_million_a_year", 100.0, [rate / FIFTY_MILLION_A_S], note)


def report_vs_small_year(rounds: int, _: float) -> Measurement:
    """Compare the report of a year with that of a year with a tenth of its scans."""
    large = SMALL if rounds <= QUICK_ROUNDS else (20_000, 500_000)
    with _database() as few, _database() as many:
        _counted(few, large[0], large[1] // 10)
        _counted(many, *large)
        pairs = [(_report_s(many), _report_s(few)) for _ in range(rounds)]
    note = f"a report takes {1000 * min(pairs)[0]:.1f} ms after {large[1]:,} scans"
    runs = [slow / fast for slow, fast in pairs]
    return measured("report_vs_small_year", 1.5, runs, note, ceiling=True)


@contextmanager
def _database() -> Iterator[Database]:
    with server() as url:
        migrate.upgrade(url)
        with closing(Database(url)) as database:
            yield database


def _counted(database: Database, teachers: int, scans: int) -> tuple[SchoolYear, float]:
    """Write a year, count it; the seconds that the counting of its scans and cards took."""
    year = SchoolYear(YEAR, teachers=teachers, scans=scans)
    _copy(database, year.population())
    _copy(database, ((Scan, scan) for scan in year.scans()))
    begun = time.monotonic()
    while counting.count(database, now=AFTER):
        pass
    spent_s = time.monotonic() - begun
    at = datetime(YEAR, 12, 20, tzinfo=UTC)
    with database.reading() as session:
        counts = entitled.entitled(session, now=at)
    database.transact(lambda session: entitled.keep_entitled(session, counts, snapshot_at=at))
    return year, spent_s


def _report_s(database: Database) -> float:
    begun = time.monotonic()
    for _ in range(REPORTS):
        with database.reading() as session:
            report(session, range(YEAR - 5, YEAR + 1), small_cell=5)
    return (time.monotonic() - begun) / REPORTS


def _copy(database: Database, rows: Iterator[tuple[type[Base], dict[str, Any]]]) -> None:
    """Write rows by COPY, in each batch table by table: none comes before its parent."""
    url = database.engine.url.set(drivername="postgresql")
    parents_first = [table.name for table in Base.metadata.sorted_tables]
    with psycopg.connect(make_url(url).render_as_string(hide_password=False)) as connection:
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            by_table: dict[type[Base], list[dict[str, Any]]] = {}
            for model, row in batch:
                by_table.setdefault(model, []).append(row)
            # A batch may begin with the child of a row in the one before it.
            for model in sorted(by_table, key=lambda one: parents_first.index(one.__tablename__)):
                found = by_table[model]
                columns = list(dict.fromkeys(chain.from_iterable(found)))
                names = ", ".join(f'"{column}"' for column in columns)
                copy = f"COPY {model.__tablename__} ({names}) FROM STDIN"
                with connection.cursor().copy(copy.encode()) as target:
                    for row in found:
                        target.write_row([_value(row.get(column)) for column in columns])


def _value(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return Json(value) if isinstance(value, dict) else value
