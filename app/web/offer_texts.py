"""What the pages about one partner's offers show, and what can be wrong with an offer."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.benefits.model import Benefit
from app.benefits.own import LANGUAGES
from app.partners import Partner
from app.web.texts import Msgid

TEXT = Msgid("Say it in Dutch, in at most 500 characters, and in other languages where you want.")
FAULTS: Mapping[str, Msgid] = {
    **{f"{field}_{code}": TEXT for field in ("title", "terms") for code in LANGUAGES},
    "website": Msgid("This is not the address of a website. It begins with https://."),
    "begins_on": Msgid("This is not a day."),
    "ends_on": Msgid("This is not a day, or it lies before the first day."),
    "places": Msgid(
        "Give each place a line of its own: a Belgian postcode, then the town. At most 500 lines."
    ),
}


class Standing(StrEnum):
    """Where an offer stands in its own time."""

    COMING = "coming"
    HOLDS = "holds"
    ENDED = "ended"


STANDINGS: Mapping[Standing, Msgid] = {
    Standing.COMING: Msgid("Not yet"),
    Standing.HOLDS: Msgid("On the page of benefits"),
    Standing.ENDED: Msgid("Ended"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersPage:
    """Every offer of a partner, at the desk that `path` belongs to."""

    path: str
    of_office: bool
    may_change: bool
    partner: Partner
    offers: tuple[Benefit, ...]
    today: date

    def standing(self, offer: Benefit) -> Standing:
        """Whether it holds today."""
        if offer.ends_on is not None and offer.ends_on < self.today:
            return Standing.ENDED
        coming = offer.begins_on is not None and offer.begins_on > self.today
        return Standing.COMING if coming else Standing.HOLDS


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    """The form of an offer; `fault` is one of `FAULTS`, `typed` what stands in the fields."""

    path: str
    of_office: bool
    benefit_id: uuid.UUID | None
    typed: Mapping[str, str]
    fault: str | None = None

    @property
    def action(self) -> str:
        """Where the form goes."""
        return f"{self.path}/{self.benefit_id}" if self.benefit_id else self.path

    @property
    def fault_text(self) -> Msgid | None:
        """What is wrong, in words."""
        return FAULTS[self.fault] if self.fault else None


# By the name that templates know them by.
OFFER_WORDS = {"offer_standings": STANDINGS}
