"""What the partners' own pages show, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.identity.model import OAuthClient
from app.office.applications import Fault
from app.office.model import PartnerApplication
from app.partners import Partner
from app.verification.own_counts import Line
from app.verification.partners import TillKeys
from app.verification.verdict import Channel
from app.web.texts import Msgid

FAULTS: Mapping[Fault, Msgid] = {
    Fault.NAME: Msgid("Give a name of at most 120 characters, without a number of a person."),
    Fault.EMAIL: Msgid("This is not an e-mail address."),
    Fault.PLACES: Msgid(
        "Give each place a line of its own: its postcode, then a name that no other line has. "
        "At most 20 lines."
    ),
    Fault.OFFER: Msgid("Say in at most 500 characters what holders of the card get."),
}

# What the head of every page leads to.
LINKS: Mapping[str, Msgid] = {
    "/partner": Msgid("Tills and keys"),
    "/partner/benefits": Msgid("Benefits"),
    "/partner/counts": Msgid("How often the card was used"),
}


@dataclass(frozen=True, slots=True)
class ApplyPage:
    """Where an enterprise that is no partner stands: `last` is its last application."""

    last: PartnerApplication | None
    typed: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def waits(self) -> bool:
        """Whether the card office has not answered yet."""
        return self.last is not None and self.last.decided_at is None

    @property
    def fault_text(self) -> Msgid | None:
        """What is wrong with the form, in words."""
        return FAULTS[self.fault] if self.fault else None

    @property
    def where(self) -> tuple[Channel, ...]:
        """Where cards can be shown."""
        return tuple(Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPage:
    """The partner with its tills, keys and clients."""

    partner: Partner
    tills: tuple[TillKeys, ...]
    clients: tuple[OAuthClient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsPage:
    """What the own tills checked from one day to another."""

    first: date
    last: date
    lines: tuple[Line, ...]

    @property
    def accepted(self) -> int:
        """All uses together."""
        return sum(line.accepted for line in self.lines)


# By the name that templates know them by.
PARTNER_WORDS = {"partner_links": LINKS}
