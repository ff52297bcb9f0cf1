"""The yearly flags of cards, and what raising one adds to the counters.

A flag rises once for a card and a year. The first card of a teacher that raises it counts a
person; a second card of the same teacher counts as a card only, and as a replacement. Hides how
few queries that takes for any number of cards.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.epd.places import Residence, residences
from app.statistics.books import Books
from app.statistics.model import Basis, CardFlags, Channel, Flag, Measure

# What a person does with any of their cards, once a year.
OF_PERSONS = {
    Flag.ISSUED: Measure.ISSUED,
    Flag.ACTIVATED: Measure.ACTIVATED,
    Flag.USED: Measure.USED,
}
# What is counted of every card.
OF_CARDS = {
    Flag.ISSUED: Channel.DIGITAL,
    Flag.APPLE: Channel.APPLE,
    Flag.GOOGLE: Channel.GOOGLE,
    Flag.WEB: Channel.WEB,
    Flag.PAPER: Channel.PAPER,
}

HolderYear = tuple[uuid.UUID, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to a card in a year."""

    card_id: uuid.UUID
    teacher_id: uuid.UUID
    year: int
    flags: Flag


def raise_flags(
    session: Session, books: Books, marks: Sequence[Mark], *, on: date
) -> dict[HolderYear, Residence]:
    """Raise what is not raised yet and count it; returns where each holder counts that year."""
    known = _known(session, marks)
    where = _where(session, marks, known, on)
    for mark in marks:
        own = known.get((mark.teacher_id, mark.year), {})
        row = own.get(mark.card_id)
        if row is None:
            place = where[mark.teacher_id, mark.year]
            row = CardFlags(
                card_id=mark.card_id,
                teacher_id=mark.teacher_id,
                year=mark.year,
                flags=0,
                home_province=place.home,
                work_province=place.work,
            )
            session.add(row)
            known.setdefault((mark.teacher_id, mark.year), {})[mark.card_id] = row
        elif mark.flags & ~row.flags == 0:
            continue
        others = [Flag(other.flags) for card, other in own.items() if card != mark.card_id]
        _count(books, row, mark, reduce(or_, others, Flag(0)))
        row.flags |= mark.flags
    return where


def places(residence: Residence) -> dict[Basis, str]:
    """The province of a person under each basis that a person has."""
    return {Basis.HOME: residence.home, Basis.WORK: residence.work}


def _count(books: Books, row: CardFlags, mark: Mark, others: Flag) -> None:
    """Count what is new of a card, and of its holder unless another card told it already."""
    where = {Basis.HOME: row.home_province, Basis.WORK: row.work_province}
    for flag in mark.flags & ~Flag(row.flags):
        if flag in OF_CARDS:
            books.add(mark.year, Measure.CARDS, where, channel=OF_CARDS[flag])
        if flag in OF_PERSONS and flag not in others:
            books.add(mark.year, OF_PERSONS[flag], where)
    if Flag.ISSUED in mark.flags & ~Flag(row.flags) and Flag.ISSUED in others:
        books.add(mark.year, Measure.REPLACED, where, channel=Channel.DIGITAL)


def _known(
    session: Session, marks: Collection[Mark]
) -> dict[HolderYear, dict[uuid.UUID, CardFlags]]:
    """The flags of these holders in these years, of all their cards."""
    holders, years = {mark.teacher_id for mark in marks}, {mark.year for mark in marks}
    found = select(CardFlags).where(CardFlags.teacher_id.in_(holders), CardFlags.year.in_(years))
    known: dict[HolderYear, dict[uuid.UUID, CardFlags]] = {}
    for row in session.scalars(found):
        known.setdefault((row.teacher_id, row.year), {})[row.card_id] = row
    return known


def _where(
    session: Session,
    marks: Iterable[Mark],
    known: dict[HolderYear, dict[uuid.UUID, CardFlags]],
    on: date,
) -> dict[HolderYear, Residence]:
    """Where each holder counts: as their first flags of the year say, else as is known today."""
    where = {
        holder: Residence(row.home_province, row.work_province)
        for holder, rows in known.items()
        for row in rows.values()
    }
    new = {(mark.teacher_id, mark.year) for mark in marks} - where.keys()
    found = residences(session, {teacher_id for teacher_id, _ in new}, on=on)
    return where | {holder: found[holder[0]] for holder in new}
