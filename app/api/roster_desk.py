"""What the personnel office's pages and its API share: who is at the desk, and the record of it.

Whatever is seen or done goes through here, in one transaction with its entry in the record, and
is shown after that is committed. Files lie on disk while they are read.
"""

import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.api.deps import House, Now, TheHouse, request_id
from app.api.officials import ActingPersonnelOfficer, Officer, PersonnelOfficer
from app.audit import Act, object_of
from app.cards.card_year import belgian_day
from app.epd.rosters import verbs
from app.epd.rosters.entries import entries
from app.epd.rosters.model import Roster, RosterLine
from app.epd.rosters.verbs import Acting, own_numbers, roster_of

SEVERAL = 500
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Desk:
    """A personnel officer at work, in one request."""

    request: Request
    house: House
    officer: Officer
    now: datetime

    @property
    def acting(self) -> Acting:
        """Who acts, for which institution."""
        official = self.officer.official
        return Acting(official.subject, official.organisation)

    @property
    def today(self) -> date:
        """The day in Belgium."""
        return belgian_day(self.now)

    def record(
        self, session: Session, action: str, what: str, *, roster: Roster | None = None
    ) -> None:
        """Put an act on record, in the transaction in which it happens."""
        official = self.officer.official
        details: dict[str, str | int] = {}
        if roster is not None:
            details = {"lines": roster.lines, "refused": roster.refused, "digest": roster.digest}
        act = Act(
            actor=official.subject,
            capacity=official.capacity,
            organisation=official.organisation,
            action=action,
            object=what,
            request_id=str(request_id(self.request)),
            details=details,
        )
        audit.record(session, act, key=self.house.ring.keys.active("audit"), now=self.now)

    def roster(self, session: Session, roster_id: uuid.UUID, action: str) -> Roster:
        """A roster of this institution; that it is seen or changed is on record."""
        found = roster_of(session, roster_id, acting=self.acting, on=self.now)
        self.record(session, action, object_of("roster", roster_id), roster=found)
        return found

    def numbers(self, session: Session) -> frozenset[str]:
        """The numbers whose entries are this institution's."""
        return own_numbers(session, self.acting, now=self.now)

    def see_list(self, action: str) -> frozenset[str]:
        """Put on record that the own list is looked at; the numbers whose entries are on it."""
        what = f"institution:{self.officer.official.organisation}"

        def work(session: Session) -> frozenset[str]:
            self.record(session, action, what)
            return self.numbers(session)

        return self.house.database.transact(work)

    def read_in(self, file: BinaryIO) -> uuid.UUID:
        """Read a file into a draft; `Unreadable` when nothing of it can be used."""
        house = self.house
        house.limits.count("roster", self.officer.official.organisation)
        with tempfile.NamedTemporaryFile(prefix="roster-") as copy:
            file.seek(0)
            while chunk := file.read(CHUNK_BYTES):
                copy.write(chunk)
            copy.flush()
            path = Path(copy.name)
            roster_id = verbs.take_in(
                house.database, house.ring, path, acting=self.acting, now=self.now
            )
        house.database.transact(lambda session: self.roster(session, roster_id, "roster.upload"))
        return roster_id

    def own_rows(self, numbers: frozenset[str]) -> Iterator[tuple[object, ...]]:
        """The own list, a page of the database at a time."""
        after: uuid.UUID | None = None
        keys, on = self.house.ring.keys, self.today
        while True:
            with self.house.database.reading() as session:
                shown = entries(session, numbers, keys=keys, on=on, after=after, limit=SEVERAL)
            if not shown:
                return
            for one in shown:
                yield one.shown, one.institution, one.category, one.begin, one.end, one.state
            after = shown[-1].teacher_id

    def report_rows(self, roster_id: uuid.UUID) -> Iterator[tuple[object, ...]]:
        """Every line of a roster and what became of it, a page of the database at a time."""
        after = -1
        while True:
            lines = (
                select(RosterLine.number, RosterLine.reference, RosterLine.fault)
                .where(RosterLine.roster_id == roster_id, RosterLine.number > after)
                .order_by(RosterLine.number)
                .limit(SEVERAL)
            )
            with self.house.database.reading() as session:
                rows = session.execute(lines).all()
            if not rows:
                return
            for number, reference, fault in rows:
                yield number, reference, fault or "ok"
            after = rows[-1][0]


def refused_lines(
    session: Session, roster_id: uuid.UUID, *, after: int, limit: int
) -> list[tuple[int, str]]:
    """Number and fault of refused lines, in order."""
    lines = select(RosterLine.number, RosterLine.fault).where(
        RosterLine.roster_id == roster_id,
        RosterLine.fault.is_not(None),
        RosterLine.number > after,
    )
    rows = session.execute(lines.order_by(RosterLine.number).limit(limit))
    return [(number, str(fault)) for number, fault in rows]


def _desk(request: Request, house: TheHouse, officer: PersonnelOfficer, now: Now) -> Desk:
    return Desk(request, house, officer, now)


def _acting_desk(
    request: Request, house: TheHouse, officer: ActingPersonnelOfficer, now: Now
) -> Desk:
    return Desk(request, house, officer, now)


TheDesk = Annotated[Desk, Depends(_desk)]
ActingDesk = Annotated[Desk, Depends(_acting_desk)]
