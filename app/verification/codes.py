"""One-time codes for webshops: drawn by the holder, good once and for a quarter of an hour.

Knows how they are made and kept; how they are judged is in `verify`, beside every other code
(docs/card-token.md, section 9).
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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


def fingerprint(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(code.encode("ascii")).digest()
