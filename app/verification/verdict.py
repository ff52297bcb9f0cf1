"""The words of a verification: what is asked, what is known, what is answered.

Values only. `verify` turns them into each other, `records` loads them and `ledger` stores them,
the API translates them for shops.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt

from app.cards.entitlement import CardStatus
from app.cards.token import Carrier

EARTH_RADIUS_KM = 6371.0


class Channel(StrEnum):
    """Where the card is shown: the first five in person, the last two from afar."""

    TILL = "till"
    BOX_OFFICE = "box_office"
    SCANNER = "scanner"
    EVENT = "event"
    LIBRARY = "library"
    WEBSHOP = "webshop"
    PHONE = "phone"


class Reason(StrEnum):
    """Why a verdict is what it is; section 7 of docs/card-token.md has the meanings."""

    OK = "ok"
    MALFORMED = "malformed"
    FOREIGN_CODE = "foreign_code"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    STALE_CODE = "stale_code"
    UNKNOWN_CARD = "unknown_card"
    NOT_VALID = "not_valid"
    SUPERSEDED = "superseded"
    ALREADY_USED = "already_used"
    GRADE_TOO_LOW = "grade_too_low"
    SUSPENDED_CHECK = "suspended_check"
    TEST_CARD = "test_card"


class Grade(StrEnum):
    """How fresh a good code is: live moves every 30 s, recent was renewed today."""

    STATIC = "static"
    RECENT = "recent"
    LIVE = "live"

    def reaches(self, least: "Grade") -> bool:
        """Whether this grade is at least the other."""
        order = list(Grade)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True)
class Caller:
    """The till that asks, as its key proved it."""

    partner_id: uuid.UUID
    till_id: uuid.UUID
    test: bool
    latitude: float | None = None
    longitude: float | None = None

    def distance_km(self, other: "Caller") -> float | None:
        """Great-circle distance to another till, None when either place is unknown."""
        ends = (self.latitude, self.longitude, other.latitude, other.longitude)
        if None in ends:
            return None
        lat1, lon1, lat2, lon2 = (radians(end) for end in ends if end is not None)
        chord = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
        return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


@dataclass(frozen=True, slots=True)
class Upload:
    """A check that a till made without a network: its own name for it, and when it came in."""

    nonce: uuid.UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """The circumstances of a check; a phone camera has no caller.

    `at` is the moment to judge: of an upload, when the till made the check.
    """

    at: datetime
    caller: Caller | None = None
    min_grade: Grade = Grade.STATIC
    upload: Upload | None = None

    @property
    def received_at(self) -> datetime:
        """When it was asked, whatever moment is to be judged."""
        return self.upload.at if self.upload else self.at


@dataclass(frozen=True, slots=True)
class OneTime:
    """What is known of a webshop code beside its card."""

    partner_id: uuid.UUID | None
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class PassState:
    """What the database says now about a pass and its card; a typed number has no pass.

    A test card of the sandbox has neither: it `acts` out one reason.
    """

    card_id: uuid.UUID | None
    pass_id: uuid.UUID | None
    carrier: Carrier | None
    status: CardStatus
    test: bool
    valid_from: datetime
    valid_until: datetime
    pass_revoked_at: datetime | None = None
    confirmed_generation: int | None = None
    confirmed_at: datetime | None = None
    last_accepted: int | None = None
    one_time: OneTime | None = None
    acts: Reason | None = None

    @property
    def expires_on(self) -> date:
        """The last day of the card year, as people count it."""
        return self.valid_until.date()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a shop, a value like any other."""

    valid: bool
    reason: Reason
    # Recorded, never told to partners: the status, or what exactly failed.
    cause: str
    checked_at: datetime
    grade: Grade | None = None
    carrier: Carrier | None = None
    initials: int = 0
    expires_on: date | None = None
    advice: tuple[str, ...] = ()
    repeat: bool = False
    test: bool = False
    verification_id: uuid.UUID | None = None
    # The moment this verdict counts: web issued_at, Google step.
    accepted_moment: int | None = None


@dataclass(frozen=True, slots=True)
class PastScan:
    """An earlier scan of the same card, as much as the rules look at."""

    pass_id: uuid.UUID | None
    caller: Caller
    digest: bytes
    verdict: Verdict
    # Taken back by its till: no use, though the code stays used.
    voided: bool = False
