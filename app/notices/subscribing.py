"""Asking for notices, confirming the mailbox, and stopping them again.

The two links are sealed by the key ring, so nothing that opens anything is stored: one confirms
a wish of the last hour, once; the other ends it, whenever it is used. Neither logs anybody in.
"""

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.cards.keyring import KeyFault, Keys
from app.cards.lifecycle import card_in_force
from app.cards.model import Teacher
from app.cards.own_key import seal_own, unseal_own
from app.errors import Conflict, NotFound
from app.notices.model import Kind, Notice, Subscription

CONFIRM_WITHIN = timedelta(hours=1)
LINK_OVER = "This link is over, or was used already. Ask for a new one on your card."
CONFIRM, STOP = "notices|confirm", "notices|stop"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What a teacher sees of their own subscription."""

    address: str
    confirmed: bool

    def __repr__(self) -> str:
        return "Subscribed(…)"


def subscribe(
    session: Session,
    teacher_id: uuid.UUID,
    address: str,
    *,
    language: str,
    keys: Keys,
    now: datetime,
) -> None:
    """Note the wish and have the mailbox asked; replaces an earlier one."""
    teacher = session.get_one(Teacher, teacher_id)
    card = card_in_force(session, teacher)
    if card is None:
        raise Conflict("Notices are about a card, and there is none; nothing was changed.")
    session.refresh(teacher)
    unsubscribe(session, teacher_id)
    teacher.address = seal_own(keys, teacher, address.encode(), column="address")
    session.add(Subscription(teacher_id=teacher_id, language=language, asked_at=now))
    session.add(due(teacher_id, Kind.CONFIRM, why="", at=now))


def unsubscribe(session: Session, teacher_id: uuid.UUID) -> None:
    """Forget the address and all that was to be sent there; asking twice is safe."""
    session.execute(delete(Notice).where(Notice.teacher_id == teacher_id))
    session.execute(delete(Subscription).where(Subscription.teacher_id == teacher_id))
    session.get_one(Teacher, teacher_id).address = None


def subscribed(session: Session, teacher_id: uuid.UUID, *, keys: Keys) -> Subscribed | None:
    """The subscription, unless the address went with an earlier card."""
    wish, teacher = session.get(Subscription, teacher_id), session.get_one(Teacher, teacher_id)
    if wish is None or teacher.address is None:
        return None
    return Subscribed(address_of(keys, teacher), confirmed=wish.confirmed_at is not None)


def address_of(keys: Keys, teacher: Teacher) -> str:
    """Where to, for a teacher who has an address."""
    return unseal_own(keys, teacher, teacher.address or b"", column="address").decode()


def due(teacher_id: uuid.UUID, kind: Kind, *, why: str, at: datetime) -> Notice:
    """A mail to be sent from now on."""
    return Notice(teacher_id=teacher_id, kind=kind, why=why, at=at, next_attempt_at=at)


def link_token(keys: Keys, wish: Subscription, *, place: str) -> str:
    """What a link ends with, as text that mail programs leave whole."""
    content = [str(wish.teacher_id), wish.asked_at.isoformat()]
    sealed = keys.seal(json.dumps(content).encode(), place=place)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def confirm(session: Session, token: str, *, keys: Keys, now: datetime) -> None:
    """Believe that the mailbox is theirs; `NotFound` for a link that is over, used or no link."""
    wish = wish_of(session, token, keys=keys, now=now)
    if wish is None:
        raise NotFound(LINK_OVER)
    wish.confirmed_at = now


def wish_of(session: Session, token: str, *, keys: Keys, now: datetime) -> Subscription | None:
    """The wish that a link can still confirm."""
    teacher_id, asked_at = _opened(keys, token, CONFIRM)
    wishes = select(Subscription).where(
        Subscription.teacher_id == teacher_id,
        Subscription.asked_at == asked_at,
        Subscription.confirmed_at.is_(None),
    )
    return None if now >= asked_at + CONFIRM_WITHIN else session.scalars(wishes).one_or_none()


def stop(session: Session, token: str, *, keys: Keys) -> None:
    """End the subscription of a link, also one that was asked for anew since."""
    teacher_id, _ = _opened(keys, token, STOP)
    if session.get(Subscription, teacher_id) is not None:
        unsubscribe(session, teacher_id)


def _opened(keys: Keys, token: str, place: str) -> tuple[uuid.UUID, datetime]:
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        teacher_id, asked_at = json.loads(keys.unseal(sealed, place=place))
    except (binascii.Error, IndexError, ValueError, KeyFault) as fault:
        raise NotFound("This is no link of ours, or it is not whole.") from fault
    return uuid.UUID(teacher_id), datetime.fromisoformat(asked_at)
