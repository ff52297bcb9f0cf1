"""Who checked a card, as the page's one value, with the words for places and results."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.cards.token import Carrier
from app.verification.activity import Check
from app.verification.verdict import Reason
from app.web.texts import Msgid

PAGE_SIZE = 50

CHANNELS: Mapping[str, Msgid] = {
    "till": Msgid("at a till"),
    "box_office": Msgid("at a ticket desk"),
    "scanner": Msgid("with a scanner"),
    "event": Msgid("at an event"),
    "library": Msgid("in a library"),
    "webshop": Msgid("in a webshop"),
    "phone": Msgid("by telephone"),
}

SHOWN_ON: Mapping[int | None, Msgid] = {
    Carrier.WEB: Msgid("live card on this website"),
    Carrier.APPLE: Msgid("Apple Wallet"),
    Carrier.GOOGLE: Msgid("Google Wallet"),
    Carrier.PAPER: Msgid("card on paper"),
    None: Msgid("typed code"),
}

_OTHERWISE = Msgid("Not accepted.")
RESULTS: Mapping[str, Msgid] = {
    Reason.OK: Msgid("Accepted"),
    Reason.ALREADY_USED: Msgid("Not accepted: this code had been used already."),
    Reason.EXPIRED: Msgid("Not accepted: the code was too old."),
    Reason.STALE_CODE: Msgid("Not accepted: a screenshot, or a phone with a wrong clock."),
    Reason.SUPERSEDED: Msgid("Not accepted: there was a newer code."),
    Reason.NOT_VALID: Msgid("Not accepted: the card was not valid at that moment."),
    Reason.GRADE_TOO_LOW: Msgid("Not accepted: this partner asks for a fresher code."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """What `activity.html` shows; `number` counts from 1, `kept_for` is the term of the link."""

    csrf: str
    checks: tuple[Check, ...]
    total: int
    kept_for: timedelta
    number: int = 1

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PAGE_SIZE))

    def result(self, check: Check) -> Msgid:
        """What came of a check, in words for the holder."""
        return RESULTS.get(check.reason, _OTHERWISE)
