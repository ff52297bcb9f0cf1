"""`lerarenkaart client …`: the machines that may ask for access tokens."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.commands.terminal import database, now, out, stop
from app.identity import clients
from app.identity.clients import Scope, UnfitKey
from app.identity.model import OAuthClient, OAuthCredential
from app.verification import partners

client = typer.Typer(no_args_is_help=True, help="OAuth clients: partners' systems, the EPD's job.")


@client.command("add")
def add(
    client_id: Annotated[str, typer.Argument(help="The client_id, such as epd-sync.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may stand several times.")],
    partner: Annotated[str | None, typer.Option(help="The partner for whom it asks.")] = None,
) -> None:
    """Register a client; it can do nothing before it has a key or a secret."""
    moment = now()
    with database() as opened:

        def work(session: Session) -> None:
            partner_id = partners.partner_named(session, partner).id if partner else None
            clients.add_client(session, client_id, scopes=scope, partner_id=partner_id, now=moment)

        try:
            opened.transact(work)
        except ValueError as fault:
            stop(f"{str(fault).capitalize()}.")
    out.print(f"{client_id} can have a key or a secret now: lerarenkaart client key {client_id}")


@client.command("key")
def key(
    client_id: str,
    public_key: Annotated[
        Path | None, typer.Option(help="Its public key (PEM), for private_key_jwt.")
    ] = None,
) -> None:
    """Register a client's public key, or without one make a secret (shown once)."""
    moment = now()
    with database() as opened:
        if public_key is None:
            secret = opened.transact(
                lambda session: clients.add_secret(session, client_id, now=moment)
            )
            typer.echo(secret)
            return
        try:
            pem = public_key.read_bytes()
            name = opened.transact(
                lambda session: clients.add_key(session, client_id, pem, now=moment)
            )
        except OSError as fault:
            stop(f"{public_key} cannot be read: {fault.strerror}.")
        except UnfitKey as fault:
            stop(f"{public_key}: {fault}.")
    typer.echo(name)


@client.command("revoke")
def revoke(
    client_id: str,
    credential: Annotated[
        str | None, typer.Option(help="Only this key or secret, by its name in the list.")
    ] = None,
) -> None:
    """Refuse a client, or one of its credentials; its tokens count no more at once."""
    moment = now()
    with database() as opened:
        opened.transact(
            lambda session: clients.revoke(session, client_id, credential=credential, now=moment)
        )
    what = f"Credential {credential} of {client_id}" if credential else client_id
    out.print(f"{what} is refused from the next request on.", highlight=False)


@client.command("list")
def listing() -> None:
    """Every client with its credentials."""
    table = Table("client", "scopes, credentials", "since", "state")
    with database() as opened, opened.reading() as session:
        for one in session.scalars(select(OAuthClient).order_by(OAuthClient.id)):
            table.add_row(one.id, one.scopes, *_life(one))
            for each in one.credentials:
                kind = "key" if each.public_key else "secret"
                table.add_row("", f"{kind} {each.name}", *_life(each))
    out.print(table)


def _life(row: OAuthClient | OAuthCredential) -> tuple[str, str]:
    state = f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else "active"
    return f"{row.created_at:%Y-%m-%d}", state
