"""Everything that waits for a second person, as one list, and one way to decide about each.

Proposals about one person and applications of partners are the office's own; braked runs of the
personnel file and rosters of institutions belong to their rooms, which know their rules. Here they
look alike and every decision is on record.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import object_of
from app.epd.push import brake
from app.epd.push.brake import Decider
from app.epd.push.model import Decision, Run
from app.epd.rosters import verbs
from app.epd.rosters.model import Roster
from app.errors import Conflict, NotFound
from app.office import applications, proposals
from app.office.acts import Means
from app.office.cases import said
from app.office.desk import Desk
from app.office.model import PartnerApplication, Proposal


class Answer(StrEnum):
    """Yes or no."""

    APPROVE = "approve"
    REFUSE = "refuse"


class Subject(StrEnum):
    """What a decision is about."""

    GRANT = "grant"
    LIFT = "lift"
    RUN = "run"
    ROSTER = "roster"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """The enterprise that wants to be a partner; each place is a postcode and a name."""

    name: str
    category: str
    channel: str
    email: str
    offer: str
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits; what does not apply to its kind is None.

    `mine` says that this official has had their say and somebody else is needed. `persons` is how
    many people would lose a card (a run) or are listed (a roster).
    """

    subject: Subject
    id: uuid.UUID
    since: datetime
    mine: bool
    by: str | None = None
    why: str | None = None
    until: date | None = None
    source: str | None = None
    persons: int | None = None
    of: int | None = None
    yes: int = 0
    applying: Applying | None = None


def everything(session: Session, *, desk: Desk, now: datetime) -> list[Waiting]:
    """All that waits, oldest first."""
    found = [_of_proposal(one, desk) for one in proposals.waiting(session, now=now)]
    found += [_of_run(session, run, desk) for run in brake.parked(session)]
    found += [_of_roster(roster, desk) for roster in verbs.submitted(session)]
    found += [_of_application(asked, desk) for asked in applications.waiting(session)]
    return sorted(found, key=lambda one: one.since)


def one(
    session: Session, subject: Subject, number: uuid.UUID, *, desk: Desk, now: datetime
) -> Waiting:
    """One thing that waits; `NotFound` when it does not, or not any more."""
    for waiting in everything(session, desk=desk, now=now):
        if (waiting.subject, waiting.id) == (subject, number):
            return waiting
    raise NotFound("This does not wait for a decision any more.")


def decide(
    session: Session,
    subject: Subject,
    number: uuid.UUID,
    *,
    approve: bool,
    why: str,
    desk: Desk,
    means: Means,
    now: datetime,
) -> None:
    """Have one official say yes or no, with a reason; who may not decide gets `Forbidden`."""
    if not said(why, proposals.MAX_WHY):
        raise Conflict("Give a reason of at most 200 characters, without a national number.")
    if subject is Subject.RUN:
        decider = Decider(
            desk.subject, desk.capacity, desk.organisation, why.strip(), desk.request_id
        )
        verb = brake.release if approve else brake.refuse
        verb(session, number, by=decider, key=desk.key, now=now)
    elif subject is Subject.ROSTER:
        _decide_roster(session, number, approve=approve, why=why.strip(), desk=desk, now=now)
    elif subject is Subject.PARTNER:
        applications.decide(session, number, approve=approve, why=why.strip(), desk=desk, now=now)
    else:
        proposals.decide(
            session, number, approve=approve, why=why.strip(), desk=desk, means=means, now=now
        )


def _decide_roster(
    session: Session, number: uuid.UUID, *, approve: bool, why: str, desk: Desk, now: datetime
) -> None:
    roster = verbs.submitted_roster(session, number)
    if approve:
        verbs.release(roster, subject=desk.subject, office=True, now=now)
    else:
        verbs.withdraw(roster, subject=desk.subject, now=now)
    desk.note(
        session,
        "roster.release" if approve else "roster.refuse",
        object_of("roster", roster.id),
        purpose=why,
        now=now,
        institution=roster.institution,
        lines=roster.lines,
        refused=roster.refused,
        digest=roster.digest,
    )


def _of_proposal(proposal: Proposal, desk: Desk) -> Waiting:
    return Waiting(
        subject=Subject(proposal.kind),
        id=proposal.id,
        since=proposal.proposed_at,
        mine=proposal.proposed_by == desk.subject,
        by=proposal.proposer_name,
        why=proposal.why,
        until=proposal.until,
        yes=1,
    )


def _of_run(session: Session, run: Run, desk: Desk) -> Waiting:
    said_by = session.scalars(select(Decision.person).where(Decision.run_id == run.id)).all()
    return Waiting(
        subject=Subject.RUN,
        id=run.id,
        since=run.judged_at or run.begun_at,
        mine=desk.subject in said_by,
        source=run.source,
        persons=run.losing,
        of=run.holders,
        yes=len(said_by),
    )


def _of_roster(roster: Roster, desk: Desk) -> Waiting:
    return Waiting(
        subject=Subject.ROSTER,
        id=roster.id,
        since=roster.submitted_at or roster.uploaded_at,
        mine=desk.subject in {roster.uploaded_by, roster.submitted_by},
        source=roster.institution,
        persons=roster.lines - roster.refused,
        of=roster.lines,
        yes=1,
    )


def _of_application(asked: PartnerApplication, desk: Desk) -> Waiting:
    return Waiting(
        subject=Subject.PARTNER,
        id=asked.id,
        since=asked.applied_at,
        mine=asked.applied_by == desk.subject,
        by=asked.applicant_name,
        source=asked.enterprise,
        applying=Applying(
            name=asked.name,
            category=asked.category,
            channel=asked.channel,
            email=asked.email,
            offer=asked.offer,
            places=tuple((postcode, name) for postcode, name in asked.places),
        ),
    )
