"""The ground under every test: a fresh, migrated SQLite file and PostgreSQL database.

Knows how to make one of each quickly: both are migrated once per run and copied for every
test. Hides where PostgreSQL comes from: TEST_DATABASE_URL, or else a private server that
lives as long as the run. A database that cannot be had fails the run; only `--sqlite-only`,
which says so loudly, does without.
"""

import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from sqlalchemy import make_url

from app import migrate
from app.db import Database
from bench.postgresql import FAST, PostgreSQLUnavailable, server

SQLITE_ONLY = "--sqlite-only"
GROUNDS = {"sqlite": "on SQLite", "postgresql": "on PostgreSQL", "browser": "in a browser"}


@dataclass(frozen=True, slots=True)
class Ground:
    """What fresh databases are copied from; plain text, so that it can cross to a worker."""

    sqlite: str  # path of the migrated file
    postgresql: str  # URL of the migrated database; empty with --sqlite-only


# For `make fuzz`: ten times the examples of every property.
hypothesis.settings.register_profile("long", max_examples=1000)

GROUND = pytest.StashKey[Ground]()


def _statement(url: str, text: str) -> None:
    # Only the server's own `postgres` database is never a template, so it is asked from there.
    plain = make_url(url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(text)


@contextmanager
def _postgresql(url: str, template: str) -> Iterator[str]:
    """A fresh database on the server of `url`, gone afterwards whoever still uses it."""
    name = f"test_{uuid.uuid4().hex}"
    # Copying files beats copying through the log where a database is a few megabytes.
    _statement(url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        _statement(url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _laid(config: pytest.Config) -> Iterator[Ground]:
    """Both templates, migrated; the PostgreSQL server runs as long as this is open."""
    with ExitStack() as open_:
        folder = open_.enter_context(tempfile.TemporaryDirectory(prefix="lerarenkaart-"))
        sqlite = f"{folder}/template.sqlite3"
        migrate.upgrade(f"sqlite:///{sqlite}")
        postgresql = ""
        if not config.getoption(SQLITE_ONLY):
            url = os.environ.get("TEST_DATABASE_URL") or open_.enter_context(server(*FAST))
            postgresql = open_.enter_context(_postgresql(url, "template0"))
            migrate.upgrade(postgresql)
        yield Ground(sqlite, postgresql)


@pytest.fixture(scope="session")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Laid by the process that leads the run, for all its workers; alone, when first wanted."""
    given = getattr(request.config, "workerinput", None)
    if given:
        yield Ground(**given["ground"])
        return
    with _laid(request.config) as ground:
        yield ground


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, ground: Ground, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database, for tests that start processes."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copyfile(ground.sqlite, tmp_path / 'lerarenkaart.sqlite3')}"
        return
    with _postgresql(ground.postgresql, str(make_url(ground.postgresql).database)) as url:
        yield url


@pytest.fixture
def empty_database_url(database_url: str, ground: Ground, tmp_path: Path) -> Iterator[str]:
    """The URL of another database of the same kind, with nothing in it."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'another.sqlite3'}"
        return
    with _postgresql(ground.postgresql, "template0") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database; the test runs once on SQLite and once on PostgreSQL."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def now() -> datetime:
    """The moment at which tests take place: a school day in the card year 2026-2027."""
    return datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the one way to leave PostgreSQL out."""
    parser.addoption(SQLITE_ONLY, action="store_true", help="leave out every PostgreSQL test")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say first what will be left out."""
    return "WITHOUT POSTGRESQL, as asked" if config.getoption(SQLITE_ONLY) else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Lay the ground once, in the process that outlives all workers."""
    laid = ExitStack()
    config.add_cleanup(laid.close)
    try:
        config.stash[GROUND] = laid.enter_context(_laid(config))
    except (PostgreSQLUnavailable, psycopg.Error) as error:
        pytest.exit(f"no PostgreSQL ({SQLITE_ONLY} does without): {error}", returncode=1)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the ground lies."""
    node.workerinput["ground"] = asdict(node.config.stash[GROUND])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note on every test what it runs on, for the count; drop what was asked to be left out."""
    left_out = []
    for item in items:
        # Only tests with parameters have a call specification.
        dialect = item.callspec.params.get("database_url") if hasattr(item, "callspec") else None
        if dialect:
            item.user_properties.append(("ground", dialect))
        if item.get_closest_marker("browser"):
            item.user_properties.append(("ground", "browser"))
        if dialect == "postgresql" and config.getoption(SQLITE_ONLY):
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Close, after pytest's own summaries, with the tests on each database and in a browser."""
    yield
    counts: Counter[tuple[str, str]] = Counter()
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            for name, ground in getattr(report, "user_properties", ()):
                if name == "ground" and outcome:  # set-up and clean-up that went well have none
                    counts[ground, outcome] += 1
    without = terminalreporter.config.getoption(SQLITE_ONLY)
    for ground, words in GROUNDS.items():
        outcomes = [f"{n} {outcome}" for (on, outcome), n in counts.items() if on == ground]
        said = ", ".join(outcomes) or "none"
        left_out = " (LEFT OUT, as asked)" if without and ground == "postgresql" else ""
        terminalreporter.write_line(f"tests {words}: {said}{left_out}")
