"""`lerarenkaart roster …`: lists of institutions brought by the operator, and mergers."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import audit
from app.audit import Act, object_of
from app.cards.keyring import KeyRing
from app.commands.terminal import database, now, out, stop
from app.db import Database
from app.epd.rosters import verbs
from app.epd.rosters.model import Roster
from app.epd.rosters.reading import Unreadable
from app.epd.rosters.successors import succeed
from app.epd.rosters.verbs import Acting, take_in
from app.settings import Settings

OPERATOR = "operator"
INSTITUTION_DIGITS = 6

roster = typer.Typer(no_args_is_help=True, help="Staff that the personnel file does not know.")


@roster.command("import")
def import_(
    file: Path,
    institution: Annotated[str, typer.Option(help="The institution's six-digit number.")],
) -> None:
    """Read and submit a list; it counts once a second person has released it."""
    if not file.is_file():
        stop(f"{file} is no file that can be read.")
    acting, moment = Acting(OPERATOR, _number(institution)), now()
    ring = KeyRing(Settings().key_directory)
    with database() as opened:
        found = _imported(opened, ring, file, acting, moment)
    used = found.lines - found.refused
    out.print(f"{used} lines can be used, {found.refused} were refused. Roster {found.id}.")
    out.print("It waits for release by the institution's personnel office or the card office.")


@roster.command("successor")
def successor(
    institution: str,
    successor: str,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")],
) -> None:
    """Note that an institution goes on under another number."""
    day: date = since.replace(tzinfo=UTC).date()
    with database() as opened:
        opened.transact(
            lambda session: succeed(session, _number(institution), _number(successor), since=day)
        )
    out.print(f"From {day} on, {institution} goes by {successor}.")


def _imported(
    opened: Database, ring: KeyRing, file: Path, acting: Acting, moment: datetime
) -> Roster:
    try:
        roster_id = take_in(opened, ring, file, acting=acting, now=moment)
    except Unreadable as refused:
        stop(f"{file} cannot be read as a roster ({refused.fault}); nothing of it was kept.")
    key = ring.keys.active("audit")

    def work(session: Session) -> Roster:
        found = verbs.roster_of(session, roster_id, acting=acting, on=moment)
        verbs.submit(found, acting=acting, now=moment)
        act = Act(
            actor=OPERATOR,
            capacity="",
            organisation=acting.institution,
            action="roster.submit",
            object=object_of("roster", roster_id),
            details={"lines": found.lines, "refused": found.refused, "digest": found.digest},
        )
        audit.record(session, act, key=key, now=moment)
        return found

    return opened.transact(work)


def _number(text: str) -> str:
    number = text.zfill(INSTITUTION_DIGITS)
    if not (text.isascii() and text.isdigit()) or len(number) != INSTITUTION_DIGITS:
        raise typer.BadParameter("an institution number has six digits")
    return number
