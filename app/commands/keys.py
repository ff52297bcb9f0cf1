"""`lerarenkaart keys …`: the key ring, and when the certificates beside it expire."""

import typer
from cryptography import x509
from rich.table import Table

from app.cards import keyring
from app.commands.terminal import Json, now, out
from app.settings import Settings

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
def revoke(kind: str, number: int) -> None:
    """Refuse a key from now on, in every process."""
    keyring.revoke(Settings().key_directory, _kind(kind), number, now=now())
    out.print(f"{kind} key {number} is revoked.")


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
