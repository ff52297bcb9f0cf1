"""Runs revisions on SQLite and PostgreSQL alike, each upgrade in one transaction.

Knows the differences between the two for Alembic: SQLite changes a table by copying it,
during which foreign keys must rest. The URL comes from `app.migrate`, or from the settings
when plain `alembic` runs.
"""

from contextlib import closing
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from app.db import Database, Moment
from app.migrate import metadata
from app.settings import Settings


def _render(kind: str, item: object, _autogen: AutogenContext) -> str | Literal[False]:
    # A revision stands for ever, so it names what a moment was stored as, not today's class.
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    return False


def _number(migration: MigrationContext, _revision: object, scripts: list[MigrationScript]) -> None:
    # 0001, 0002, …: revisions form one line, and two branches clash visibly in a merge.
    for script in scripts:
        last = migration.get_current_revision() or "0000"
        script.rev_id = f"{int(last) + 1:04}"


def _rest_foreign_keys(connection: Connection) -> None:
    # Through the driver: within a transaction, which SQLAlchemy would begin, it has no effect.
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a connection that is open has its driver's
    driver.execute("PRAGMA foreign_keys=OFF")


def _refuse_dangling_rows(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if dangling:
        tables = sorted({row[0] for row in dangling})
        raise RuntimeError(f"rows of {', '.join(tables)} would point at nothing; nothing changed")


def run() -> None:
    """Bring one database from the revision it has to the one that was asked for."""
    url = context.config.attributes.get("url") or Settings().database_url
    with closing(Database(url)) as database, database.engine.connect() as connection:
        connection.execution_options(writes=True)
        if database.is_sqlite:
            _rest_foreign_keys(connection)
        # Alembic takes part in a transaction that is open: all revisions succeed or none does.
        with connection.begin():
            context.configure(
                connection=connection,
                target_metadata=metadata(),
                compare_type=True,
                render_as_batch=True,
                render_item=_render,
                process_revision_directives=_number,
            )
            if not database.is_sqlite:
                # A new index on years of scans may take longer than any request should.
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            context.run_migrations()
            if database.is_sqlite:
                _refuse_dangling_rows(connection)


run()
