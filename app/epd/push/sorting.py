"""Which records of a batch bring news: compared with what is known, before anything is written.

Knows that most of a full snapshot is known already: a record whose version is not newer is not
read further. That may be said outside the transaction that stores the batch, because versions
only ever rise. What is news is read whole, checked, and kept for the worker in our own words.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import ARRAY, LargeBinary, Row, cast, func, select
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
from app.cards.insz import Insz
from app.cards.keyring import Keys
from app.cards.model import Card, Teacher
from app.epd.model import (
    PersonnelRecord,
    statuses_of,
    without_running,
)
from app.epd.push.contract import (
    Action,
    Envelope,
    FaultCode,
    Head,
    Kind,
    RecordFault,
    read_head,
    read_number,
    read_snapshot,
)
from app.epd.push.model import OVER, Run, RunState
from app.epd.push.news import News

LOOK_UP = 500
DIGITS = 11
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


@dataclass(frozen=True, slots=True)
class _Read:
    """A record whose beginning could be read; the check digits of its number are yet to be."""

    index: int
    head: Head
    insz: Insz
    pseudonym: bytes


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody we know. Below `version` nothing is news; -1 where everything is."""

    teacher_id: uuid.UUID
    version: int


def sort_out(
    session: Session, batch: Envelope, *, keys: Keys, policy: Policy, now: datetime
) -> Sorted:
    """Compare every record with what is known; only reads."""
    found = Sorted()
    read = _readable(batch, keys.active("pepper").value, found)
    known = _known(session, {one.pseudonym: one.insz for one in read}, batch.bron, keys)
    # While something is on its way that may leave somebody out, being named at all is news.
    named = 1 if _leaving_out(session, batch) else 0
    highest = {pseudonym: row.version - named for pseudonym, row in known.items()}
    losing: dict[uuid.UUID, News] = {}
    for one in read:
        found.seen.add(one.pseudonym)
        version = highest.get(one.pseudonym, -1)
        if one.head.vervangt_insz is None and one.head.versie <= version:
            found.outdated += one.head.versie < version
            found.unchanged += one.head.versie == version
        elif news := _take(one, found, keys):
            highest[one.pseudonym] = max(version, news.version)
            if one.pseudonym in known:
                losing[known[one.pseudonym].teacher_id] = news
    found.faults.sort(key=lambda fault: fault.index)
    found.losing = _count_losing(session, losing, policy=policy, now=now)
    return found


def _readable(batch: Envelope, pepper: bytes, found: Sorted) -> list[_Read]:
    read = []
    for index, record in enumerate(batch.records):
        head = None
        try:
            head = read_head(record)
            insz = _quick(head.insz)
        except RecordFault as fault:
            _note(found, index, head, fault)
            continue
        read.append(_Read(index, head, insz, insz.pseudonym(pepper)))
    return read


def _quick(text: str) -> Insz:
    """The number without its check digits checked: nobody is known by a wrong one."""
    if len(text) != DIGITS or not text.isascii() or not text.isdecimal():
        return read_number(text)
    try:
        return Insz(text)
    except ValueError:
        raise RecordFault(FaultCode.INSZ) from None


def _take(one: _Read, found: Sorted, keys: Keys) -> News | None:
    """Read a record that brings news whole, or note what is wrong with it."""
    head = one.head
    try:
        insz = read_number(head.insz)
        replaces = _replaced(head, insz)
        snapshot = read_snapshot(head, insz) if head.actie is Action.UPSERT else None
    except RecordFault as fault:
        _note(found, one.index, head, fault)
        return None
    news = News(one.index, insz, head.versie, snapshot, replaces)
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


def _known(
    session: Session, numbers: Mapping[bytes, Insz], source: str, keys: Keys
) -> dict[bytes, _Known]:
    """Whom we know, by the pseudonym of the newest pepper.

    Who is still known by an older one is news whatever the version, so that the older can go.
    """
    newest = keys.active("pepper")
    rows = _rows(session, list(numbers), source)
    # Who was left out may come back with the same version.
    known = {
        pseudonym: _Known(teacher_id, -1 if version is None else version - (absent is not None))
        for pseudonym, teacher_id, version, absent in rows
    }
    for older in keys.usable("pepper"):
        if older.id != newest.id:
            missing = {numbers[p].pseudonym(older.value): p for p in numbers.keys() - known.keys()}
            for pseudonym, teacher_id, *_ in _rows(session, list(missing), source):
                known[missing[pseudonym]] = _Known(teacher_id, -1)
    return known


def _rows(
    session: Session, pseudonyms: Sequence[bytes], source: str
) -> Iterator[Row[bytes, uuid.UUID, int | None, date | None]]:
    columns = (
        Teacher.insz_pseudonym,
        Teacher.id,
        PersonnelRecord.version,
        PersonnelRecord.absent_since,
    )
    said = (PersonnelRecord.teacher_id == Teacher.id) & (PersonnelRecord.source == source)
    rows = select(*columns).outerjoin(PersonnelRecord, said)
    if session.get_bind().dialect.name == "postgresql":
        # One parameter, however many persons.
        wanted = cast(list(pseudonyms), ARRAY(LargeBinary))
        yield from session.execute(rows.where(Teacher.insz_pseudonym == func.any(wanted)))
        return
    for start in range(0, len(pseudonyms), LOOK_UP):
        some = pseudonyms[start : start + LOOK_UP]
        yield from session.execute(rows.where(Teacher.insz_pseudonym.in_(some)))


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
