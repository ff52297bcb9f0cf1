"""Who is entitled to a card, decided from employments and a day. Pure.

Knows the rules that docs/entitlement.md says in prose, with the same numbers: who counts as
employed, what bridges a summer, which leave excludes, which status may follow which, and when
a card year begins and ends. Hides how a day is judged: callers see an `Entitlement`, never an
exception. A day is a Belgian calendar day; nothing here reads a clock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from operator import itemgetter
from types import MappingProxyType

from app.cards.card_year import BRUSSELS, NEXT_YEAR_FROM_MONTH, CardYear, belgian_day, card_year

GRACE_DAYS = 30
# Month and day; an assignment that ends on or after the first counts until the second.
SUMMER_BRIDGE_FROM = (6, 15)
SUMMER_BRIDGE_UNTIL = (9, 30)


class CardStatus(StrEnum):
    """Whether a card may be used. Grace and summer bridge are not states: the card is active."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    ENDED = "ended"


# Revoked and ended are final: whatever a thief has copied must stay dead, and with a card that has
# ended the name is gone. Who returns to education gets a new card.
TRANSITIONS: Mapping[CardStatus, frozenset[CardStatus]] = MappingProxyType(
    {
        CardStatus.ACTIVE: frozenset({CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.ENDED}),
        CardStatus.SUSPENDED: frozenset({CardStatus.ACTIVE, CardStatus.REVOKED, CardStatus.ENDED}),
        CardStatus.ENDED: frozenset(),
        CardStatus.REVOKED: frozenset(),
    }
)


class StaffCategory(StrEnum):
    """What kind of work an employment is (personeelscategorie); values are the EPD's own terms."""

    MANAGEMENT = "BESTUUR"
    TEACHING = "ONDERWIJZEND"
    PARAMEDICAL = "PARAMEDISCH"
    EDUCATIONAL_SUPPORT = "OPVOEDEND_HULP"
    PSYCHOLOGICAL = "PSYCHOLOGISCH"
    SOCIAL = "SOCIAAL"
    ADMINISTRATIVE = "ADMINISTRATIEF"
    TRADES = "MEESTERS_VAK_DIENST"
    TECHNICAL = "TECHNISCH"
    INSPECTION = "INSPECTIE"
    GUIDANCE = "BEGELEIDING"


# Full leave of these kinds ends the entitlement; the same leave in part does not.
ENDING_LEAVES = frozenset(
    {"TBS_55_PLUS", "TBS_58_PLUS", "BONUS_TBS_58_PLUS", "LOOPBAANONDERBREKING"}
)


@dataclass(frozen=True, slots=True)
class Employment:
    """One assignment (opdracht) at one institution; both ends are inclusive, no end is open.

    `institution` is the six-digit instellingsnummer, `main_structure` the three-digit
    hoofdstructuur, `administrative_state` the ATO code, `tadd` a temporary appointment of
    continuous duration, `volume` the part of a full post.
    """

    institution: str
    main_structure: str
    category: StaffCategory
    begin: date
    end: date | None = None
    administrative_state: str | None = None
    tadd: bool = False
    volume: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Leave of a person (dienstonderbreking); `full` is leave from the whole of the work."""

    kind: str
    full: bool
    begin: date
    end: date | None = None


@dataclass(frozen=True, slots=True)
class PersonnelStatus:
    """All that is known of one person's work.

    `listed_by_institution` holds employments that EPD does not know and that the institution's
    own personnel office put on a list.
    """

    employments: tuple[Employment, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    deceased_on: date | None = None
    listed_by_institution: tuple[Employment, ...] = ()
    # First and last day of a right that two people of the card office gave by hand.
    granted: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers and lists an operator may change."""

    grace_days: int = GRACE_DAYS
    summer_bridge: bool = True
    categories: frozenset[StaffCategory] = frozenset(StaffCategory)
    ending_leaves: frozenset[str] = ENDING_LEAVES


class EntitlementReason(StrEnum):
    """Why somebody is entitled, or is not."""

    EMPLOYED = "employed"
    LISTED_BY_INSTITUTION = "listed_by_institution"
    SUMMER_BRIDGE = "summer_bridge"
    GRACE = "grace"
    GRANTED_BY_OFFICE = "granted_by_office"
    NOT_EMPLOYED = "not_employed"
    EXCLUDED_CATEGORY = "excluded_category"
    EXCLUDED_LEAVE = "excluded_leave"
    DECEASED = "deceased"


