"""A released roster reaches cards, page by page.

What a roster says of a person replaces all that the institution said of that person before;
whoever is not in it is left as they were, and ends by date. EPD wins: `app.epd.model` leaves out
what it knows better.
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from operator import attrgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.entitlement import Employment, PersonnelStatus, Policy, StaffCategory
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.epd.merge import merge
from app.epd.messages import Snapshot
from app.epd.rosters.model import Roster, RosterLine, RosterState, version_at
from app.epd.rosters.verbs import place_of

PERSONS = 100
MAX_LINES_OF_A_PERSON = 50


def apply_next(session: Session, *, keys: Keys, policy: Policy, now: datetime) -> int:
    """Bring up to 100 persons of a released roster to their cards; 0 when nothing waits.

    Whoever is at a roster has its row locked; others pass it over.
    """
    waiting = (
        select(Roster)
        .where(Roster.state == RosterState.RELEASED)
        .order_by(Roster.decided_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    roster = session.scalars(waiting).one_or_none()
    if roster is None:
        return 0
    persons = _next_persons(session, roster)
    if not persons:
        roster.state = RosterState.APPLIED
        return 1
    snapshots = [_snapshot(roster, lines, keys, now) for lines in persons]
    merge(session, snapshots, source=roster.institution, keys=keys, policy=policy, now=now)
    roster.applied_after = persons[-1][0].pseudonym
    return len(persons)


def _next_persons(session: Session, roster: Roster) -> list[list[RosterLine]]:
    sound = (RosterLine.roster_id == roster.id, RosterLine.pseudonym.is_not(None))
    people = select(RosterLine.pseudonym).where(*sound).distinct().order_by(RosterLine.pseudonym)
    if roster.applied_after is not None:
        people = people.where(RosterLine.pseudonym > roster.applied_after)
    pseudonyms = session.scalars(people.limit(PERSONS)).all()
    lines = (
        select(RosterLine)
        .where(*sound, RosterLine.pseudonym.in_(pseudonyms))
        .order_by(RosterLine.pseudonym, RosterLine.number)
    )
    grouped = groupby(session.scalars(lines), key=attrgetter("pseudonym"))
    return [list(theirs) for _, theirs in grouped]


def _snapshot(roster: Roster, lines: Sequence[RosterLine], keys: Keys, now: datetime) -> Snapshot:
    sealed = lines[0].insz_encrypted or b"\0"
    insz = Insz(keys.unseal(sealed, place=place_of(roster.id)).decode())
    released_at = roster.decided_at or now
    return Snapshot(
        insz=insz,
        version=version_at(released_at),
        changed_at=released_at,
        postcode=None,
        status=PersonnelStatus(
            employments=tuple(
                _employment(roster.institution, line) for line in lines[:MAX_LINES_OF_A_PERSON]
            )
        ),
    )


def _employment(institution: str, line: RosterLine) -> Employment:
    assert line.begin is not None  # noqa: S101 - a line with a person has all of it
    assert line.category is not None  # noqa: S101 - as above
    return Employment(
        institution=institution,
        main_structure=line.main_structure or "",
        category=StaffCategory(line.category),
        begin=line.begin,
        end=line.end,
        volume=Fraction(1),
    )
