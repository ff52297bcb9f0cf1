"""All that the card office sees of one person, as one value.

Not in it, because no desk needs it: where the card was used, the schools, any number of the
person. Phones and deliveries are for those who help people with them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.cards import lifecycle, names
from app.cards.entitlement import CardStatus
from app.cards.keyring import Keys
from app.cards.model import Card, Teacher, WalletPass
from app.cards.token import Carrier
from app.identity.roles import Official, Role
from app.office.acts import ACTS
from app.office.proposals import Kind, open_for
from app.passes.lease import given_up, lags
from app.passes.model import DeviceRegistration, GoogleHolding, PassDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to a card, why and when."""

    at: datetime
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A device with the pass; nothing of it can be recognised."""

    registered_at: datetime
    last_seen_at: datetime
    newest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A card on one carrier; `given_up` is the wallet's own word for why delivery stopped."""

    carrier: Carrier
    changed_at: datetime
    confirmed_at: datetime | None
    behind: bool
    attempts: int
    next_attempt_at: datetime | None
    given_up: str | None
    in_google_wallet: bool | None
    phones: tuple[Phone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCard:
    """One card of the person, with all that happened to it."""

    number: str
    status: CardStatus
    reason: str
    year: int
    created_at: datetime
    events: tuple[Event, ...]
    passes: tuple[Carried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A person as the office sees them; `acts` are what this official may do now."""

    name: str | None
    known_since: datetime
    heard_at: datetime | None
    entitled: bool | None
    reason: str | None
    erased_at: datetime | None
    barred_at: datetime | None
    barred_why: str | None
    cards: tuple[OneCard, ...]
    acts: tuple[str, ...]
    # What this official may propose, and what waits for a second person.
    proposals: tuple[Kind, ...]
    waiting: tuple[Kind, ...]


def dossier(session: Session, teacher_id: uuid.UUID, *, official: Official, keys: Keys) -> Dossier:
    """What this official sees of a person, the newest card first."""
    teacher = session.get_one(Teacher, teacher_id)
    helps = official.may(Role.SUPPORT)
    cards = _cards(session, teacher_id)
    carried = _carried(session, cards) if helps else {}
    in_force = next((card for card in cards if card.status in lifecycle.IN_FORCE), None)
    name = names.read(keys, teacher) if helps else None
    waiting = open_for(session, teacher_id)
    parked = any(one.given_up for card in cards for one in carried.get(card.id, ()))
    return Dossier(
        name=str(name) if name else None,
        known_since=teacher.created_at,
        heard_at=teacher.heard_at,
        entitled=teacher.entitled,
        reason=teacher.entitlement_reason,
        erased_at=teacher.erased_at,
        barred_at=teacher.barred_at,
        barred_why=teacher.barred_why,
        cards=tuple(_card(card, carried.get(card.id, ())) for card in cards),
        acts=tuple(
            act
            for act, rule in ACTS.items()
            if official.may(rule.role)
            and rule.applies(teacher, in_force)
            and (act != "deliver" or parked)
        ),
        proposals=tuple(kind for kind in _proposals(teacher, official) if kind not in waiting),
        waiting=waiting if helps else (),
    )


def has_print(person: Dossier) -> bool:
    """Whether the card that counts now has been printed."""
    return any(
        card.status is CardStatus.ACTIVE and one.carrier is Carrier.PAPER
        for card in person.cards
        for one in card.passes
    )


def _proposals(teacher: Teacher, official: Official) -> tuple[Kind, ...]:
    if not official.may(Role.ISSUER):
        return ()
    if teacher.barred_at is not None:
        return (Kind.LIFT,)
    return () if teacher.entitled or teacher.erased_at else (Kind.GRANT,)


def _cards(session: Session, teacher_id: uuid.UUID) -> Sequence[Card]:
    rows = select(Card).where(Card.teacher_id == teacher_id).order_by(Card.id.desc())
    return session.scalars(rows.options(selectinload(Card.events))).all()


def _card(card: Card, passes: Sequence[Carried]) -> OneCard:
    return OneCard(
        number=card.number,
        status=card.status,
        reason=card.status_reason,
        year=card.year,
        created_at=card.created_at,
        events=tuple(
            Event(at=event.at, what=event.what, why=event.why) for event in reversed(card.events)
        ),
        passes=tuple(passes),
    )


def _carried(session: Session, cards: Sequence[Card]) -> dict[uuid.UUID, list[Carried]]:
    """The passes of all these cards, by card."""
    rows = session.execute(
        select(WalletPass, PassDelivery, GoogleHolding.held, lags(), given_up())
        .outerjoin(PassDelivery, PassDelivery.pass_id == WalletPass.id)
        .outerjoin(GoogleHolding, GoogleHolding.pass_id == WalletPass.id)
        .where(WalletPass.card_id.in_([card.id for card in cards]))
        .order_by(WalletPass.carrier)
    ).all()
    phones = _phones(session, [row[0] for row in rows])
    found: dict[uuid.UUID, list[Carried]] = {}
    for wallet_pass, delivery, held, lagging, over in rows:
        # Only wallets are brought anything; on the page and on paper the newest is what is there.
        behind = lagging and wallet_pass.carrier in {Carrier.APPLE, Carrier.GOOGLE}
        found.setdefault(wallet_pass.card_id, []).append(
            Carried(
                carrier=Carrier(wallet_pass.carrier),
                changed_at=wallet_pass.revised_at,
                confirmed_at=wallet_pass.confirmed_at,
                behind=behind,
                attempts=delivery.attempts if delivery else 0,
                next_attempt_at=delivery.next_attempt_at if delivery else None,
                given_up=(delivery.parked_reason or "?") if behind and over else None,
                in_google_wallet=held,
                phones=tuple(phones.get(wallet_pass.id, ())),
            )
        )
    return found


def _phones(session: Session, passes: Sequence[WalletPass]) -> dict[uuid.UUID, list[Phone]]:
    generations = {one.id: one.generation for one in passes}
    rows = select(DeviceRegistration).where(DeviceRegistration.pass_id.in_(generations))
    found: dict[uuid.UUID, list[Phone]] = {}
    for device in session.scalars(rows.order_by(DeviceRegistration.id)):
        phone = Phone(
            registered_at=device.registered_at,
            last_seen_at=device.last_seen_at,
            newest=(device.downloaded_generation or 0) >= generations[device.pass_id],
        )
        found.setdefault(device.pass_id, []).append(phone)
    return found
