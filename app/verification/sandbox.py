"""Test cards: what a partner's software scans before a teacher stands at its till.

One for every reason of docs/card-token.md, section 7. Knows which pass numbers are theirs and how
their codes are made; a test card has no row anywhere, so no register, statistic or erasure ever
meets one (docs/decisions/0031-test-cards-without-rows.md). Pure.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.cards.card_year import belgian_day, card_year
from app.cards.entitlement import CardStatus
from app.cards.initials import initials_of
from app.cards.keyring import Keys
from app.cards.token import WEB_LIFETIME_S, WEB_STRIP_S, Carrier, code, mint
from app.verification.verdict import PassState, PastScan, Reason
from app.verification.verify import Examined

# The pass number of each test card, which is in codes on paper: only ever add at the end.
PASS_NUMBERS = {reason: number for number, reason in enumerate(Reason, start=1)}
PARTS = {number: reason for reason, number in PASS_NUMBERS.items()}
INITIALS = initials_of("Test", "Kaart")
HOUR = timedelta(hours=1)


def part_of(examined: Examined) -> Reason | None:
    """The reason that a test card acts out; None for every other code."""
    token, opened = examined.token, examined.opened
    return PARTS.get(opened.pass_number) if token and token.test and opened else None


def state_of(examined: Examined, past: Sequence[PastScan], *, now: datetime) -> PassState | None:
    """A test card as one partner meets it, after what that partner did with it just now."""
    token, part = examined.token, part_of(examined)
    if token is None or part is None:
        return None
    year = card_year(belgian_day(now).year)
    counted = [one.verdict.accepted_moment for one in past if one.verdict.carrier is token.carrier]
    return PassState(
        card_id=None,
        pass_id=None,
        carrier=token.carrier,
        status=CardStatus.ACTIVE,
        test=True,
        valid_from=year.valid_from,
        valid_until=year.valid_until,
        last_accepted=max((moment for moment in counted if moment is not None), default=None),
        acts=part,
    )


def printed(part: Reason, *, keys: Keys, base: str, now: datetime) -> str:
    """The code of a test card on paper, the same one for the whole card year."""
    year = card_year(belgian_day(now).year)
    hours = -((year.valid_from - year.valid_until) // HOUR)
    body = mint(
        keys.signing_for(test=True),
        carrier=Carrier.PAPER,
        pass_number=PASS_NUMBERS[part],
        counter=1,
        issued_at=int(year.valid_from.timestamp()),
        lifetime_s=hours * int(HOUR.total_seconds()),
        initials=INITIALS,
        test=True,
    )
    return code(base, body)


def live(part: Reason, *, keys: Keys, base: str, at_s: int) -> str:
    """The code that a test card shows on the web in the half minute of a Unix second."""
    body = mint(
        keys.signing_for(test=True),
        carrier=Carrier.WEB,
        pass_number=PASS_NUMBERS[part],
        issued_at=at_s - at_s % WEB_STRIP_S,
        lifetime_s=WEB_LIFETIME_S,
        initials=INITIALS,
        test=True,
    )
    return code(base, body)
