"""`make torture`: kill, race, fill and flood the service, and see whether it keeps its promises.

Every scenario runs on each database it knows, first with a planted fault, which must show,
then honestly. What was measured stands in `build/torture.json` the moment it is known, the
journals and the service's logs beside it in `build/torture/`. The exit code says whether
everything held and every planted fault was caught.
"""

import argparse
import json
import math
import random
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import make_url

from bench.postgresql import server
from bench.torture import burst, changes, disk, kills, races, snapshot
from bench.torture.scenario import Figures, Ground, Journal, Run, Scenario

SCENARIOS = (
    kills.KILL_WEB,
    kills.KILL_DATABASE,
    snapshot.KILL_WORKER,
    races.ONE_LIVE_CODE,
    races.ONE_WEBSHOP_CODE,
    races.LIMITS,
    races.ISSUE,
    changes.REVOCATION,
    changes.KEY_ROTATION,
    burst.BURST,
    disk.DISK_FULL,
)
REPORT = Path("build/torture.json")
EVIDENCE = Path("build/torture")
QUICK, FULL = 1, 10
# A planted fault has to show itself sooner.
PLANTED = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the report; figures that never came are null, and why stands in `not_run`."""

    name: str
    bar: dict[str, Any]
    measured: dict[str, Any]
    holds: bool
    planted_fault_caught: bool


class Torture:
    """One run of the suite: where it works, and how hard it tries."""

    def __init__(self, open_: ExitStack, *, effort: int, hours: bool, seed: int) -> None:
        self._open = open_
        self._folder = Path(open_.enter_context(TemporaryDirectory(prefix="torture-")))
        self._effort = effort
        self._hours = hours
        self._seed = seed

    def outcome(self, scenario: Scenario, ground: Ground) -> Outcome:
        """Run a scenario on one database, with its fault and without."""
        name = f"{scenario.name}_{ground}"
        most, least = dict(scenario.bar.most), dict(scenario.bar.least)
        bar = {"at_most": most, "at_least": least}
        try:
            broken = self._run(scenario, ground, f"{name}_planted", planted=True)
            measured = self._run(scenario, ground, name, planted=False)
        except Exception as error:  # noqa: BLE001 - the other scenarios are worth running all the same
            why = {"not_run": f"{type(error).__name__}: {error}"}
            return Outcome(name, bar, why, holds=False, planted_fault_caught=False)
        caught = broken[scenario.caught_as] > most[scenario.caught_as]
        shown = {what: value if math.isfinite(value) else None for what, value in measured.items()}
        return Outcome(name, bar, shown, scenario.bar.held_by(measured), caught)

    def _run(self, scenario: Scenario, ground: Ground, name: str, *, planted: bool) -> Figures:
        folder = self._folder / name
        folder.mkdir()
        with closing(Journal(EVIDENCE / f"{name}.jsonl")) as journal:
            journal.note("begun", seed=self._seed)
            with self._database(ground, folder) as url:
                figures = scenario.torture(
                    Run(
                        folder=folder,
                        database_url=url,
                        journal=journal,
                        log=EVIDENCE / f"{name}.log",
                        planted=planted,
                        effort=PLANTED if planted else self._effort,
                        hours=self._hours and not planted,
                        chance=random.Random(f"{self._seed} {name}"),  # noqa: S311 - for kills, not for secrets
                    )
                )
            journal.note("measured", **figures)
        return figures

    @contextmanager
    def _database(self, ground: Ground, folder: Path) -> Iterator[str]:
        """An empty database, gone afterwards; PostgreSQL writes through to the disk."""
        if ground == "sqlite":
            yield f"sqlite:///{folder / 'lerarenkaart.sqlite3'}"
            return
        name = f"torture_{uuid.uuid4().hex}"
        with psycopg.connect(self._server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
            yield make_url(self._server).set(database=name).render_as_string(hide_password=False)
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @cached_property
    def _server(self) -> str:
        return self._open.enter_context(server())


def main() -> int:
    """Torture, write and show; 0 when everything held and every planted fault was caught."""
    parser = argparse.ArgumentParser(prog="python -m bench.torture", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    parser.add_argument("--hours", action="store_true", help="sizes as in the field")
    parser.add_argument("--only", default="", metavar="TEXT", help="names that contain this")
    parser.add_argument("--seed", type=int, default=1, help="for the random moments")
    arguments = parser.parse_args()
    wanted = [
        (scenario, ground)
        for scenario in SCENARIOS
        for ground in scenario.grounds
        if arguments.only in f"{scenario.name}_{ground}"
    ]
    shutil.rmtree(EVIDENCE, ignore_errors=True)
    EVIDENCE.mkdir(parents=True)
    console = Console()
    outcomes: list[Outcome] = []
    _write(outcomes)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with ExitStack() as open_, Progress(*columns, TimeElapsedColumn(), console=console) as bar:
            effort = QUICK if arguments.quick else FULL
            torture = Torture(open_, effort=effort, hours=arguments.hours, seed=arguments.seed)
            task = bar.add_task("", total=len(wanted))
            for scenario, ground in wanted:
                bar.update(task, description=f"{scenario.name} on {ground}")
                outcomes.append(torture.outcome(scenario, ground))
                _write(outcomes)
                bar.advance(task)
    except KeyboardInterrupt:
        console.print(f"[yellow]Stopped: {len(wanted) - len(outcomes)} not measured.[/yellow]")
    console.print(_table(outcomes))
    good = [one for one in outcomes if one.holds and one.planted_fault_caught]
    return 0 if len(good) == len(wanted) else 1


def _write(outcomes: list[Outcome]) -> None:
    rows = [asdict(outcome) for outcome in outcomes]
    REPORT.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("measured", "holds", "planted fault", show_lines=True)
    for one in outcomes:
        figures = ", ".join(f"{what} {value}" for what, value in one.measured.items())
        table.add_row(
            f"[bold]{one.name}[/bold]\n{figures}",
            "[green]yes[/green]" if one.holds else "[red]NO[/red]",
            "[green]caught[/green]" if one.planted_fault_caught else "[red]MISSED[/red]",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
