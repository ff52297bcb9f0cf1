"""One-time codes for webshops: drawn by the holder, good once and for a quarter of an hour.

Knows how they are made and kept; how they are judged is in `verify`, beside every other code
(docs/card-token.md, section 9).
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.cards.entitlement import CardStatus
from app.cards.model import Card
from app.cards.numbers import new_webshop_code
from app.errors import NotEligible, NotFound
from app.partners import Partner
from app.verification.model import WebshopCode

LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fresh code, shown this once, and its last moment."""

    code: str = field(repr=False)
    expires_at: datetime


class CodeState(StrEnum):
    """What became of a code."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Past:
    """The code that a teacher drew last, which nobody can show again."""

    state: CodeState
    expires_at: datetime
    used_at: datetime | None
    # The only partner who may use it; None for any.
    partner: str | None


def draw(
    session: Session, teacher_id: uuid.UUID, *, partner_id: uuid.UUID | None, now: datetime
) -> Drawn:
    """A code for a teacher's active card, for one partner or for any.

    `NotEligible` without such a card, `NotFound` for a partner who is none. What the teacher
    drew before and is past its time goes.
    """
    active = select(Card).where(Card.teacher_id == teacher_id, Card.status == CardStatus.ACTIVE)
    card = session.scalars(active).one_or_none()
    if card is None:
        raise NotEligible("A code for a webshop needs an active card.")
    if partner_id is not None:
        partner = session.get(Partner, partner_id)
        if partner is None or partner.stopped_at is not None:
            raise NotFound("There is no such partner.")
    past = delete(WebshopCode).where(WebshopCode.card_id == card.id, WebshopCode.expires_at < now)
    session.execute(past)
    code, expires_at = new_webshop_code(), now + LIFETIME
    session.add(
        WebshopCode(
            code_sha256=fingerprint(code),
            card_id=card.id,
            partner_id=partner_id,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return Drawn(code, expires_at)


def last_of(session: Session, teacher_id: uuid.UUID, *, now: datetime) -> Past | None:
    """What became of the code this teacher drew last; None when none is remembered."""
    found = session.execute(
        select(WebshopCode.expires_at, WebshopCode.used_at, Partner.name)
        .join(Card, WebshopCode.card_id == Card.id)
        .outerjoin(Partner, WebshopCode.partner_id == Partner.id)
        .where(Card.teacher_id == teacher_id)
        .order_by(WebshopCode.created_at.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    expires_at, used_at, partner = found
    state = CodeState.EXPIRED if expires_at < now else CodeState.GOOD
    return Past(CodeState.USED if used_at else state, expires_at, used_at, partner)


def fingerprint(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(code.encode("ascii")).digest()
