"""Partners and their tills, as the card office and the command line make and stop them."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import insert_once, uuid7
from app.errors import Conflict, NotFound
from app.partners import Partner
from app.verification.model import Till, TillKey
from app.verification.tills import new_key

MOST_KEYS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a till stands: Belgian postcode, WGS 84 degrees; each may be unknown."""

    postcode: str | None = None
    latitude: float | None = None
    longitude: float | None = None


NOWHERE = Place()


def add_partner(
    session: Session,
    name: str,
    *,
    category: str,
    enterprise: str | None = None,
    email: str | None = None,
    now: datetime,
) -> Partner:
    """Register a partner; `Conflict` when the name is taken, or the enterprise has one."""
    values = {
        "id": uuid7(),
        "name": name,
        "category": category,
        "enterprise": enterprise,
        "email": email,
        "created_at": now,
    }
    if not insert_once(session, Partner, values):
        raise Conflict(f"There is a partner named {name}, or one of this enterprise, already.")
    return session.scalars(select(Partner).where(Partner.name == name)).one()


def add_till(
    session: Session, partner: Partner, name: str, *, place: Place = NOWHERE, now: datetime
) -> Till:
    """Add a till to a partner; `Conflict` when it has one of that name."""
    values = {"id": uuid7(), "partner_id": partner.id, "name": name, "created_at": now}
    if not insert_once(session, Till, values | asdict(place)):
        raise Conflict(f"{partner.name} has a till named {name} already.")
    return till_named(session, partner.id, name)


def partner_of_enterprise(session: Session, enterprise: str) -> Partner | None:
    """The partner that the people of an enterprise see to, if there is one."""
    return session.scalars(select(Partner).where(Partner.enterprise == enterprise)).one_or_none()


def partner_named(session: Session, name: str) -> Partner:
    """The partner with this name; `NotFound` otherwise."""
    partner = session.scalars(select(Partner).where(Partner.name == name)).one_or_none()
    if partner is None:
        raise NotFound(f"There is no partner named {name}.")
    return partner


def till_named(session: Session, partner_id: uuid.UUID, name: str) -> Till:
    """A partner's till by its name; `NotFound` otherwise."""
    found = select(Till).where(Till.partner_id == partner_id, Till.name == name)
    till = session.scalars(found).one_or_none()
    if till is None:
        raise NotFound(f"This partner has no till named {name}.")
    return till


def hand_out_key(session: Session, till: Till, *, test: bool, now: datetime) -> str:
    """A key for a till's software: a second one so that the first can be replaced, and no third.

    `Conflict` with the numbers of both otherwise. Devices that enrol have keys of their own.
    """
    session.execute(select(Till.id).where(Till.id == till.id).with_for_update())
    usable = select(TillKey.id).where(
        TillKey.till_id == till.id, TillKey.test.is_(test), TillKey.revoked_at.is_(None)
    )
    held = list(session.scalars(usable.order_by(TillKey.created_at)))
    if len(held) >= MOST_KEYS:
        raise Conflict(
            f"Till {till.name} has {len(held)} keys already ({', '.join(held)}); revoke one first."
        )
    return new_key(session, till, test=test, now=now)


def revoke_key(session: Session, key_id: str, *, now: datetime) -> None:
    """Refuse a till key from the next request on; revoking twice keeps the first moment."""
    key = session.get(TillKey, key_id)
    if key is None:
        raise NotFound(f"There is no till key {key_id}.")
    key.revoked_at = key.revoked_at or now


@dataclass(frozen=True, slots=True)
class Listed:
    """A partner in the list of all, with how many tills and keys in use it has."""

    id: uuid.UUID
    name: str
    category: str
    since: datetime
    stopped_at: datetime | None
    tills: int
    keys: int


@dataclass(frozen=True, slots=True)
class TillKeys:
    """A till with its keys, the newest first; no secret is among what is kept of a key."""

    till: Till
    keys: tuple[TillKey, ...]


def listing(session: Session) -> list[Listed]:
    """Every partner, by name."""
    in_use = TillKey.revoked_at.is_(None) & ~TillKey.test
    rows = session.execute(
        select(
            Partner,
            func.count(Till.id.distinct()),
            func.count(TillKey.id.distinct()).filter(in_use),
        )
        .outerjoin(Till, Till.partner_id == Partner.id)
        .outerjoin(TillKey, TillKey.till_id == Till.id)
        .group_by(Partner.id)
        .order_by(func.lower(Partner.name))
    )
    return [
        Listed(one.id, one.name, one.category, one.created_at, one.stopped_at, tills, keys)
        for one, tills, keys in rows
    ]


def partner_of(session: Session, partner_id: uuid.UUID) -> Partner:
    """A partner by its number; `NotFound` otherwise."""
    partner = session.get(Partner, partner_id)
    if partner is None:
        raise NotFound("There is no such partner.")
    return partner


def tills_of(session: Session, partner_id: uuid.UUID) -> list[TillKeys]:
    """A partner's tills, by name."""
    tills = select(Till).where(Till.partner_id == partner_id).order_by(func.lower(Till.name))
    keys = select(TillKey).join(Till).where(Till.partner_id == partner_id)
    by_till: dict[uuid.UUID, list[TillKey]] = {}
    for key in session.scalars(keys.order_by(TillKey.created_at.desc(), TillKey.id)):
        by_till.setdefault(key.till_id, []).append(key)
    return [TillKeys(till, tuple(by_till.get(till.id, ()))) for till in session.scalars(tills)]


def till_of(session: Session, partner_id: uuid.UUID, till_id: uuid.UUID) -> Till:
    """A till of this very partner; `NotFound` for anybody else's."""
    found = select(Till).where(Till.id == till_id, Till.partner_id == partner_id)
    till = session.scalars(found).one_or_none()
    if till is None:
        raise NotFound("This partner has no such till.")
    return till


def key_of(session: Session, partner_id: uuid.UUID, key_id: str) -> TillKey:
    """A key of a till of this very partner; `NotFound` for anybody else's."""
    found = select(TillKey).join(Till).where(TillKey.id == key_id, Till.partner_id == partner_id)
    key = session.scalars(found).one_or_none()
    if key is None:
        raise NotFound("This partner has no such key.")
    return key


def link_enterprise(session: Session, partner: Partner, enterprise: str | None) -> None:
    """Let the people of an enterprise see to a partner; None leaves it to the card office again.

    `Conflict` when the partner has another enterprise, or the enterprise another partner.
    """
    if enterprise and partner.enterprise:
        raise Conflict("This partner has an enterprise number already. Take that away first.")
    partner.enterprise = enterprise
    try:
        session.flush()
    except IntegrityError as taken:
        raise Conflict("Another partner has this enterprise number. Nothing changed.") from taken


def stop_partner(partner: Partner, *, why: str, now: datetime) -> None:
    """Refuse every key of a partner from the next request on, and hide its benefits.

    `why` is what its own people are told.
    """
    if partner.stopped_at is not None:
        raise Conflict("This partner is stopped already.")
    partner.stopped_at, partner.stopped_why = now, why


def admit_partner(partner: Partner) -> None:
    """Take a partner back; its keys that were not revoked count again."""
    if partner.stopped_at is None:
        raise Conflict("This partner is not stopped.")
    partner.stopped_at = partner.stopped_why = None
