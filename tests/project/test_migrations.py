"""The revisions make exactly the tables that the models describe, on both databases."""

import subprocess
import sys
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Inspector, inspect, text

from app import migrate
from app.db import Database


def _described(inspector: Inspector) -> dict[str, Any]:
    """Everything a database says about its tables; more than Alembic compares."""

    def named(rows: list[Any]) -> list[str]:
        return sorted(str(sorted(row.items())) for row in rows)

    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ],
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": named(inspector.get_foreign_keys(table)),
            "unique": named(inspector.get_unique_constraints(table)),
            "checks": named(inspector.get_check_constraints(table)),
            "indexes": [
                (index["name"], index["column_names"], index["unique"], _where(index))
                for index in sorted(inspector.get_indexes(table), key=lambda i: str(i["name"]))
            ],
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _where(index: Any) -> list[str]:
    return [
        str(index.get("dialect_options", {}).get(f"{d}_where")) for d in ("sqlite", "postgresql")
    ]


def test_migrated_tables_equal_the_models(database: Database) -> None:
    migrated = _described(inspect(database.engine))
    with database.engine.begin() as connection:
        migrate.metadata().drop_all(connection)
        migrate.metadata().create_all(connection)
    assert migrated == _described(inspect(database.engine))
    assert "wallet_pass" in migrated


def test_a_migrated_database_has_nothing_to_report(database_url: str) -> None:
    assert migrate.check(database_url) == []


def test_a_missing_column_is_reported(database: Database, database_url: str) -> None:
    database.transact(
        lambda session: session.execute(text("ALTER TABLE card_event DROP COLUMN why"))
    )
    (difference,) = migrate.check(database_url)
    assert "add_column" in difference
    assert "why" in difference


def test_a_database_before_the_first_revision_is_reported(
    database: Database, database_url: str
) -> None:
    database.transact(lambda session: session.execute(text("DELETE FROM alembic_version")))
    assert migrate.current(database) is None
    assert migrate.check(database_url) == ["Target database is not up to date."]


def test_every_revision_goes_back_and_forth(database: Database, database_url: str) -> None:
    command.downgrade(migrate.config(database_url), "base")
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    migrate.upgrade(database_url)
    assert migrate.current(database) == migrate.head()


def test_a_revision_that_fails_leaves_the_database_as_it_was(
    database: Database, database_url: str
) -> None:
    command.downgrade(migrate.config(database_url), "base")
    # The last table of the first revision is in the way, so all before it are made in vain.
    database.transact(lambda session: session.execute(text("CREATE TABLE wallet_pass (id INT)")))
    with pytest.raises(Exception, match="already exists"):
        migrate.upgrade(database_url)
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version", "wallet_pass"}
    assert migrate.current(database) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_upgrade_refuses_to_leave_rows_that_point_at_nothing(
    database: Database, database_url: str
) -> None:
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute(
            "INSERT INTO card_event (id, card_id, what, why, at, untold)"
            " VALUES ('00', '01', 'issued', 'test', '2026-11-24', 0)"
        )
    with pytest.raises(RuntimeError, match="rows of card_event would point at nothing"):
        migrate.upgrade(database_url)


def test_no_table_hides_outside_the_modules_that_are_read() -> None:
    script = """
import pkgutil, importlib, app
from app import migrate
known = set(migrate.metadata().tables)
for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name != "app.asgi":  # importing that one starts the service
        importlib.import_module(module.name)
print(sorted(set(migrate.metadata().tables) - known))
"""
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert found.stderr == ""
    assert found.stdout.strip() == "[]"
