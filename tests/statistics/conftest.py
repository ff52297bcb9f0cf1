"""Years of cards and scans in a database, and a worker that counts until nothing is left."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.db import Base, Database
from app.statistics import counting, entitled
from app.statistics.model import Counter
from app.verification.model import Scan
from demo.school_year import SchoolYear

Write = Callable[[SchoolYear], None]


@pytest.fixture
def write(database: Database) -> Write:
    """Put the rows of a year into the database."""

    def store(model: type[Base], rows: list[dict[str, Any]]) -> None:
        database.transact(lambda session: session.connection().execute(insert(model), rows))

    def write(year: SchoolYear) -> None:
        by_table: defaultdict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        for model, row in year.population():
            by_table[model].append(row)
        for model, rows in by_table.items():
            store(model, rows)
        scans = year.scans()
        while batch := list(islice(scans, 10_000)):
            store(Scan, batch)

    return write


def count(database: Database, now: datetime) -> int:
    """Let one worker count until nothing is left; returns how many rows it took."""
    total = 0
    while done := counting.count(database, now=now):
        total += done
    return total


def count_entitled(database: Database, *, snapshot_at: datetime) -> bool:
    """Count those entitled as the worker does after a complete snapshot."""
    with database.reading() as session:
        counts = entitled.entitled(session, now=snapshot_at)
    return database.transact(
        lambda session: entitled.keep_entitled(session, counts, snapshot_at=snapshot_at)
    )


def counters(database: Database) -> dict[tuple[int, str, str, str, str], int]:
    """Every counter by its cell."""
    with database.reading() as session:
        found: Iterable[Counter] = session.scalars(select(Counter)).all()
    return {
        (one.year, one.measure, one.channel, one.basis, one.province): one.value for one in found
    }
