"""The words of a verdict: what a till shows, and the page an ordinary phone camera lands on.

Knows one sentence for every reason and advice of docs/card-token.md section 7, the same at the
till (`end_user_message`) and on the page. `not_valid` says nothing about the cause: a shop
need not know that somebody left teaching.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.cards.initials import initials_text
from app.verification.verdict import Grade, Reason, Verdict
from app.web.texts import Msgid

VERDICT_MESSAGES: Mapping[Reason, Msgid] = {
    Reason.OK: Msgid("Valid card. Compare the initials with an identity card."),
    Reason.MALFORMED: Msgid(
        "This is not a teacher card code. Scan again, or type the card number."
    ),
    Reason.FOREIGN_CODE: Msgid(
        "This code leads to another website and not to the teacher card. Do not accept it."
    ),
    Reason.UNKNOWN_KEY: Msgid(
        "This code can no longer be checked. Ask the holder to open the card again."
    ),
    Reason.BAD_SIGNATURE: Msgid(
        "This code is not genuine, or was read wrongly. Scan again. "
        "If it stays like this, do not accept it."
    ),
    Reason.NOT_YET_VALID: Msgid(
        "This code is not valid yet. Ask the holder to show it again later."
    ),
    Reason.EXPIRED: Msgid(
        "This code has expired. Ask the holder to open the card again and show the new code."
    ),
    Reason.STALE_CODE: Msgid(
        "Show the code again. If it stays like this, set the phone's clock to automatic."
    ),
    Reason.UNKNOWN_CARD: Msgid("We do not know this card. Ask the holder to open the card again."),
    Reason.NOT_VALID: Msgid("This card is not valid. The holder's own card page says more."),
    Reason.SUPERSEDED: Msgid(
        "This is an older code of the card. Ask the holder to open the card again "
        "with an internet connection, or to show the newest print."
    ),
    Reason.ALREADY_USED: Msgid(
        "This code was used before. Ask for the next code: it comes within 30 seconds."
    ),
    Reason.GRADE_TOO_LOW: Msgid(
        "A code of this kind is not enough here. Ask the holder to log in and open the live card."
    ),
    Reason.SUSPENDED_CHECK: Msgid(
        "Too many wrong attempts with this card. Wait five minutes and try again."
    ),
    Reason.TEST_CARD: Msgid("This is a test card. It gives no right to anything."),
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

GRADES: Mapping[Grade, Msgid] = {
    Grade.LIVE: Msgid(
        "Live: this code changes every 30 seconds, so a screenshot soon stops working."
    ),
    Grade.RECENT: Msgid("Recent: this code was renewed in the last day and a half."),
    Grade.STATIC: Msgid("Static: this code does not change, so it can be a copy."),
}


def verdict_message(reason: Reason) -> Msgid:
    """The sentence for a reason."""
    return VERDICT_MESSAGES[reason]


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """What `verdict.html` shows of a verdict: the verdict itself, and the words for it.

    Looking is anonymous and consumes nothing. A code that could not be read has no carrier and
    no grade; initials and last day stand on a valid card's verdict only.
    """

    verdict: Verdict

    @property
    def message(self) -> Msgid:
        """The sentence for the reason."""
        return verdict_message(self.verdict.reason)

    @property
    def initials(self) -> str:
        """What to compare with an identity card; empty when withheld."""
        return initials_text(self.verdict.initials)

    @property
    def advice_messages(self) -> tuple[Msgid, ...]:
        """A sentence per piece of advice."""
        return tuple(ADVICE_MESSAGES[advice] for advice in self.verdict.advice)

    @property
    def carrier_name(self) -> Msgid | None:
        """Where the code stands: which wallet, website or paper."""
        carrier = self.verdict.carrier
        return CARRIERS[carrier.label] if carrier else None

    @property
    def grade_meaning(self) -> Msgid | None:
        """How much the code itself proves."""
        grade = self.verdict.grade
        return GRADES[grade] if grade else None
