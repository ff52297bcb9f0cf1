"""What an operator does at a terminal: fetch the file, bring a roster, check the record."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner, Result

from app import worker
from app.api.deps import clock as wall_clock
from app.audit import AuditEntry
from app.cards.model import Teacher
from app.cli import cli
from app.db import Database
from app.deployment import Deployment as Running
from app.epd.rosters.model import Roster
from app.settings import PREFIX, Settings
from demo import populace
from demo.deployment import Deployment
from tests.api.stage import Service

Run = Callable[..., Result]


@pytest.fixture
def run(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command in the environment of the deployment."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in deployment.settings.items():
        monkeypatch.setenv(f"{PREFIX}{name}", str(value))
    return lambda *words: CliRunner().invoke(cli, words)


def teachers(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Teacher)).one()


def test_a_population_is_imported_and_bad_lines_are_named(
    run: Run, database: Database, tmp_path: Path
) -> None:
    day = wall_clock().date()
    lines = [json.dumps(record) for record in populace.files(day, 450)]
    path = tmp_path / "population.jsonl"
    path.write_text("\n".join([*lines, "no json"]))
    done = run("epd", "import", str(path))
    assert done.exit_code == 1
    assert f"{len(lines) + 1} lines read, 1 passed over." in done.output
    assert f"line {len(lines) + 1}:" in done.output
    assert teachers(database) == len(lines)


def test_a_file_that_is_not_there_is_said_in_a_sentence(run: Run) -> None:
    done = run("epd", "import", "nowhere.jsonl")
    assert (done.exit_code, "no file" in done.output) == (1, True)


def test_changes_are_fetched_and_then_everybody_anew(
    run: Run, service: Service, database: Database
) -> None:
    records = list(populace.files(service.clock().date(), 5))
    service.script("epd", people=records)
    fetched = run("epd", "sync")
    assert fetched.exit_code == 0, fetched.output
    assert teachers(database) >= len(records)
    again = run("epd", "sync", "--full")
    assert "persons asked about, 0 of them refused" in again.output


def test_a_roster_is_submitted_and_waits_for_somebody_of_the_school(
    run: Run, database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "roster.csv"
    year = wall_clock().year
    path.write_text(
        "insz;personeelscategorie;begindatum;einddatum\n"
        f"84022999510;ONDERWIJZEND;1/1/{year};31/12/{year}\n"
        f"84022999511;ONDERWIJZEND;1/1/{year};31/12/{year}\n"
    )
    done = run("roster", "import", str(path), "--institution", "012345")
    assert done.exit_code == 0, done.output
    assert "1 lines can be used, 1 were refused" in done.output
    with database.reading() as session:
        roster = session.scalars(select(Roster)).one()
    assert (roster.state, roster.institution) == ("submitted", "012345")


@pytest.mark.parametrize("institution", ["12345678", "x"])
def test_what_is_no_institution_number_is_refused(
    run: Run, tmp_path: Path, institution: str
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("")
    assert run("roster", "import", str(path), "--institution", institution).exit_code == 2


def test_the_worker_seals_the_record_and_a_cut_is_found(
    run: Run, database: Database, deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "roster.csv"
    year = wall_clock().year
    path.write_text(
        "insz;personeelscategorie;begindatum;einddatum\n"
        f"84022999510;ONDERWIJZEND;1/1/{year};31/12/{year}\n"
    )
    run("roster", "import", str(path), "--institution", "012345")
    settings = Settings(**{k.lower(): v for k, v in deployment.settings.items()})
    worker.run(Running.load(settings, now=wall_clock()), clock=wall_clock)
    whole = run("audit", "verify")
    assert (whole.exit_code, "1 entries sealed, 0 waiting" in whole.output) == (0, True)
    # The entry and the head go: an empty record is a whole one, but for the head kept apart.
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(AuditEntry)).one() == 1
    database.transact(lambda session: session.execute(text("DELETE FROM audit_entry")))
    database.transact(lambda session: session.execute(text("DELETE FROM audit_head")))
    cut = run("audit", "verify")
    assert (cut.exit_code, "the end is cut off" in cut.output) == (1, True)


def test_a_head_from_a_log_that_is_none_is_refused(run: Run) -> None:
    assert run("audit", "verify", "--head", "nonsense").exit_code == 2
