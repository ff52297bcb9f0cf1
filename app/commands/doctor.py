"""`lerarenkaart doctor`: what is wrong with this deployment, and how each thing is mended."""

import json
from dataclasses import asdict

import typer

from app.commands.terminal import Json, now, out
from app.doctor import Finding, Severity, examine
from app.settings import Settings

SIGNS = {
    Severity.GOOD: "[green]✓[/green]",
    Severity.WARNING: "[yellow]![/yellow]",
    Severity.FAULT: "[bold red]✗[/bold red]",
}


def doctor(*, as_json: Json = False) -> None:
    """Examine every part that the service leans on; exit 1 when one is out of order."""
    found = []
    for finding in examine(Settings(), clock=now):
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        out.print_json(json.dumps([asdict(finding) for finding in found]))
    if any(finding.severity is Severity.FAULT for finding in found):
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    out.print(f"{SIGNS[finding.severity]} [bold]{finding.part}[/bold]", end=": ")
    out.print(finding.what, highlight=False, markup=False)
    if finding.mend:
        out.print(f"  {finding.mend}", style="dim", highlight=False, markup=False)
