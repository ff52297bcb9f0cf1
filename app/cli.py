"""`lerarenkaart …`: everything a person does to a deployment from a terminal.

Knows the processes (`serve`, `worker`) and gathers the groups of `app.commands`. Faults of the
person or of the configuration come out as one sentence and exit code 1 or 2, never as a traceback.
"""

import gc

# What is imported stays; looking for circles among it meanwhile costs a sixth of every start.
gc.disable()

import json
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from app import worker
from app.cards import keyring
from app.commands.auditing import audit
from app.commands.benefits import benefits
from app.commands.client import client
from app.commands.db import db
from app.commands.doctor import doctor
from app.commands.epd import epd
from app.commands.keys import keys
from app.commands.partner import partner
from app.commands.passes import passes
from app.commands.recovery import backup, fencing, restore
from app.commands.roster import roster
from app.commands.statistics import statistics
from app.commands.terminal import now, stop
from app.deployment import Deployment
from app.errors import Failure
from app.log import configure
from app.settings import Settings, StartRefused

gc.enable()

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli.add_typer(audit, name="audit")
cli.add_typer(db, name="db")
cli.add_typer(epd, name="epd")
cli.add_typer(roster, name="roster")
cli.command()(backup)
cli.command()(restore)
cli.add_typer(fencing, name="fence")
cli.add_typer(keys, name="keys")
cli.add_typer(partner, name="partner")
cli.add_typer(benefits, name="benefits")
cli.add_typer(client, name="client")
cli.add_typer(statistics, name="statistics")
cli.add_typer(passes, name="pass")
cli.command()(doctor)


@cli.command()
def serve(
    host: str = "127.0.0.1", port: int = 8000, workers: Annotated[int, typer.Option(min=1)] = 1
) -> None:
    """Serve the website and the API."""
    settings = Settings()
    uvicorn.run(
        "app.asgi:app",
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        # On h11: httptools keeps headers of any size, h11 ends the connection at 16 kB.
        http="app.api.connection:Connection",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=8,
    )


@cli.command("worker")
def work(
    *, once: Annotated[bool, typer.Option(help="End as soon as nothing is due.")] = False
) -> None:
    """Bring passes into line at their wallets, rotate codes, delete what expired."""
    deployment = Deployment.load(Settings(), now=now())
    if once:
        worker.run(deployment, clock=now)
        return
    with worker.told_to_stop() as told:
        worker.run(deployment, clock=now, stop=told)


@cli.command()
def openapi(
    path: Path = Path("openapi/openapi.json"),
    *,
    check: Annotated[bool, typer.Option(help="Only compare; exit 1 on a difference.")] = False,
) -> None:
    """Write the description of the API."""
    from app.main import describe  # noqa: PLC0415 - the whole web process, wanted here only

    text = json.dumps(describe(), indent=2, ensure_ascii=False) + "\n"
    if not check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    elif not path.exists() or path.read_text("utf-8") != text:
        stop(f"{path} is not what the code says; run `lerarenkaart openapi` and look at the change")


def main() -> None:
    """Run the command line; every expected fault ends as one sentence."""
    configure()
    try:
        cli()
    except (Failure, keyring.KeyFault, StartRefused) as fault:
        stop(str(fault))
