"""`lerarenkaart epd …`: fetch what the personnel file says, from the service or from a file."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.commands.terminal import now, out, stop, warn
from app.deployment import Deployment
from app.epd.patience import Patience
from app.epd.pull.importing import LineFault, import_file
from app.epd.pull.sync import Pull
from app.settings import Settings

FAULTS_SHOWN = 20
# Nobody waits at a counter: a minute for one answer before the run gives up.
PATIENT = Patience(budget_s=60.0, attempts=8, longest_pause_s=10.0)

epd = typer.Typer(no_args_is_help=True, help="The personnel file (EPD).")
log = structlog.get_logger()


@epd.command("sync")
def sync(*, full: Annotated[bool, typer.Option(help="Ask about everybody anew.")] = False) -> None:
    """Take in what changed since the last time; interrupted, it goes on where it was."""
    deployment = Deployment.load(Settings(), now=now())
    with closing(deployment.database()) as database, closing(deployment.epd(PATIENT)) as client:
        pull = Pull(database, deployment.ring, client, policy=deployment.policy, clock=now)
        persons = refused = 0
        with _bar() as bar:
            task = bar.add_task("persons", total=pull.begin_full() if full else None)
            try:
                while (step := pull.step()).more or step.persons:
                    persons, refused = persons + step.persons, refused + step.refused
                    _tell(bar, persons)
                    bar.update(task, completed=persons)
                    if not step.more:
                        break
            finally:
                pull.finish()
    out.print(f"{persons} persons asked about, {refused} of them refused by the source.")


@epd.command("import")
def import_(file: Path) -> None:
    """Take in a file of records, JSON lines as in contract 4.2; interrupted, it goes on there."""
    deployment = Deployment.load(Settings(), now=now())
    if not file.is_file():
        stop(f"{file} is no file that can be read.")
    faults: list[LineFault] = []
    count = lines = 0
    with closing(deployment.database()) as database, _bar() as bar:
        task = bar.add_task("bytes", total=file.stat().st_size)
        for step in import_file(
            database, deployment.ring, file, policy=deployment.policy, clock=now
        ):
            lines, count = step.lines, count + len(step.faults)
            faults += step.faults[: FAULTS_SHOWN - len(faults)]
            _tell(bar, lines)
            bar.update(task, completed=step.position)
    out.print(f"{lines} lines read, {count} passed over.")
    for fault in faults:
        warn(f"line {fault.line}: {fault.why}")
    if count:
        raise typer.Exit(1)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed}"),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    )


def _tell(bar: Progress, done: int) -> None:
    """Where nobody looks at a bar, a line a page."""
    if bar.disable:
        log.info("progress", done=done)
