"""`lerarenkaart pass …`: passes as files, and those that did not reach their phones."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.commands.terminal import Json, database, now, out, stop
from app.passes import parked
from app.passes.apple.inspect import Inspection, Severity, inspect

passes = typer.Typer(no_args_is_help=True, help="Passes: as files, and on their way to phones.")


@passes.command("inspect")
def inspect_pass(file: Path, *, as_json: Json = False) -> None:
    """Say what is wrong with a .pkpass, ours or anybody's; exit 1 when Wallet would refuse it."""
    try:
        found = inspect(file.read_bytes(), now=now())
    except OSError as fault:
        stop(f"{file} cannot be read: {fault.strerror}.")
    if as_json:
        out.print_json(json.dumps(asdict(found) | {"sound": found.sound}, default=str))
    else:
        _show(found)
    if not found.sound:
        raise typer.Exit(1)


@passes.command("parked")
def parked_passes(*, as_json: Json = False) -> None:
    """Show passes that delivery has given up, those behind for longest first (at most 100)."""
    with database() as opened, opened.reading() as session:
        rows = [asdict(one) for one in parked.parked(session)]
    if as_json:
        out.print_json(json.dumps(rows, default=str))
        return
    table = Table("card", "wallet", "reason", "behind since")
    for row in rows:
        table.add_row(*map(str, row.values()))
    out.print(table)


@passes.command("release")
def release_passes(
    cards: Annotated[list[str] | None, typer.Argument(help="Numbers of cards.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
) -> None:
    """Let delivery try passes again that it has given up, once their cause is mended."""
    if everything == bool(cards):
        raise typer.BadParameter("give numbers of cards, or --all")
    with database() as opened:
        count = opened.transact(
            lambda session: parked.release(session, None if everything else cards)
        )
    out.print(f"Passes that will be tried again: {count}")


def _show(found: Inspection) -> None:
    for name, value in asdict(found.summary).items():
        text = ", ".join(value) if isinstance(value, tuple) else value
        out.print(f"{name.replace('_', ' ')}: {text or '-'}", highlight=False, markup=False)
    for finding in found.findings:
        style = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}.get(
            finding.severity, "dim"
        )
        out.print(f"\n{finding.severity.upper()} in {finding.where}", style=style, markup=False)
        out.print(f"  {finding.what}\n  {finding.mend}", highlight=False, markup=False)
    verdict = "No fault that Wallet refuses." if found.sound else "Wallet would refuse this pass."
    out.print(f"\n{verdict}", style="bold")