AT_WORK = frozenset({EntitlementReason.EMPLOYED, EntitlementReason.LISTED_BY_INSTITUTION})
ENTITLING = AT_WORK | {
    EntitlementReason.SUMMER_BRIDGE,
    EntitlementReason.GRACE,
    EntitlementReason.GRANTED_BY_OFFICE,
}


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The answer for one day, and for the unbroken run of days with that same answer.

    `since` and `until` are the first and the last day of the run as far as is known now; None is
    without beginning or end. `employment` is the one that decided, if any did.
    """

    reason: EntitlementReason
    since: date | None
    until: date | None
    employment: Employment | None

    @property
    def entitled(self) -> bool:
        """Whether this person may have a card."""
        return self.reason in ENTITLING

    @property
    def review_on(self) -> date | None:
        """The day on which time alone changes the answer; None when only news can."""
        return None if self.until is None else self.until + timedelta(days=1)


Judgement = tuple[EntitlementReason, Employment | None]


def decide(status: PersonnelStatus, *, on: date, policy: Policy) -> Entitlement:
    """Judge one person on one day; every input has an answer (docs/entitlement.md)."""
    reason, employment = _judge(status, on, policy)
    turns = sorted(set(_turns(status, policy)))

    def same(day: date) -> bool:
        return _judge(status, day, policy)[0] is reason

    until = next((_shift(t, -1) for t in turns if t > on and not same(t)), None)
    since = next((t for t in reversed(turns) if t <= on and not same(_shift(t, -1))), None)
    return Entitlement(reason, since, until, employment)


def _judge(status: PersonnelStatus, on: date, policy: Policy) -> Judgement:
    if status.deceased_on is not None and status.deceased_on <= on:
        return EntitlementReason.DECEASED, None
    if _excluded_by_leave(status, on, policy):
        return EntitlementReason.EXCLUDED_LEAVE, None
    return _at_work(status, on, policy) or _after_work(status, on, policy)


def _at_work(status: PersonnelStatus, on: date, policy: Policy) -> Judgement | None:
    for employments, reason in (
        (status.employments, EntitlementReason.EMPLOYED),
        (status.listed_by_institution, EntitlementReason.LISTED_BY_INSTITUTION),
    ):
        for employment in employments:
            if employment.category in policy.categories and _covers(employment, on):
                return reason, employment
    return None


def _after_work(status: PersonnelStatus, on: date, policy: Policy) -> Judgement:
    """Bridge and grace carry on what there was on the last day; then what the office gave."""
    employments = (*status.employments, *status.listed_by_institution)
    ended = [
        (_bridge_ends(employment.end, policy), employment.end, employment)
        for employment in employments
        if employment.end is not None
        and employment.begin <= employment.end < on
        and employment.category in policy.categories
        and not _excluded_by_leave(status, employment.end, policy)
    ]
    if ended:
        bridge_ends, _, last = max(ended, key=itemgetter(0, 1))
        if on <= bridge_ends:
            return EntitlementReason.SUMMER_BRIDGE, last
        if on <= _shift(bridge_ends, policy.grace_days):
            return EntitlementReason.GRACE, last
    if status.granted is not None and status.granted[0] <= on <= status.granted[1]:
        return EntitlementReason.GRANTED_BY_OFFICE, None
    for employment in employments:
        if _covers(employment, on):
            return EntitlementReason.EXCLUDED_CATEGORY, employment
    return EntitlementReason.NOT_EMPLOYED, None


def _excluded_by_leave(status: PersonnelStatus, on: date, policy: Policy) -> bool:
    return any(
        leave.full and leave.kind in policy.ending_leaves and _covers(leave, on)
        for leave in status.interruptions
    )


def _covers(period: Employment | Interruption, on: date) -> bool:
    return period.begin <= on and (period.end is None or on <= period.end)


def _bridge_ends(end: date, policy: Policy) -> date:
    """The last day of the summer bridge, or the end itself where no bridge begins."""
    if not policy.summer_bridge or (end.month, end.day) < SUMMER_BRIDGE_FROM:
        return end
    month, day = SUMMER_BRIDGE_UNTIL
    return max(end, end.replace(month=month, day=day))


def _turns(status: PersonnelStatus, policy: Policy) -> Iterator[date]:
    """Every first day of something: between two of these days no answer changes."""
    for employment in (*status.employments, *status.listed_by_institution):
        yield employment.begin
        if employment.end is not None:
            bridge_ends = _bridge_ends(employment.end, policy)
            for last in (employment.end, bridge_ends, _shift(bridge_ends, policy.grace_days)):
                yield _shift(last, 1)
    for leave in status.interruptions:
        yield leave.begin
        if leave.end is not None:
            yield _shift(leave.end, 1)
    if status.granted is not None:
        yield status.granted[0]
        yield _shift(status.granted[1], 1)
    if status.deceased_on is not None:
        yield status.deceased_on


def _shift(day: date, days: int) -> date:
    """`day + days`, held inside the calendar: an open end may arrive as 9999-12-31."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def issue_year(entitlement: Entitlement, *, now: datetime) -> CardYear:
    """The card year for which a card is issued, or extended, at `now`.

    From 1 December that is the next year, valid at once, for whoever is at work on that day;
    somebody in grace stays in the present year until the successor is known.
    """
    on = belgian_day(now)
    if on.month < NEXT_YEAR_FROM_MONTH or entitlement.reason not in AT_WORK:
        return card_year(on.year)
    return replace(card_year(on.year + 1), valid_from=now.astimezone(BRUSSELS))
