"""Copies of the whole database as one file, and putting one back behind the fence.

The file is a ZIP archive with a manifest (`manifest.json`: revision, moment, epoch, rows of every
table). Of SQLite it holds a database file, made while others write; of PostgreSQL one member a
table, all copied out in one transaction, so that no program but this one is needed and any later
server can take it. Knows both; hides them. Keys are in no copy: they are kept apart.
"""

import json
import os
import shutil
import tempfile
import zipfile
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import delete, func, inspect, make_url, select, table
from sqlalchemy.orm import Session

from app import fence, migrate
from app.db import Database
from app.errors import Conflict
from app.identity.model import AccessToken, StoredAttempt, WebSession
from app.recovery.fall_back import fall_back

FORMAT = 1
MANIFEST = "manifest.json"
SQLITE = "database.sqlite3"
PIECE_BYTES = 1024 * 1024
ALEMBIC = "alembic_version"


@dataclass(frozen=True, slots=True)
class Table:
    """What a copy holds of one table."""

    columns: list[str]
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy holds; tables in an order in which foreign keys find what they point at."""

    format: int
    dialect: str
    revision: str
    taken_at: str
    epoch: int
    tables: dict[str, Table]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(one.rows for one in self.tables.values())


def take(database: Database, path: Path, *, now: datetime) -> Manifest:
    """Write a copy of this moment to `path`, which only its owner can read; others go on."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.draft")
    try:
        with (
            os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            out = _sqlite_out if database.is_sqlite else _postgresql_out
            manifest = out(database, archive, now)
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
            archive.close()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename it never replaces an older copy
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def read(path: Path) -> Manifest:
    """What a copy says of itself; `Conflict` when it is damaged or none of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            if (damaged := archive.testzip()) is not None:
                raise Conflict(f"{path} is damaged: {damaged} cannot be read.")
            document = json.loads(archive.read(MANIFEST))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Conflict(f"{path} is no copy of a database, or not whole.") from error
    if document.get("format") != FORMAT:
        raise Conflict(f"{path} was made by another release; put it back with that one.")
    tables = {name: Table(**one) for name, one in document.pop("tables").items()}
    return Manifest(**document, tables=tables)


def put_back(path: Path, url: str, *, above: int, now: datetime) -> Manifest:
    """Fill the empty database at `url` from a copy, fence up, and bring it to this release.

    Its epoch will be later than `above`, the latest that is known outside of it.

    `Conflict` when something is there already. Every session, log-in and access token of then is
    gone, and the personnel file is to be asked about everybody.
    """
    manifest = read(path)
    manifest = replace(manifest, epoch=max(manifest.epoch, above))
    here = "sqlite" if url.startswith("sqlite") else "postgresql"
    if manifest.dialect != here:
        raise Conflict(f"The copy is of {manifest.dialect}, the database is {here}.")
    back = _sqlite_back if here == "sqlite" else _postgresql_back
    back(path, url, manifest, now)
    return manifest


def _behind_the_fence(session: Session, manifest: Manifest, now: datetime) -> None:
    """What of then must not count now, in the transaction that brings it back."""
    why = f"put back from a copy of {manifest.taken_at}"
    fall_back(session, why=why, above=manifest.epoch, now=now)
    for doors in (WebSession, StoredAttempt, AccessToken):
        session.execute(delete(doors))


def _sqlite_out(database: Database, archive: zipfile.ZipFile, now: datetime) -> Manifest:
    with tempfile.TemporaryDirectory(dir=_file_of(database).parent) as folder:
        copy = Path(folder) / SQLITE
        with closing(database.engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(copy),))
        with closing(Database(f"sqlite:///{copy}")) as copied, copied.reading() as session:
            manifest = _manifest(copied, session, now)
        archive.write(copy, SQLITE)
    return manifest


def _sqlite_back(path: Path, url: str, manifest: Manifest, now: datetime) -> None:
    target = Path(str(make_url(url).database))
    if target.exists():
        raise Conflict(f"There is a database at {target}; put it aside first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / SQLITE
        with (
            zipfile.ZipFile(path) as archive,
            archive.open(SQLITE) as packed,
            draft.open("xb") as out,
        ):
            shutil.copyfileobj(packed, out, PIECE_BYTES)
        draft.chmod(0o600)
        with closing(Database(f"sqlite:///{draft}")) as database:
            database.transact(lambda session: _settle(session, manifest, now))
        migrate.upgrade(f"sqlite:///{draft}")
        draft.rename(target)


def _settle(session: Session, manifest: Manifest, now: datetime) -> None:
    (verdict,) = session.connection().exec_driver_sql("PRAGMA integrity_check").one()
    if verdict != "ok":
        raise Conflict(f"The copy is damaged: {verdict}")
    _compare(session, manifest)
    _behind_the_fence(session, manifest, now)


def _postgresql_out(database: Database, archive: zipfile.ZipFile, now: datetime) -> Manifest:
    with database.reading() as session:
        # One moment for all tables, and as long as it takes.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        driver = _driver(session)
        driver.execute("SET LOCAL statement_timeout = 0")
        manifest = _manifest(database, session, now)
        for name, one in manifest.tables.items():
            with (
                archive.open(name, "w", force_zip64=True) as member,
                driver.cursor().copy(_copy(name, one, "TO STDOUT")) as rows,
            ):
                for piece in rows:
                    member.write(piece)
    return manifest


def _postgresql_back(path: Path, url: str, manifest: Manifest, now: datetime) -> None:
    with closing(Database(url)) as database:
        if set(inspect(database.engine).get_table_names()) - {ALEMBIC}:
            raise Conflict("There are tables in this database; put the copy into an empty one.")
        migrate.upgrade(url, manifest.revision)
        try:
            with zipfile.ZipFile(path) as archive:
                database.transact(lambda session: _fill(session, archive, manifest, now))
        except BaseException:
            # Empty tables would be in the way of the next attempt.
            migrate.clear(url)
            raise
    migrate.upgrade(url)


def _fill(session: Session, archive: zipfile.ZipFile, manifest: Manifest, now: datetime) -> None:
    driver = _driver(session)
    driver.execute("SET LOCAL statement_timeout = 0")
    for name, one in manifest.tables.items():
        with (
            archive.open(name) as member,
            driver.cursor().copy(_copy(name, one, "FROM STDIN")) as rows,
        ):
            while piece := member.read(PIECE_BYTES):
                rows.write(piece)
    _compare(session, manifest)
    _behind_the_fence(session, manifest, now)


def _compare(session: Session, manifest: Manifest) -> None:
    for name, one in manifest.tables.items():
        if (rows := _count(session, name)) != one.rows:
            raise Conflict(f"The copy is damaged: {name} has {rows} rows instead of {one.rows}.")


def _manifest(database: Database, session: Session, now: datetime) -> Manifest:
    revision = migrate.current(database)
    if revision is None:
        raise Conflict("There are no tables of ours in this database.")
    tables = {}
    inspector = inspect(session.connection())
    for name, _ in inspector.get_sorted_table_and_fkc_names():
        if name not in {None, ALEMBIC}:
            columns = [column["name"] for column in inspector.get_columns(str(name))]
            tables[str(name)] = Table(columns, _count(session, str(name)))
    dialect = "sqlite" if database.is_sqlite else "postgresql"
    epoch = fence.standing(session).epoch
    return Manifest(FORMAT, dialect, revision, now.isoformat(), epoch, tables)


def _count(session: Session, name: str) -> int:
    return session.scalars(select(func.count()).select_from(table(name))).one()


def _copy(name: str, one: Table, way: str) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, one.columns))
    return sql.SQL("COPY {} ({}) " + way).format(sql.Identifier(name), columns)


def _driver(session: Session) -> psycopg.Connection:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for the checker
    return driver


def _file_of(database: Database) -> Path:
    return Path(str(database.engine.url.database))
