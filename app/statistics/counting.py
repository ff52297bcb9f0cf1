"""The worker's part of the statistics: cards and scans become counters, each exactly once.

What is counted is marked in the very transaction that counts it, so nothing is lost or doubled
by `kill -9`, by a row that comes late, or by two workers. A scan waits until its till can no
longer take it back. A person counts in one province a year: where they lived, and where they
worked, when they were first counted.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session, selectinload

from app.cards.card_year import belgian_day, card_year
from app.cards.model import UNCOUNTED as UNCOUNTED_CARD
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.epd.places import Residence
from app.provinces import province
from app.statistics.books import Books, close_years, take_turn
from app.statistics.flags import HolderYear, Mark, places, raise_flags
from app.statistics.model import Basis, Channel, Flag, Measure
from app.verification.model import UNCOUNTED as UNCOUNTED_SCAN
from app.verification.model import Scan, Till

CARDS_AT_ONCE = 200
SCANS_AT_ONCE = 1000
# A till can take a scan back for ten minutes; an hour forgives clocks that differ.
SETTLED = timedelta(hours=1)
# A year takes what is late, such as checks made without a network, for all of January.
CLOSES_ON = (2, 1)

REMOTE = frozenset({"webshop", "phone"})
ON_CARRIER = {
    Carrier.APPLE: Flag.APPLE,
    Carrier.GOOGLE: Flag.GOOGLE,
    Carrier.WEB: Flag.WEB,
    Carrier.PAPER: Flag.PAPER,
}

log = structlog.get_logger()


def count(database: Database, *, now: datetime) -> int:
    """One batch of cards and one of scans; once nothing is left, what is over is closed."""
    done = database.transact(lambda session: count_cards(session, now=now))
    done += database.transact(lambda session: count_scans(session, now=now))
    if not done:
        for year in database.transact(lambda session: close(session, now=now)):
            log.info("year-closed", year=year)
    return done


def count_cards(session: Session, *, now: datetime) -> int:
    """Flag up to 200 cards that were issued, extended or activated; 0 when none is due."""
    if not take_turn(session):
        return 0
    due = select(Card).where(UNCOUNTED_CARD).order_by(Card.id).limit(CARDS_AT_ONCE)
    # Locked before their passes are read: an activation comes before this look or asks for another.
    locked = due.with_for_update(skip_locked=True).options(selectinload(Card.passes))
    cards = session.scalars(locked).all()
    books = Books(session)
    marks = [
        Mark(card.id, card.teacher_id, year, _flags_of(card, year))
        for card in cards
        for year in range(belgian_day(card.valid_from).year, card.year + 1)
        if books.takes(year)
    ]
    raise_flags(session, books, marks, on=belgian_day(now))
    for card in cards:
        card.counted_year = card.year
    books.write()
    return len(cards)


def count_scans(session: Session, *, now: datetime) -> int:
    """Count up to 1,000 uses that can no longer be taken back; 0 when none is due."""
    if not take_turn(session):
        return 0
    scans = _settled(session, now)
    _mark(session, scans, now)
    books = Books(session)
    kept = [scan for scan in scans if scan.voided_at is None]
    uses = [scan for scan in kept if books.takes(belgian_day(scan.at).year)]
    marks = [
        Mark(scan.card_id, scan.teacher_id, belgian_day(scan.at).year, _flags_of_use(scan))
        for scan in uses
        if scan.teacher_id is not None
    ]
    where = raise_flags(session, books, marks, on=belgian_day(now))
    for scan in uses:
        _count_use(books, scan, where)
    if books.late:
        log.warning("uses-of-closed-years", count=books.late)
    books.write()
    return len(scans)


def close(session: Session, *, now: datetime) -> list[int]:
    """Freeze the years that are over, once nothing of them waits to be counted."""
    today = belgian_day(now)
    before = today.year if (today.month, today.day) >= CLOSES_ON else today.year - 1
    if not take_turn(session) or _waits(session, before):
        return []
    return close_years(session, before=before, now=now)


def _waits(session: Session, before: int) -> bool:
    """Whether something that belongs to a year before this one is not counted yet."""
    end = card_year(before).valid_from
    scan = select(Scan.id).where(UNCOUNTED_SCAN.self_group(), Scan.at < end)
    card = select(Card.id).where(UNCOUNTED_CARD.self_group(), Card.valid_from < end)
    return any(session.scalars(one.limit(1)).first() is not None for one in (scan, card))


def _settled(session: Session, now: datetime) -> Sequence[Row[Any]]:
    """The oldest uses that are due, with what counting needs to know of each."""
    arrived_at = func.coalesce(Scan.uploaded_at, Scan.at)
    due = select(Scan.id).where(UNCOUNTED_SCAN.self_group(), arrived_at < now - SETTLED)
    oldest = due.order_by(Scan.at).limit(SCANS_AT_ONCE).subquery()
    found = (
        select(Scan.id, Scan.card_id, Scan.pass_id, Scan.at, Scan.channel, Scan.carrier)
        .add_columns(Scan.voided_at, Till.postcode, Card.teacher_id)
        .join(oldest, Scan.id == oldest.c.id)
        .join(Till, Scan.till_id == Till.id)
        .outerjoin(Card, Scan.card_id == Card.id)
    )
    return session.execute(found).all()


def _flags_of(card: Card, year: int) -> Flag:
    """What the card and its passes say of a year: a pass stays where it is from year to year."""
    flags = Flag.ISSUED
    for one in card.passes:
        gone = one.revoked_at is not None and belgian_day(one.revoked_at).year < year
        if one.activated_at and belgian_day(one.activated_at).year <= year and not gone:
            flags |= Flag.ACTIVATED | ON_CARRIER[Carrier(one.carrier)]
    return flags


def _flags_of_use(scan: Row[Any]) -> Flag:
    """Whoever shows a card has it, on the carrier that was shown; a typed number names none."""
    carrier = ON_CARRIER[Carrier(scan.carrier)] if scan.carrier else Flag(0)
    return Flag.ISSUED | Flag.ACTIVATED | Flag.USED | carrier


def _mark(session: Session, scans: Sequence[Row[Any]], now: datetime) -> None:
    """Mark the scans as counted, and their passes as seen: for Google the first use tells."""
    unseen = {"synchronize_session": False}
    counted = update(Scan).where(Scan.id.in_([scan.id for scan in scans]))
    session.execute(counted.values(counted_at=now), execution_options=unseen)
    shown = {scan.pass_id for scan in scans if scan.pass_id is not None}
    first = update(WalletPass).where(WalletPass.id.in_(shown), WalletPass.activated_at.is_(None))
    session.execute(first.values(activated_at=now), execution_options=unseen)


def _count_use(books: Books, scan: Row[Any], where: dict[HolderYear, Residence]) -> None:
    on = belgian_day(scan.at)
    holder = where.get((scan.teacher_id, on.year), Residence())
    partner = {Basis.PARTNER: province(scan.postcode, on) or ""}
    channel = Channel.ONLINE if scan.channel in REMOTE else Channel.IN_PERSON
    books.add(on.year, Measure.USES, places(holder) | partner, channel=channel)
