"""Which records of a batch bring news: compared with what is known, before anything is written.

Knows that most of a full snapshot is known already: a record whose version is not newer is not
read further. That may be said outside the transaction that stores the batch, because versions
only ever rise. What is news is read whole, checked, and kept for the worker in our own words.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.entitlement import (
    AT_WORK,
    CardStatus,
    EntitlementReason,
    PersonnelStatus,
    Policy,
    decide,
)
from app.cards.insz import Insz, pseudonyms
from app.cards.keyring import Keys
from app.cards.model import Card, Teacher
from app.epd.model import statuses_of, without_running
from app.epd.push.contract import (
    Action,
    Envelope,
    FaultCode,
    Head,
    Kind,
    RecordFault,
    read_heads,
    read_number,
    read_snapshot,
)
from app.epd.push.known import LOOK_UP, Known, by_pseudonym, differing
from app.epd.push.model import OVER, Run, RunState
from app.epd.push.news import News

DIGITS = 11
# No version of anything: whoever is asked about with it, or known by it, differs.
NEVER = -2
# Those whose card rests on work, or on what carries it through the summer.
SAFE = frozenset({*AT_WORK, EntitlementReason.SUMMER_BRIDGE})


@dataclass(frozen=True, slots=True)
class FaultyRecord:
    """One record that cannot be used."""

    index: int
    record_id: uuid.UUID | None
    code: FaultCode
    diagnosis: str


@dataclass(slots=True)
class Sorted:
    """A batch, taken apart."""

    news: list[News] = field(default_factory=list)
    faults: list[FaultyRecord] = field(default_factory=list)
    unchanged: int = 0
    outdated: int = 0
    # How many would lose an active card.
    losing: int = 0
    # Every pseudonym under which somebody named in it may be known.
    seen: set[bytes] = field(default_factory=set)


def sort_out(
    session: Session, batch: Envelope, *, keys: Keys, policy: Policy, now: datetime
) -> Sorted:
    """Compare every record with what is known; only reads."""
    found = Sorted()
    read = _readable(batch, found)
    pepper = keys.active("pepper").value
    named = pseudonyms((digits for _, _, digits in read), pepper)
    found.seen.update(named)
    heads = [head for _, head, _ in read]
    differing = _differing(session, batch, heads, named, keys)
    taken: dict[bytes, int] = {}
    losing: dict[uuid.UUID, News] = {}
    for place, ((index, head, _), pseudonym) in enumerate(zip(read, named, strict=True)):
        known = differing.get(place)
        version = taken.get(pseudonym, known.version if known else head.versie)
        if head.vervangt_insz is None and head.versie <= version:
            found.outdated += head.versie < version
            found.unchanged += head.versie == version
        elif news := _take(index, head, found, keys):
            taken[pseudonym] = max(version, news.version)
            if known and known.teacher_id:
                losing[known.teacher_id] = news
    found.faults.sort(key=lambda fault: fault.index)
    found.losing = _count_losing(session, losing, policy=policy, now=now)
    return found


def _readable(batch: Envelope, found: Sorted) -> list[tuple[int, Head, str]]:
    """Index, head and the digits of the number of every record that has them."""
    read = []
    for index, head in enumerate(read_heads(batch.records)):
        if isinstance(head, RecordFault):
            _note(found, index, None, head)
            continue
        try:
            read.append((index, head, _digits(head)))
        except RecordFault as fault:
            _note(found, index, head, fault)
    return read


def _digits(head: Head) -> str:
    """The number without its check digits checked: nobody is known by a wrong one."""
    return head.insz if len(head.insz) == DIGITS else read_number(head.insz).digits


def _differing(
    session: Session,
    batch: Envelope,
    heads: Sequence[Head],
    named: Sequence[bytes],
    keys: Keys,
) -> dict[int, Known]:
    """Those of whom not exactly this is known, by place; whose number was replaced among them.

    Who is still known by an older pepper is news whatever the version, so that the older can go.
    """
    # While something is on its way that may leave somebody out, being named at all is news.
    older_by = 1 if _leaving_out(session, batch) else 0
    versions = [head.versie if head.vervangt_insz is None else NEVER for head in heads]
    found = differing(session, named, versions, batch.bron, older_by=older_by)
    newest = keys.active("pepper")
    for older in keys.usable("pepper"):
        if older.id != newest.id:
            strangers = [place for place, known in found.items() if known.teacher_id is None]
            by_older = pseudonyms((_digits(heads[place]) for place in strangers), older.value)
            known = by_pseudonym(session, by_older, batch.bron, older_by=older_by)
            found |= {
                place: replace(known[pseudonym], version=NEVER)
                for place, pseudonym in zip(strangers, by_older, strict=True)
                if pseudonym in known
            }
    return found


def _take(index: int, head: Head, found: Sorted, keys: Keys) -> News | None:
    """Read a record that brings news whole, or note what is wrong with it."""
    try:
        insz = read_number(head.insz)
        replaces = _replaced(head, insz)
        snapshot = read_snapshot(head, insz) if head.actie is Action.UPSERT else None
    except RecordFault as fault:
        _note(found, index, head, fault)
        return None
    news = News(index, insz, head.versie, snapshot, replaces)
    found.news.append(news)
    for number in (insz, replaces):
        if number is not None:
            found.seen |= {number.pseudonym(pepper.value) for pepper in keys.usable("pepper")}
    return news


def _replaced(head: Head, insz: Insz) -> Insz | None:
    if head.vervangt_insz is None:
        return None
    replaces = read_number(head.vervangt_insz)
    if replaces == insz:
        raise RecordFault(FaultCode.REPLACES_ITSELF)
    return replaces


def _note(found: Sorted, index: int, head: Head | None, fault: RecordFault) -> None:
    record_id = head.record_id if head else None
    found.faults.append(FaultyRecord(index, record_id, fault.code, str(fault)))


def _leaving_out(session: Session, batch: Envelope) -> bool:
    """Whether something that may leave somebody out is not carried out yet."""
    over = (*OVER, RunState.RECEIVING) if batch.soort is Kind.FULL else OVER
    others = select(Run.id).where(Run.source == batch.bron, Run.leaves_out, Run.state.not_in(over))
    return session.scalars(others.limit(1)).first() is not None


def _count_losing(
    session: Session, news: Mapping[uuid.UUID, News], *, policy: Policy, now: datetime
) -> int:
    """How many hold an active card on the strength of work, and by this news do no longer.

    Grace counts as a loss: the card goes when it is over, and nobody looks at the numbers then.
    """
    losing, ids, on = 0, list(news), belgian_day(now)
    for start in range(0, len(ids), LOOK_UP):
        holders = session.scalars(
            select(Teacher.id)
            .join(Card, Card.teacher_id == Teacher.id)
            .where(
                Teacher.id.in_(ids[start : start + LOOK_UP]),
                Teacher.entitlement_reason.in_(SAFE),
                Card.status == CardStatus.ACTIVE,
            )
        ).all()
        before = statuses_of(session, holders)
        for holder in holders:
            after = decide(_after(news[holder], before[holder], on), on=on, policy=policy)
            losing += not after.entitled or after.reason is EntitlementReason.GRACE
    return losing


def _after(news: News, before: PersonnelStatus, on: date) -> PersonnelStatus:
    """What is known of somebody once this news counts; what institutions list stays."""
    if news.snapshot is None:
        return without_running(before, on)
    return replace(news.snapshot.status, listed_by_institution=before.listed_by_institution)
