"""`lerarenkaart partner …`: partners, their tills, and what makes a device one of them."""

from typing import Annotated

import typer

from app.commands.terminal import database, now, out
from app.verification import enrolment, partners

partner = typer.Typer(no_args_is_help=True, help="Partners, their tills and keys.")


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
    moment, place = now(), partners.Place(postcode, latitude, longitude)
    with database() as opened:
        opened.transact(
            lambda session: partners.add_till(
                session,
                partners.add_partner(session, name, category=category, now=moment),
                till,
                place=place,
                now=moment,
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
    moment = now()
    with database() as opened:
        if revoke:
            opened.transact(lambda session: partners.revoke_key(session, revoke, now=moment))
            out.print(f"Key {revoke} is refused from the next request on.")
            return
        text = opened.transact(
            lambda session: partners.hand_out_key(
                session,
                partners.till_named(session, partners.partner_named(session, name).id, till),
                test=test,
                now=moment,
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
    moment, place = now(), partners.Place(postcode, latitude, longitude)
    with database() as opened:
        opened.transact(
            lambda session: partners.add_till(
                session, partners.partner_named(session, name), till, place=place, now=moment
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
    moment = now()
    with database() as opened:
        code = opened.transact(
            lambda session: enrolment.new_code(
                session,
                partners.till_named(session, partners.partner_named(session, name).id, till),
                test=test,
                now=moment,
            )
        )
    typer.echo(code)
