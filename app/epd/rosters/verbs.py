"""What happens to a roster: read, submitted, released by a second person, applied, or withdrawn.

Knows who may do what next and that nothing reaches a card before two different people have said
yes. Hides rows, sealing and the order of the work. Every verb takes who acts as the subject of
the log-in and the institution they act for; another institution's roster is not there for them.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.keyring import KeyRing, Keys
from app.db import Database
from app.epd.rosters.model import Roster, RosterLine, RosterState
from app.epd.rosters.reading import Row, RowFault, Unreadable, read
from app.epd.rosters.successors import current_number, numbers_of
from app.errors import Conflict, Forbidden, NotFound

# As many lines as one transaction may hold others up for, on SQLite.
PAGE = 200
OWN_RELEASE_LINES = 2_000
DRAFT_LIFETIME = timedelta(days=1)
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and for which institution (its number of the log-in)."""

    subject: str
    institution: str


def take_in(
    database: Database, ring: KeyRing, path: Path, *, acting: Acting, now: datetime
) -> uuid.UUID:
    """Read a file into a draft; `Unreadable` leaves nothing behind.

    The institution is that of who acts, or its successor, whatever the file says.
    """
    on, digest = belgian_day(now), _digest(path)

    def begin(session: Session) -> tuple[uuid.UUID, frozenset[str]]:
        institution = current_number(session, acting.institution, on=on)
        roster = Roster(
            institution=institution,
            state=RosterState.READING,
            digest=digest,
            uploaded_by=acting.subject,
            uploaded_at=now,
        )
        session.add(roster)
        session.flush()
        return roster.id, numbers_of(session, institution, on=on)

    roster_id, institutions = database.transact(begin)
    keys = ring.keys
    try:
        judged = read(path, institutions=institutions, on=on)
        while page := list(islice(judged, PAGE)):
            database.transact(lambda session, page=page: _keep(session, roster_id, page, keys))  # type: ignore[misc]
    except Unreadable:
        while database.transact(lambda session: _delete(session, roster_id)):
            pass
        raise

    def end(session: Session) -> None:
        session.get_one(Roster, roster_id).state = RosterState.DRAFT

    database.transact(end)
    return roster_id


def roster_of(session: Session, roster_id: uuid.UUID, *, acting: Acting, on: datetime) -> Roster:
    """A roster of the acting institution or one it has succeeded; `NotFound` for any other."""
    roster = session.get(Roster, roster_id, with_for_update=True, populate_existing=True)
    if roster is None or roster.institution not in own_numbers(session, acting, now=on):
        raise NotFound("There is no such roster.")
    return roster


def submitted(session: Session) -> list[Roster]:
    """What waits for a second person, of every institution, oldest first."""
    found = select(Roster).where(Roster.state == RosterState.SUBMITTED)
    return list(session.scalars(found.order_by(Roster.submitted_at)))


def submitted_roster(session: Session, roster_id: uuid.UUID) -> Roster:
    """One of these, its row locked, for the card office; `NotFound` for any other."""
    roster = session.get(Roster, roster_id, with_for_update=True, populate_existing=True)
    if roster is None or roster.state != RosterState.SUBMITTED:
        raise NotFound("This roster does not wait for a decision any more.")
    return roster


def own_numbers(session: Session, acting: Acting, *, now: datetime) -> frozenset[str]:
    """Every number whose entries are the acting institution's."""
    on = belgian_day(now)
    return numbers_of(session, current_number(session, acting.institution, on=on), on=on)


def submit(roster: Roster, *, acting: Acting, now: datetime) -> None:
    """Ask for release, once the preview was looked at."""
    _expect(roster, RosterState.DRAFT)
    if roster.lines == roster.refused:
        raise Conflict("No line of this roster can be used, so there is nothing to submit.")
    roster.state = RosterState.SUBMITTED
    roster.submitted_by, roster.submitted_at = acting.subject, now


def release(roster: Roster, *, subject: str, office: bool, now: datetime) -> None:
    """Let a roster through; never by who brought or submitted it.

    A very long one is released by the card office: two accounts of one school, stolen together,
    must not make thousands of cards.
    """
    _expect(roster, RosterState.SUBMITTED)
    if roster.lines - roster.refused > OWN_RELEASE_LINES and not office:
        raise Forbidden(f"Over {OWN_RELEASE_LINES} lines, the card office releases a roster.")
    if subject in {roster.uploaded_by, roster.submitted_by}:
        raise Forbidden("Somebody else has to release this roster: a second person looks at it.")
    roster.state = RosterState.RELEASED
    roster.decided_by, roster.decided_at = subject, now


def withdraw(roster: Roster, *, subject: str, now: datetime) -> None:
    """Take back a roster that has not been released; anybody of the institution may."""
    _expect(roster, RosterState.DRAFT, RosterState.SUBMITTED)
    roster.state = RosterState.WITHDRAWN
    roster.decided_by, roster.decided_at = subject, now


def delete_drafts(session: Session, *, now: datetime) -> int:
    """Delete up to 200 lines or rosters that nobody submitted, or that were withdrawn; how many."""
    stale = (
        select(Roster.id)
        .where(
            Roster.state.in_([RosterState.READING, RosterState.DRAFT, RosterState.WITHDRAWN]),
            Roster.uploaded_at < now - DRAFT_LIFETIME,
        )
        .limit(1)
    )
    roster_id = session.scalars(stale).one_or_none()
    return 0 if roster_id is None else _delete(session, roster_id)


def _expect(roster: Roster, *states: RosterState) -> None:
    if roster.state not in states:
        raise Conflict(f"This roster is {roster.state} already.")


def _keep(session: Session, roster_id: uuid.UUID, page: list[Row | RowFault], keys: Keys) -> None:
    lines = list(_lines(roster_id, page, keys))
    session.connection().execute(insert(RosterLine), lines)
    roster = session.get_one(Roster, roster_id)
    roster.lines += len(lines)
    roster.refused += sum(isinstance(row, RowFault) for row in page)


def _lines(
    roster_id: uuid.UUID, page: list[Row | RowFault], keys: Keys
) -> Iterator[dict[str, Any]]:
    pepper = keys.active("pepper").value
    empty = dict.fromkeys(
        (
            "fault",
            "pseudonym",
            "insz_encrypted",
            "category",
            "main_structure",
            "begin",
            "end",
            "reference",
        )
    )
    for row in page:
        line = empty | {"roster_id": roster_id, "number": row.number}
        if isinstance(row, RowFault):
            yield line | {"fault": row.fault.value}
        else:
            yield line | {
                "pseudonym": row.insz.pseudonym(pepper),
                "insz_encrypted": keys.seal(row.insz.digits.encode(), place=place_of(roster_id)),
                "category": row.category.value,
                "main_structure": row.main_structure,
                "begin": row.begin,
                "end": row.end,
                "reference": row.reference,
            }


def place_of(roster_id: uuid.UUID) -> str:
    """What the numbers of a roster are sealed for."""
    return f"roster_line|insz|{roster_id}"


def _delete(session: Session, roster_id: uuid.UUID) -> int:
    """Delete a page of lines; the roster itself when none is left. How many rows went."""
    numbers = select(RosterLine.number).where(RosterLine.roster_id == roster_id).limit(PAGE)
    page = session.scalars(numbers).all()
    if not page:
        return len(
            session.execute(delete(Roster).where(Roster.id == roster_id).returning(Roster.id)).all()
        )
    session.execute(
        delete(RosterLine).where(RosterLine.roster_id == roster_id, RosterLine.number.in_(page))
    )
    return len(page)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
