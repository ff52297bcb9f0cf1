"""A partner's own offers, as a desk lists, adds, changes and ends them.

Knows the form: a place on each line as postcode and town, which lies in the middle of its postal
region unless the offer knew it more exactly. Ending is a last day that has passed, so that counts
of an offer's use keep their offer.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from app.benefits.model import Benefit, BenefitPlace
from app.benefits.offers import MAX_TOWN, Content, write
from app.benefits.postal_regions import position
from app.cards.card_year import belgian_day
from app.errors import Conflict, NotFound
from app.partners import Partner

LANGUAGES = ("nl", "fr", "en", "de")
MOST_OFFERS = 100
PLACE = re.compile(rf"([1-9][0-9]{{3}})\s+(\S.{{0,{MAX_TOWN - 1}}})")


class Unfit(ValueError):
    """A form that is not an offer; `field` is the first that is wrong."""

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(f"This is not an offer: {field}.")


def read(typed: Mapping[str, str], known: Sequence[BenefitPlace] = ()) -> Content:
    """What was typed: `title_nl` and so on; `known` are places whose exact position is kept."""
    values: dict[str, object] = {
        name: " ".join(typed[name].split()) or None
        for name in ("category", "website", "begins_on", "ends_on")
    }
    for name in ("title", "terms"):
        words = {code: " ".join(typed[f"{name}_{code}"].split()) for code in LANGUAGES}
        values[name] = {code: text or None for code, text in words.items()}
    try:
        return Content.model_validate(values | {"places": _places(typed["places"], known)})
    except ValidationError as error:
        where = [str(part) for part in error.errors()[0]["loc"]]
        raise Unfit("_".join(where[:2]) if where[0] in {"title", "terms"} else where[0]) from None


def typed(benefit: Benefit) -> dict[str, str]:
    """An offer as its form shows it: what `read` takes."""
    return {
        "category": benefit.category,
        "website": benefit.website or "",
        "begins_on": benefit.begins_on.isoformat() if benefit.begins_on else "",
        "ends_on": benefit.ends_on.isoformat() if benefit.ends_on else "",
        "places": "\n".join(f"{place.postcode} {place.town}" for place in benefit.places),
        **{f"title_{code}": benefit.title.get(code, "") for code in LANGUAGES},
        **{f"terms_{code}": benefit.terms.get(code, "") for code in LANGUAGES},
    }


def of_partner(session: Session, partner_id: uuid.UUID) -> Sequence[Benefit]:
    """All offers of a partner, the newest first, those that ended included."""
    found = select(Benefit).where(Benefit.partner_id == partner_id)
    return session.scalars(
        found.order_by(Benefit.id.desc()).options(selectinload(Benefit.places))
    ).all()


def one(
    session: Session, partner_id: uuid.UUID, benefit_id: uuid.UUID, *, locked: bool = False
) -> Benefit:
    """An offer of this very partner; `NotFound` for anybody else's."""
    found = select(Benefit).where(Benefit.id == benefit_id, Benefit.partner_id == partner_id)
    benefit = session.scalars(found.with_for_update() if locked else found).one_or_none()
    if benefit is None:
        raise NotFound("This partner has no such offer.")
    return benefit


def add(
    session: Session, partner: Partner, number: uuid.UUID, content: Content, *, now: datetime
) -> None:
    """One more offer, found from now on; `Conflict` for a partner that has a hundred."""
    on = belgian_day(now)
    running = select(Benefit.id).where(
        Benefit.partner_id == partner.id, or_(Benefit.ends_on.is_(None), Benefit.ends_on >= on)
    )
    if len(session.scalars(running.limit(MOST_OFFERS)).all()) == MOST_OFFERS:
        raise Conflict(f"A partner has at most {MOST_OFFERS} offers. End one first.")
    benefit = Benefit(id=number, partner_id=partner.id, reference=str(number))
    write(benefit, content, partner=partner, now=now)
    session.add(benefit)


def end(benefit: Benefit, *, on: date, now: datetime) -> None:
    """Find an offer no more; `Conflict` when it ended already."""
    if benefit.ends_on is not None and benefit.ends_on < on:
        raise Conflict("This offer has ended already; nothing was changed.")
    benefit.ends_on, benefit.changed_at = on - timedelta(days=1), now


def _places(text: str, known: Sequence[BenefitPlace]) -> list[dict[str, object]]:
    exact = {(place.postcode, place.town): place for place in known}
    places: list[dict[str, object]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        read_line = PLACE.fullmatch(line)
        where = read_line and (exact.get((read_line[1], read_line[2])) or position(read_line[1]))
        if not read_line or not where:
            raise Unfit("places")
        places.append(
            {
                "postcode": read_line[1],
                "town": read_line[2],
                "latitude": where.latitude,
                "longitude": where.longitude,
            }
        )
    return places
