"""The drill of an operator: copy, loss, restore; and what every till hears meanwhile."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from app import worker
from app.api.deps import clock as wall_clock
from app.cards import lifecycle
from app.cards.model import WalletPass
from app.cli import cli
from app.db import Database
from app.deployment import Deployment as Running
from app.settings import PREFIX, Settings
from demo.deployment import Deployment
from tests.api.problem import problem_of
from tests.api.stage import Service
from tests.api.verdicts import bearer

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command in the environment of a deployment."""

    def invoke(deployment: Deployment, *words: str) -> Result:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            monkeypatch.delenv(name)
        for name, value in deployment.settings.items():
            monkeypatch.setenv(f"{PREFIX}{name}", str(value))
        return CliRunner().invoke(cli, words)

    return invoke


def work(deployment: Deployment) -> None:
    """Everything that is due."""
    settings = Settings(**{k.lower(): v for k, v in deployment.settings.items()})
    worker.run(Running.load(settings, now=wall_clock()), clock=wall_clock)


def said(result: Result) -> str:
    """What was printed, wherever the terminal broke the line."""
    return " ".join(result.output.split())


def scan(service: Service, code: str) -> httpx.Response:
    question = {"presentation": code, "channel": "till"}
    return service.http.post("/api/v1/verifications", json=question, headers=bearer(service))


def test_a_restore_refuses_everybody_and_then_only_those_who_were_revoked_since(
    *,
    service: Service,
    deployment: Deployment,
    serve: Callable[..., Service],
    database: Database,
    empty_database_url: str,
    run: Run,
    tmp_path: Path,
) -> None:
    good, lost = service.with_card("permanent"), service.with_card("grace")
    codes = [service.web_codes(teacher) for teacher in (good, lost)]
    assert scan(service, codes[1][0]).json()["valid"] is True
    copied = run(deployment, "backup", str(tmp_path / "copy.zip"))
    assert (copied.exit_code, "Keys are not in it" in said(copied)) == (0, True), copied.output
    assert run(deployment, "backup", str(tmp_path / "copy.zip")).exit_code == 1

    def revoke(session: Session) -> None:
        shown = select(WalletPass).where(WalletPass.last_accepted.is_not(None))
        lifecycle.revoke(
            session, session.scalars(shown).one().card, why="lost", now=service.clock()
        )

    database.transact(revoke)
    work(deployment)

    there = replace(deployment, database_url=empty_database_url)
    back = run(there, "restore", str(tmp_path / "copy.zip"))
    assert (back.exit_code, "1 cards that were taken away" in said(back)) == (0, True), back.output
    assert run(there, "fence", "status").exit_code == 1
    again = serve(there)
    again.clock.advance(seconds=35)
    refused = scan(again, codes[0][1])
    assert problem_of(refused, "unavailable", 503)["detail"].startswith("The service came back")
    assert refused.headers["retry-after"] == "60"
    offline = again.http.get("/api/v1/offline-list", headers=bearer(again))
    assert offline.status_code == 503
    assert again.http.get("/readyz").json()["checks"]["restore"]["epoch"] == 1

    work(there)
    assert run(there, "fence", "status").exit_code == 0
    assert scan(again, codes[0][1]).json()["valid"] is True
    assert scan(again, codes[1][1]).json()["reason"] == "not_valid"


def test_a_restore_without_a_journal_must_be_wanted_and_be_ended_by_a_person(
    deployment: Deployment, empty_database_url: str, run: Run, tmp_path: Path
) -> None:
    run(deployment, "backup", str(tmp_path / "copy.zip"))
    there = replace(deployment, database_url=empty_database_url)
    refused = run(there, "restore", str(tmp_path / "copy.zip"))
    assert (refused.exit_code, "revocation journal" in said(refused)) == (1, True)
    done = run(there, "restore", str(tmp_path / "copy.zip"), "--without-journal")
    assert done.exit_code == 0, done.output
    work(there)
    assert "revocation journal" in said(run(there, "fence", "status"))
    released = run(there, "fence", "release", "every card looked at by hand")
    assert (released.exit_code, "cards revoked since" in said(released)) == (0, True)
    assert run(there, "fence", "release", "again").exit_code == 1
    assert run(there, "fence", "status").exit_code == 0
    assert run(there, "fence", "raise", "a snapshot of the disk").exit_code == 0
    assert run(there, "fence", "status").exit_code == 1


def test_a_file_or_folder_that_is_not_there_is_said_in_a_sentence(
    deployment: Deployment, run: Run, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "nowhere" / "copy.zip")
    assert "no folder" in said(run(deployment, "backup", nowhere))
    assert "cannot be read" in said(run(deployment, "restore", nowhere, "--without-journal"))
