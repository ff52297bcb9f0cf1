"""What the card office's pages about partners and about the service itself show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from app.cards.keyring import KINDS, Kind
from app.cards.model import IssueStop
from app.cards.token import KeyState
from app.notices.outbox import GivenUp
from app.office.looks import Looks
from app.office.model import KeyRevocation
from app.partners import Partner
from app.passes.apple.certificates import alarm
from app.passes.parked import Parked
from app.passes.qr import Drawing
from app.verification.partners import Listed, TillKeys
from app.web.texts import Msgid

KEY_KINDS: Mapping[Kind, Msgid] = {
    "token": Msgid("signs codes"),
    "pepper": Msgid("makes pseudonyms"),
    "encryption": Msgid("encrypts what is kept"),
    "pass": Msgid("lets phones fetch passes"),
    "audit": Msgid("vouches for the record of acts"),
}
KEY_STATES: Mapping[KeyState, Msgid] = {
    KeyState.ACTIVE: Msgid("in use"),
    KeyState.VERIFY_ONLY: Msgid("only for what it made"),
    KeyState.TEST: Msgid("for tests"),
    KeyState.REVOKED: Msgid("refused"),
}


@dataclass(frozen=True, slots=True)
class PartnersPage:
    """Every partner."""

    partners: tuple[Listed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPage:
    """One partner; `helps`, `links` and `switches` say which buttons this official gets."""

    partner: Partner
    tills: tuple[TillKeys, ...]
    helps: bool
    links: bool
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
class Key:
    """A key of the ring, without what it holds."""

    kind: Kind
    id: int
    state: KeyState
    created_at: datetime

    @classmethod
    def read(cls, row: Mapping[str, str]) -> Self:
        """A row of the key ring's own list."""
        return cls(
            kind=next(kind for kind in KINDS if kind == row["kind"]),
            id=int(row["id"]),
            state=KeyState(row["state"]),
            created_at=datetime.fromisoformat(row["created_at"]),
        )

    @property
    def can_be_revoked(self) -> bool:
        """Whether two people may have it refused."""
        return self.kind == "token" and self.state is not KeyState.REVOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPage:
    """What needs somebody's eye."""

    expiries: Mapping[str, datetime]
    now: datetime
    parked: tuple[Parked, ...]
    unsent: tuple[GivenUp, ...]
    stop: IssueStop | None
    keys: tuple[Key, ...]
    revocations: tuple[KeyRevocation, ...]
    helps: bool
    switches: bool

    def alarm(self, end: datetime) -> int | None:
        """Of the days at which somebody must hear of an end, those that were passed last."""
        return alarm((end - self.now).days)

    def age(self, since: datetime) -> timedelta:
        """How old a key is."""
        return self.now - since


@dataclass(frozen=True, slots=True)
class LooksPage:
    """Who looked how often."""

    looks: tuple[Looks, ...]


# By the name that templates know them by.
WATCH_WORDS = {"key_kinds": KEY_KINDS, "key_states": KEY_STATES}
