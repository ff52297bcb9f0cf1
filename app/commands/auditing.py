"""`lerarenkaart audit …`: the record of what people did and saw."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from app.audit import Head
from app.audit_check import kept, verify
from app.cards.keyring import KeyRing
from app.commands.terminal import Json, database, out, stop, warn
from app.settings import Settings

audit = typer.Typer(no_args_is_help=True, help="The record of what people did and saw.")


@audit.callback()
def group() -> None:
    """Keep `verify` a word of its own beside `audit`."""


@audit.command("verify")
def verify_record(
    *,
    head: Annotated[list[str] | None, typer.Option(help="A head from the log of a worker.")] = None,
    as_json: Json = False,
) -> None:
    """Look for any edit, deletion, insertion or cut; exit 1 when there is one."""
    settings = Settings()
    keys = KeyRing(settings.key_directory).keys
    try:
        known = [Head.read(written) for written in head or ()]
    except ValueError as fault:
        raise typer.BadParameter("a head reads as in the log: number:hexadecimal") from fault
    if own := kept(settings.key_directory):
        known.append(own)
    with database() as opened, opened.reading() as session:
        found = verify(session, find_key=keys.secrets["audit"].get, kept=tuple(known))
    if as_json:
        out.print_json(json.dumps(asdict(found) | {"head": str(found.head)}))
    else:
        sealed = f"{found.head.position} entries sealed, {found.waiting} waiting"
        out.print(f"{sealed}; head {found.head}", soft_wrap=True, highlight=False)
    if not known:
        warn("No head is kept here or was given: a cut end would go unseen.")
    if found.faults:
        stop("\n".join(found.faults))
