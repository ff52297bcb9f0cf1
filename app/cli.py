"""`lerarenkaart …`: everything a person does to a deployment from a terminal.

Reads settings and the clock, calls one function of a room, and prints. Faults of the person
or of the configuration come out as one sentence and exit code 1 or 2, never as a traceback.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from cryptography import x509
from rich.table import Table

from app import migrate, worker
from app.cards import keyring
from app.commands.auditing import audit
from app.commands.benefits import benefits
from app.commands.client import client
from app.commands.doctor import doctor
from app.commands.epd import epd
from app.commands.passes import passes
from app.commands.recovery import backup, fencing, restore
from app.commands.roster import roster
from app.commands.statistics import statistics
from app.commands.terminal import Json, out
from app.commands.terminal import database as _database
from app.commands.terminal import now as _now
from app.commands.terminal import stop as _stop
from app.deployment import Deployment
from app.errors import Failure
from app.log import configure
from app.settings import Settings, StartRefused
from app.verification import enrolment, partners

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
db = typer.Typer(no_args_is_help=True, help="The database and its migrations.")
keys = typer.Typer(no_args_is_help=True, help="The key ring.")
partner = typer.Typer(no_args_is_help=True, help="Partners, their tills and keys.")
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
        # httptools keeps headers of any size; h11 ends the connection at 16 kB.
        http="h11",
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
    deployment = Deployment.load(Settings(), now=_now())
    if once:
        worker.run(deployment, clock=_now)
        return
    with worker.told_to_stop() as stop:
        worker.run(deployment, clock=_now, stop=stop)


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
        _stop(
            f"{path} is not what the code says; run `lerarenkaart openapi` and look at the change"
        )


@db.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest migration."""
    migrate.upgrade(Settings().database_url)
    out.print(f"The database is at {migrate.head()}.")


@db.command("check")
def check() -> None:
    """Compare the database and the models with the migrations."""
    differences = migrate.check(Settings().database_url)
    if differences:
        _stop("\n".join(differences))
    out.print("The database is as the models say.")


@keys.command("init")
def init() -> None:
    """Make a first key of every kind."""
    settings = Settings()
    keyring.init(settings.key_directory, environment=settings.environment, now=_now())
    out.print(f"Made a key ring in {settings.key_directory}. Keep a copy apart from the database.")


@keys.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """Show every key's kind, number, state and birth, and when certificates expire."""
    settings = Settings()
    rows = keyring.listing(settings.key_directory) + _certificates(settings)
    if as_json:
        out.print_json(data=rows)
        return
    table = Table("kind", "id", "state", "created at", "expires at")
    for row in rows:
        table.add_row(*row.values())
    out.print(table)


@keys.command("rotate")
def rotate(kind: str) -> None:
    """Make a new active key of a kind; the one before goes on opening what it made."""
    number = keyring.rotate(Settings().key_directory, _kind(kind), now=_now())
    out.print(f"{kind} key {number} is active now.")


@keys.command("revoke")
def revoke(kind: str, number: int) -> None:
    """Refuse a key from now on, in every process."""
    keyring.revoke(Settings().key_directory, _kind(kind), number, now=_now())
    out.print(f"{kind} key {number} is revoked.")


@partner.command("add")
def add_partner(
    name: str,
    category: Annotated[str, typer.Option(help="museum, shop, library, theatre, webshop …")],
    *,
    till: Annotated[str, typer.Option(help="The name of its first till.")] = "1",
    postcode: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
) -> None:
    """Register a partner with its first till."""
    now, place = _now(), partners.Place(postcode, latitude, longitude)
    with _database() as database:
        database.transact(
            lambda session: partners.add_till(
                session,
                partners.add_partner(session, name, category=category, now=now),
                till,
                place=place,
                now=now,
            )
        )
    out.print(f"{name} can have keys for till {till} now: lerarenkaart partner key …")


@partner.command("key")
def partner_key(
    name: str,
    till: Annotated[str, typer.Option(help="The name of the till.")] = "1",
    *,
    test: Annotated[bool, typer.Option(help="A key for the sandbox.")] = False,
    revoke: Annotated[str | None, typer.Option(help="Refuse the key with this id.")] = None,
) -> None:
    """Make a key for a till (shown once), or refuse one."""
    now = _now()
    with _database() as database:
        if revoke:
            database.transact(lambda session: partners.revoke_key(session, revoke, now=now))
            out.print(f"Key {revoke} is refused from the next request on.")
            return
        text = database.transact(
            lambda session: partners.hand_out_key(
                session,
                partners.till_named(session, partners.partner_named(session, name).id, till),
                test=test,
                now=now,
            )
        )
    typer.echo(text)


@partner.command("till")
def add_till(
    name: str,
    till: str,
    *,
    postcode: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
) -> None:
    """Give a partner another till."""
    now, place = _now(), partners.Place(postcode, latitude, longitude)
    with _database() as database:
        database.transact(
            lambda session: partners.add_till(
                session, partners.partner_named(session, name), till, place=place, now=now
            )
        )
    out.print(f"{name} has a till {till}: lerarenkaart partner enrol-code, or partner key …")


@partner.command("enrol-code")
def enrol_code(
    name: str,
    till: Annotated[str, typer.Option(help="The name of the till.")] = "1",
    *,
    test: Annotated[bool, typer.Option(help="For the sandbox.")] = False,
) -> None:
    """Make a code with which one device can become this till, once and within a day."""
    now = _now()
    with _database() as database:
        code = database.transact(
            lambda session: enrolment.new_code(
                session,
                partners.till_named(session, partners.partner_named(session, name).id, till),
                test=test,
                now=now,
            )
        )
    typer.echo(code)


def main() -> None:
    """Run the command line; every expected fault ends as one sentence."""
    configure()
    try:
        cli()
    except (Failure, keyring.KeyFault, StartRefused) as fault:
        _stop(str(fault))


def _certificates(settings: Settings) -> list[dict[str, str]]:
    rows = []
    for name in ("apple_certificate_file", "apple_wwdr_file"):
        path: Path | None = getattr(settings, name)
        if path is not None:
            found = x509.load_pem_x509_certificate(path.read_bytes())
            begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
            state = "active" if begins <= _now() <= ends else "expired"
            kind = name.removesuffix("_file").replace("_", " ")
            row = (kind, f"{found.serial_number:x}", state, begins.isoformat(), ends.isoformat())
            rows.append(dict(zip(keyring.LISTED, row, strict=True)))
    return rows


def _kind(text: str) -> keyring.Kind:
    for kind in keyring.KINDS:
        if kind == text:
            return kind
    raise typer.BadParameter(f"{text} is none of {', '.join(keyring.KINDS)}")
