"""`lerarenkaart backup`, `restore` and `fence …`: copies of the database, and the way back."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import fence
from app.audit import Act, record
from app.cards.keyring import KeyRing
from app.commands.terminal import database, now, out, stop, warn
from app.db import Database
from app.recovery import copies, journal
from app.recovery.fall_back import fall_back
from app.settings import Settings

OPERATOR = "system"

fencing = typer.Typer(no_args_is_help=True, help="The fence around a database that came back.")


def backup(file: Path) -> None:
    """Write a copy of the database to a new file; the service goes on meanwhile."""
    with database() as opened:
        try:
            manifest = copies.take(opened, file, now=now())
        except FileExistsError:
            stop(f"There is a file {file} already; it was left as it is.")
        except FileNotFoundError:
            stop(f"There is no folder {file.parent}.")
    tables = f"{manifest.rows} rows of {len(manifest.tables)} tables"
    out.print(f"{tables}, revision {manifest.revision}, in {file}. Keys are not in it.")


def restore(
    file: Path,
    *,
    journals: Annotated[
        list[Path] | None, typer.Option("--journal", help="A revocation journal to bring in.")
    ] = None,
    without_journal: Annotated[
        bool, typer.Option(help="There is none; only `fence release` ends the fence then.")
    ] = False,
) -> None:
    """Fill an empty database from a copy; no card is valid until the personnel file was heard."""
    settings, moment = Settings(), now()
    found = journals or [path for path in [settings.journal_file] if path.exists()]
    if not found and not without_journal:
        stop(
            f"There is no revocation journal at {settings.journal_file}: cards revoked after the "
            "copy would come back. Give it with --journal, or say --without-journal."
        )
    if missing := [str(path) for path in [file, *found] if not path.is_file()]:
        stop(f"{', '.join(missing)} cannot be read.")
    keys = KeyRing(settings.key_directory).keys
    manifest = copies.put_back(
        file, settings.database_url, above=journal.latest_epoch(found), now=moment
    )
    out.print(f"{manifest.rows} rows of {manifest.taken_at} are back; the fence is up.")
    if found:
        with closing(Database(settings.database_url)) as opened:
            taken = journal.merge(opened, found, keys=keys, now=moment)
        out.print(f"{taken} cards that were taken away after the copy are taken away again.")
    out.print("Start the service; `lerarenkaart epd sync --full` takes the fence down.")


@fencing.command("status")
def status() -> None:
    """Say whether the fence is up, since when and why; exit 1 when it is."""
    with database() as opened, opened.reading() as session:
        found = fence.standing(session)
    if found.raised_at is None:
        out.print(f"The fence is down; the database came back {found.epoch} times.")
        return
    missing = "the personnel file" if found.merged else "the revocation journal"
    stop(f"The fence is up since {found.raised_at:%Y-%m-%d %H:%M}: {found.why}. Wanted: {missing}.")


@fencing.command("raise")
def raise_(why: str) -> None:
    """Let no card be valid: after a copy was put back by other means than `restore`."""
    moment = now()
    with database() as opened:
        opened.transact(lambda session: fall_back(session, why=why, now=moment))
    out.print("The fence is up. Workers bring in their revocation journals by themselves.")


@fencing.command("release")
def release(why: str) -> None:
    """Take the fence down without the personnel file; the reason goes on record."""
    moment, key = now(), KeyRing(Settings().key_directory).keys.active("audit")
    with database() as opened:
        with opened.reading() as session:
            found = fence.standing(session)
        if found.raised_at is None:
            stop("The fence is down already.")
        if not found.merged:
            warn("No revocation journal was brought in: cards revoked since the copy are valid.")
        act = Act(
            actor=OPERATOR,
            capacity="",
            organisation="",
            action="fence.release",
            object=f"epoch:{found.epoch}",
            purpose=why,
        )

        def work(session: Session) -> None:
            record(session, act, key=key, now=moment)
            fence.release(session)

        opened.transact(work)
    out.print("The fence is down.")
