"""`lerarenkaart benefits …`: what partners offer, as their own lists say it."""

from pathlib import Path

import typer

from app.benefits import offers
from app.commands.terminal import database, now, out, stop

benefits = typer.Typer(no_args_is_help=True, help="What partners offer.")


@benefits.callback()
def about() -> None:
    """Keep `import` a command of its own, although it is the only one."""


@benefits.command("import")
def import_offers(file: Path) -> None:
    """Take offers from a file of JSON lines, or bring them up to date; all of them or none."""
    try:
        read = offers.read(file.read_text("utf-8").splitlines())
    except OSError as fault:
        stop(f"{file} cannot be read: {fault.strerror}.")
    except ValueError as faults:
        stop(f"Nothing was taken from {file}:\n{faults}")
    moment = now()
    with database() as opened:
        opened.transact(lambda session: [offers.keep(session, one, now=moment) for one in read])
    out.print(f"{len(read)} offers are in.")
