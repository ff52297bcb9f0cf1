"""The words of a verdict: what a till shows, and the page an ordinary phone camera lands on.

Knows one sentence for every reason and advice of docs/card-token.md section 7, the same at the
till (`end_user_message`) and on the page. `not_valid` says nothing about the cause: a shop
need not know that somebody left teaching.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.web.texts import Msgid

VERDICT_MESSAGES: Mapping[str, Msgid] = {
    "ok": Msgid("Valid card. Compare the initials with an identity card."),
    "malformed": Msgid("This is not a teacher card code. Scan again, or type the card number."),
    "foreign_code": Msgid(
        "This code leads to another website and not to the teacher card. Do not accept it."
    ),
    "unknown_key": Msgid(
        "This code can no longer be checked. Ask the holder to open the card again."
    ),
    "bad_signature": Msgid(
        "This code is not genuine, or was read wrongly. Scan again. "
        "If it stays like this, do not accept it."
    ),
    "not_yet_valid": Msgid("This code is not valid yet. Ask the holder to show it again later."),
    "expired": Msgid(
        "This code has expired. Ask the holder to open the card again and show the new code."
    ),
    "stale_code": Msgid(
        "Show the code again. If it stays like this, set the phone's clock to automatic."
    ),
    "unknown_card": Msgid("We do not know this card. Ask the holder to open the card again."),
    "not_valid": Msgid("This card is not valid. The holder's own card page says more."),
    "superseded": Msgid(
        "This is an older code of the card. Ask the holder to open the card again "
        "with an internet connection."
    ),
    "already_used": Msgid(
        "This code was used before. Ask for the next code: it comes within 30 seconds."
    ),
    "grade_too_low": Msgid(
        "A code of this kind is not enough here. Ask the holder to log in and open the live card."
    ),
    "suspended_check": Msgid(
        "Too many wrong attempts with this card. Wait five minutes and try again."
    ),
    "test_card": Msgid("This is a test card. It gives no right to anything."),
}

ADVICE_MESSAGES: Mapping[str, Msgid] = {
    "check_id": Msgid("Look at the identity card as well: do the initials match?"),
}

CARRIERS: Mapping[str, Msgid] = {
    "web": Msgid("Live card on the website"),
    "apple": Msgid("Apple Wallet"),
    "google": Msgid("Google Wallet"),
    "paper": Msgid("Paper"),
}

GRADES: Mapping[str, Msgid] = {
    "live": Msgid("Live: this code changes every 30 seconds, so a screenshot soon stops working."),
    "recent": Msgid("Recent: this code was renewed in the last day and a half."),
    "static": Msgid("Static: this code does not change, so it can be a copy."),
}


def verdict_message(reason: str) -> Msgid:
    """The sentence for a reason of card-token section 7; KeyError for any other word."""
    return VERDICT_MESSAGES[reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictPage:
    """What `verdict.html` shows about one code. Looking is anonymous and consumes nothing.

    `carrier` and `grade` are None where the code could not be read that far; `initials` only
    for a valid card that does not withhold them.
    """

    valid: bool
    reason: str
    checked_at: datetime
    carrier: str | None = None
    grade: str | None = None
    initials: str | None = None
    advice: tuple[str, ...] = ()
    test: bool = False

    @property
    def message(self) -> Msgid:
        """The sentence for the reason."""
        return verdict_message(self.reason)

    @property
    def advice_messages(self) -> tuple[Msgid, ...]:
        """A sentence per piece of advice."""
        return tuple(ADVICE_MESSAGES[advice] for advice in self.advice)

    @property
    def carrier_name(self) -> Msgid | None:
        """Where the code stands: which wallet, website or paper."""
        return CARRIERS[self.carrier] if self.carrier else None

    @property
    def grade_meaning(self) -> Msgid | None:
        """How much the code itself proves."""
        return GRADES[self.grade] if self.grade else None
