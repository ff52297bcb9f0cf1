"""`lerarenkaart keys …`: the key ring, and when the certificates beside it expire."""

from collections.abc import Callable, Iterator
from typing import Annotated

import structlog
import typer
from cryptography import x509
from rich.progress import track
from rich.table import Table
from sqlalchemy.orm import Session

from app import rekeying
from app.cards import keyring
from app.cards.keyring import KeyRing
from app.commands.terminal import Json, database, now, out, stop, warn
from app.db import Database
from app.settings import Settings

log = structlog.get_logger()
# What an encryption key sealed, and whom a pepper makes known, is lost without it.
NEEDED: dict[keyring.Kind, Callable[[Session], dict[int, int]]] = {
    "encryption": rekeying.sealed_by,
    "pepper": rekeying.known_by,
}
keys = typer.Typer(no_args_is_help=True, help="The key ring.")


@keys.command("init")
def init() -> None:
    """Make a first key of every kind."""
    settings = Settings()
    keyring.init(settings.key_directory, environment=settings.environment, now=now())
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
    number = keyring.rotate(Settings().key_directory, _kind(kind), now=now())
    out.print(f"{kind} key {number} is active now.")


@keys.command("revoke")
def revoke(
    kind: str,
    number: int,
    *,
    in_use: Annotated[
        bool, typer.Option(help="Even what is kept under it and is then lost.")
    ] = False,
) -> None:
    """Refuse a key from now on, in every process."""
    chosen = _kind(kind)
    if not in_use:
        _refuse_in_use(chosen, number)
    keyring.revoke(Settings().key_directory, chosen, number, now=now())
    out.print(f"{kind} key {number} is revoked.")


@keys.command("reencrypt")
def reencrypt() -> None:
    """Seal what is kept anew with the active encryption key; interrupted, it goes on there."""
    _bring_along("encryption", rekeying.reencrypt)


@keys.command("rehash")
def rehash() -> None:
    """Know everybody by the active pepper whose number is kept; interrupted, it goes on there."""
    _bring_along("pepper", rekeying.rehash)


def _bring_along(kind: keyring.Kind, steps: Callable[[Database, KeyRing], Iterator[int]]) -> None:
    ring = KeyRing(Settings().key_directory)
    with database() as opened:
        waiting = _by_older_keys(opened, ring, kind)
        done = 0
        for count in track(
            steps(opened, ring),
            total=sum(waiting.values()) / rekeying.ROWS,
            console=out,
            transient=True,
            disable=not out.is_terminal,
        ):
            done += count
            if not out.is_terminal:
                log.info("progress", done=done)
        left = _by_older_keys(opened, ring, kind)
    out.print(f"{done} brought under {kind} key {ring.keys.active(kind).id}.")
    for key in ring.keys.usable(kind)[1:]:
        if left.get(key.id):
            warn(f"{kind} key {key.id} is still needed for {left[key.id]}: keep it.")
        else:
            out.print(f"Nothing needs {kind} key {key.id} any more, except copies made before.")


def _by_older_keys(opened: Database, ring: KeyRing, kind: keyring.Kind) -> dict[int, int]:
    with opened.reading() as session:
        counts = NEEDED[kind](session)
    counts.pop(ring.keys.active(kind).id, None)
    return counts


def _refuse_in_use(kind: keyring.Kind, number: int) -> None:
    if kind not in NEEDED:
        return
    with database() as opened, opened.reading() as session:
        count = NEEDED[kind](session).get(number, 0)
    if count:
        stop(
            f"{kind} key {number} is needed for {count} of what is kept; nothing was changed. "
            f"Run `lerarenkaart keys rotate {kind}` and then `keys reencrypt` or `keys rehash`; "
            "`--in-use` revokes it all the same, and what is under it is lost."
        )


def _certificates(settings: Settings) -> list[dict[str, str]]:
    rows = []
    for name in ("apple_certificate_file", "apple_wwdr_file"):
        path = getattr(settings, name)
        if path is not None:
            found = x509.load_pem_x509_certificate(path.read_bytes())
            begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
            state = "active" if begins <= now() <= ends else "expired"
            kind = name.removesuffix("_file").replace("_", " ")
            row = (kind, f"{found.serial_number:x}", state, begins.isoformat(), ends.isoformat())
            rows.append(dict(zip(keyring.LISTED, row, strict=True)))
    return rows


def _kind(text: str) -> keyring.Kind:
    for kind in keyring.KINDS:
        if kind == text:
            return kind
    raise typer.BadParameter(f"{text} is none of {', '.join(keyring.KINDS)}")
