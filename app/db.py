"""The one place that opens connections and ends transactions.

Knows the differences between SQLite and PostgreSQL and hides them: how a write
begins, which errors mean "again", how a moment is stored, how a row is inserted only
once. Everybody else gets a `Session` and does nothing but SQL with it; `commit` is
called nowhere else.
"""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import uuid_utils
from sqlalchemy import (
    DateTime,
    Engine,
    MetaData,
    TypeDecorator,
    Uuid,
    create_engine,
    event,
    literal,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

Result = TypeVar("Result")

# The database is gone, locked or overrun; whatever else it says is a fault of ours.
AWAY = (OperationalError, InterfaceError, PoolTimeout)

# The WAL-reset race that can lose committed writes ends with this release (sqlite.org/wal.html).
SQLITE_FIXED = (3, 51, 3)
BUSY_TIMEOUT_MS = 5_000
ATTEMPTS = 8


class Base(DeclarativeBase):
    """Every table; constraint names follow one convention, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Moment(TypeDecorator[datetime]):
    """A UTC moment: `timestamptz` on PostgreSQL, naive text on SQLite, always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: they hide in which zone they were meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a moment without a time zone cannot be stored"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give every stored moment its zone back."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def uuid7() -> uuid.UUID:
    """A time-ordered identifier for inside use (RFC 9562); never shown outside, it tells a time."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


class Identified:
    """A row known inside by a UUIDv7."""

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid7)


class FairLock:
    """A lock that serves threads in the order in which they came.

    SQLite's own waiting is a lottery with growing pauses; without this lock the slowest
    hundredth of a route's writes waits thirty times longer (docs/decisions/0001).
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class Database:
    """An engine with the two ways to use it: `reading()` and `transact(work)`."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url, pool_size)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = self.engine.execution_options(writes=True)
        self._turn = FairLock() if self.is_sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reads: one consistent view on SQLite, never a commit."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def transact(self, work: Callable[[Session], Result]) -> Result:
        """Run `work(session)` in one transaction and return its result once that is committed.

        When the database asks for it (SQLite BUSY, PostgreSQL 40001 and 40P01) the whole of
        `work` runs again, so it must do nothing but SQL. Two writers of one process take turns
        on SQLite.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(work)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not _again(error):
                    raise
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _once(self, work: Callable[[Session], Result]) -> Result:
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            return work(session)

    def close(self) -> None:
        """Return every connection."""
        self.engine.dispose()


def insert_once(session: Session, model: type[Base], values: dict[str, Any]) -> bool:
    """Insert a row unless a unique constraint already holds one like it; True when it was new."""
    statement = _insert(session, model).values(values).on_conflict_do_nothing()
    # What an insert returns says whether there was one; the count of rows does not everywhere.
    return session.connection().execute(statement.returning(literal(1))).first() is not None


def insert_new(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert many rows, without those that a unique constraint already holds."""
    if rows:
        session.connection().execute(_insert(session, model).on_conflict_do_nothing(), rows)


def _insert(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(model)
    return postgresql.insert(model)


def _again(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}:
        return True
    return getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def _postgresql(url: str, pool_size: int) -> Engine:
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={
            "options": "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=60s",
            # A server that a network swallowed is noticed within seconds, not a quarter of an hour.
            "connect_timeout": 5,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
        },
    )


def _sqlite(url: str) -> Engine:
    from pysqlite3 import dbapi2  # noqa: PLC0415 - wanted only where SQLite is used

    if dbapi2.sqlite_version_info < SQLITE_FIXED:
        msg = f"SQLite {dbapi2.sqlite_version} can lose committed writes; 3.51.3 or newer is needed"
        raise RuntimeError(msg)
    database = make_url(url).database
    if not database or database == ":memory:":
        msg = "a SQLite database must be a file: several connections share it"
        raise ValueError(msg)
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        module=dbapi2,
        hide_parameters=True,
        connect_args={"isolation_level": None, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - a DBAPI connection
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A read that turns into a write gets BUSY at once and cannot wait: writes say so first.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
