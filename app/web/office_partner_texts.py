"""What the card office's pages about partners and about the service itself show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.cards.model import IssueStop
from app.notices.outbox import GivenUp
from app.office.looks import Looks
from app.partners import Partner
from app.passes.parked import Parked
from app.passes.qr import Drawing
from app.verification.partners import Listed, TillKeys

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PartnersPage:
    """Every partner."""

    partners: tuple[Listed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPage:
    """One partner; `helps` and `switches` say which buttons this official gets."""

    partner: Partner
    tills: tuple[TillKeys, ...]
    helps: bool
    switches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecretPage:
    """A key, or a code with its drawing and its life, that is shown this once."""

    back: str
    till: str
    secret: str
    drawing: Drawing | None = None
    lives: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPage:
    """What needs somebody's eye."""

    expiries: Mapping[str, datetime]
    now: datetime
    parked: tuple[Parked, ...]
    unsent: tuple[GivenUp, ...]
    stop: IssueStop | None
    helps: bool
    switches: bool

    def soon(self, end: datetime) -> bool:
        """Whether something runs out within 30 days, or has."""
        return end - self.now < SOON


@dataclass(frozen=True, slots=True)
class LooksPage:
    """Who looked how often."""

    looks: tuple[Looks, ...]
