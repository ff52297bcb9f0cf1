"""An enterprise asks to be a partner, and the card office says yes or no.

Knows what an application must hold; a yes makes the partner with a till for each place, in the
transaction of the decision. The number of the enterprise comes from the log-in, never from a form.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit import object_of
from app.benefits.model import Category
from app.db import insert_once, uuid7
from app.errors import Conflict, Forbidden, NotFound
from app.office.cases import said
from app.office.desk import Desk
from app.office.model import PartnerApplication
from app.verification import partners
from app.verification.partners import Place
from app.verification.verdict import Channel

# An answer is kept so long for the applicant to read; the record of acts keeps the decision.
KEPT_FOR = timedelta(days=180)
MOST_PLACES = 20
BATCH = 200
MAX_EMAIL, MAX_NAME, MAX_OFFER = 254, 120, 500  # RFC 5321 section 4.5.3.1.3 less its brackets
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
PLACE = re.compile(r"([1-9][0-9]{3})\s+(\S.{0,119})")


class Fault(StrEnum):
    """Which answer on the form cannot be used."""

    NAME = "name"
    EMAIL = "email"
    PLACES = "places"
    OFFER = "offer"


class Unfit(ValueError):
    """An application that is not complete; `fault` is the first thing that is wrong."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"This application cannot be sent: {fault}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an enterprise asks; each place is a postcode and a name."""

    name: str
    category: Category
    channel: Channel
    email: str
    places: tuple[tuple[str, str], ...]
    offer: str

    @classmethod
    def read(
        cls, *, name: str, category: Category, channel: Channel, email: str, places: str, offer: str
    ) -> Self:
        """The answers on a form, a place on each line of `places`; `Unfit` names a wrong one."""
        offer = " ".join(offer.split())
        if not said(name, MAX_NAME):
            raise Unfit(Fault.NAME)
        if len(email) > MAX_EMAIL or EMAIL.fullmatch(email.strip()) is None:
            raise Unfit(Fault.EMAIL)
        if not said(offer, MAX_OFFER):
            raise Unfit(Fault.OFFER)
        return cls(
            name=name.strip(),
            category=category,
            channel=channel,
            email=email.strip(),
            places=_places(places),
            offer=offer,
        )


def apply(
    session: Session, asked: Asked, *, enterprise: str, applicant: str, desk: Desk, now: datetime
) -> None:
    """Put an application before the card office; `Conflict` when one waits or was approved."""
    if partners.partner_of_enterprise(session, enterprise) is not None:
        raise Conflict("Your enterprise is a partner already. Nothing was sent.")
    values = asdict(asked) | {
        "id": uuid7(),
        "enterprise": enterprise,
        "applied_by": desk.subject,
        "applicant_name": applicant,
        "applied_at": now,
    }
    if not insert_once(session, PartnerApplication, values):
        raise Conflict("An application of your enterprise waits already. Nothing was sent again.")
    desk.note(session, "partner.apply", object_of("application", values["id"]), now=now)


def newest(session: Session, enterprise: str) -> PartnerApplication | None:
    """The last application of an enterprise."""
    found = select(PartnerApplication).where(PartnerApplication.enterprise == enterprise)
    newest_first = found.order_by(
        PartnerApplication.applied_at.desc(), PartnerApplication.id.desc()
    )
    return session.scalars(newest_first.limit(1)).first()


def waiting(session: Session) -> Sequence[PartnerApplication]:
    """What nobody has decided about, oldest first."""
    found = select(PartnerApplication).where(PartnerApplication.decided_at.is_(None))
    return session.scalars(found.order_by(PartnerApplication.applied_at)).all()


def decide(
    session: Session, number: uuid.UUID, *, approve: bool, why: str, desk: Desk, now: datetime
) -> None:
    """Approve, which makes the partner at once, or refuse with what the applicant will read."""
    found = session.get(PartnerApplication, number, with_for_update=True, populate_existing=True)
    if found is None or found.decided_at is not None:
        raise NotFound("This application does not wait any more.")
    if approve and found.applied_by == desk.subject:
        raise Forbidden("You applied for this enterprise yourself. Somebody else has to decide.")
    found.decided_by, found.decided_at, found.approved = desk.subject, now, approve
    found.why = why
    act = "partner.approve" if approve else "partner.refuse"
    made = {"partner": str(_make(session, found, now))} if approve else {}
    desk.note(session, act, object_of("application", number), purpose=why, now=now, **made)


def delete_old(session: Session, *, now: datetime) -> int:
    """Delete up to 200 applications whose answer has been there for 180 days."""
    over = select(PartnerApplication.id).where(PartnerApplication.decided_at <= now - KEPT_FOR)
    ids = session.scalars(over.limit(BATCH)).all()
    session.execute(delete(PartnerApplication).where(PartnerApplication.id.in_(ids)))
    return len(ids)


def _make(session: Session, asked: PartnerApplication, now: datetime) -> uuid.UUID:
    partner = partners.add_partner(
        session,
        asked.name,
        category=asked.category,
        enterprise=asked.enterprise,
        email=asked.email,
        now=now,
    )
    for postcode, name in asked.places:
        partners.add_till(session, partner, name, place=Place(postcode), now=now)
    return partner.id


def _places(text: str) -> tuple[tuple[str, str], ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    read = [PLACE.fullmatch(line) for line in lines]
    places = tuple((one[1], one[2]) for one in read if one is not None and one[2].isprintable())
    names = {name for _, name in places}
    if not 0 < len(lines) <= MOST_PLACES or len(names) < len(lines):
        raise Unfit(Fault.PLACES)
    return places
