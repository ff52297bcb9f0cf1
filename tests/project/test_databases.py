"""The fixtures under every other test keep their promises."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, make_url, select, text

from app import migrate
from app.cards.model import Teacher
from app.db import Database, uuid7
from bench.postgresql import FAST, server


def _teachers(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Teacher)) or 0


@pytest.mark.parametrize("round_", [1, 2])
def test_every_test_gets_a_database_without_rows(
    database: Database, now: datetime, round_: int
) -> None:
    assert _teachers(database) == 0
    teacher = Teacher(id=uuid7(), insz_pseudonym=bytes([round_]) * 32, pepper_id=1, created_at=now)
    database.transact(lambda session: session.add(teacher))
    assert _teachers(database) == 1


def test_the_database_is_migrated_to_the_newest_revision(database: Database) -> None:
    assert migrate.current(database) == migrate.head() is not None


def test_the_database_and_its_url_are_one(database: Database, database_url: str) -> None:
    other = Database(database_url)
    database.transact(lambda session: session.execute(text("CREATE TABLE mark (number INTEGER)")))
    with other.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM mark")) == 0
    other.close()


def _home(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def test_a_server_leaves_nothing_behind() -> None:
    with server(*FAST) as url:
        psycopg.connect(url).close()
        assert _home(url).exists()
    assert not _home(url).exists()


def test_a_server_goes_away_with_its_starter_even_when_that_is_killed() -> None:
    script = """
import time
from bench.postgresql import FAST, server
with server(*FAST) as url:
    print(url, flush=True)
    time.sleep(60)
"""
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | path
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        psycopg.connect(url).close()
        starter.kill()
    deadline = time.monotonic() + 10
    while _home(url).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _home(url).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
