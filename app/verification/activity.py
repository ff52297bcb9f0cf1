"""The checks of one person's cards, for that person: by whom, where, when, with what result.

Knows how long a check is linked to a card at all (`retention`); after that nobody, the holder
included, can say whose it was.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cards.model import Card
from app.partners import Partner
from app.verification.model import Scan, Till

EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check; `place` is the till's own name and `reason` one of `verdict.Reason`.

    `carrier` is one of `cards.token.Carrier`, None for a typed number.
    """

    at: datetime
    partner: str
    place: str
    postcode: str | None
    channel: str
    carrier: int | None
    card_number: str
    valid: bool
    reason: str


def checks_of(
    session: Session, teacher_id: uuid.UUID, *, offset: int = 0, limit: int = EVERYTHING
) -> Sequence[Check]:
    """The checks of all cards of a teacher, the newest first; checks with test codes left out."""
    rows = (
        select(
            Scan.at,
            Partner.name.label("partner"),
            Till.name.label("place"),
            Till.postcode,
            Scan.channel,
            Scan.carrier,
            Card.number.label("card_number"),
            Scan.valid,
            Scan.reason,
        )
        .join(Card, Scan.card_id == Card.id)
        .join(Partner, Scan.partner_id == Partner.id)
        .join(Till, Scan.till_id == Till.id)
        .where(Card.teacher_id == teacher_id, Scan.test.is_(False))
        .order_by(Scan.at.desc(), Scan.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [Check(**row) for row in session.execute(rows).mappings()]


def number_of_checks(session: Session, teacher_id: uuid.UUID) -> int:
    """How many there are in all."""
    counted = (
        select(func.count())
        .select_from(Scan)
        .join(Card, Scan.card_id == Card.id)
        .where(Card.teacher_id == teacher_id, Scan.test.is_(False))
    )
    return session.scalar(counted) or 0
