"""The teacher's page as one value: what is true of this person's card today, and why.

Knows the words for every state and every reason, and which buttons a state allows. Hides
nothing and decides nothing: the state comes from the route, the words from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from app.web.texts import Msgid

Tone = Literal["ok", "notice", "stop"]


class CardState(StrEnum):
    """Where a person stands. The two with a silent EPD keep apart who was known before."""

    ACTIVE = "active"
    GRACE = "grace"
    SUMMER_BRIDGE = "summer_bridge"
    NOT_ENTITLED = "not_entitled"
    UNKNOWN_TO_EPD = "unknown_to_epd"
    EPD_UNREACHABLE_NEW = "epd_unreachable_new"
    EPD_UNREACHABLE_KNOWN = "epd_unreachable_known"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateText:
    """A state in words; `status` stands beside an icon of the tone, never colour alone."""

    tone: Tone
    status: Msgid
    true: Msgid
    ask: Msgid


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment in the personnel file; `end` is its last day, None when open.

    `institution` and `kind` are shown as the file words them, in Dutch.
    """

    institution: str
    begin: date
    end: date | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPage:
    """What `card.html` shows.

    `number` is None without a card; `valid_until` is the last day of the card, or of the grace
    or the summer bridge; `reason` is a key of `WHY`; `received_at` is when the personnel file
    last answered about this person, None when it never did; `wallet_first` is the wallet of
    the phone that asks.
    """

    state: CardState
    holder_name: str
    csrf: str
    reference: str
    year: int
    reason: str | None = None
    number: str | None = None
    valid_until: date | None = None
    appointments: tuple[Appointment, ...] = ()
    received_at: datetime | None = None
    wallet_first: Literal["apple", "google"] | None = None

    @property
    def text(self) -> StateText:
        """The state in words."""
        return (ENTITLED if self.may_get_card else STATES)[self.state]

    @property
    def why(self) -> Msgid | None:
        """The sentence for the reason."""
        return WHY[self.reason] if self.reason else None

    @property
    def may_get_card(self) -> bool:
        """Whether the button that makes a card is offered."""
        return self.number is None and self.state in ENTITLED

    @property
    def usable(self) -> bool:
        """Whether there is a card that shops accept."""
        return self.number is not None and self.state in ENTITLED

    @property
    def wallets(self) -> tuple[Literal["apple", "google"], ...]:
        """Both wallets, the one of this phone first."""
        return ("google", "apple") if self.wallet_first == "google" else ("apple", "google")


def grouped(number: str) -> str:
    """A card number in groups of five, with a space that does not break at a line's end."""
    return "\N{NO-BREAK SPACE}".join(number[i : i + 5] for i in range(0, len(number), 5))


_ASK_SECRETARIAT = Msgid(
    "Is something missing or wrong? Only your school can report it to the personnel file: "
    "ask the school secretariat. We see the correction as soon as it is in the file."
)
_ASK_HELPDESK = Msgid("Questions about this? Ask the helpdesk and mention the reference below.")

STATES: Mapping[CardState, StateText] = {
    CardState.ACTIVE: StateText(
        tone="ok",
        status=Msgid("Valid"),
        true=Msgid("Your teacher card is valid until %(until)s."),
        ask=_ASK_SECRETARIAT,
    ),
    CardState.GRACE: StateText(
        tone="notice",
        status=Msgid("Valid for now"),
        true=Msgid(
            "Your appointment ended and we have not received a new one. "
            "Your card stays valid until %(until)s."
        ),
        ask=Msgid(
            "Do you have a new appointment? Ask the school secretariat whether it was reported. "
            "Once it is in the personnel file, your card simply goes on."
        ),
    ),
    CardState.SUMMER_BRIDGE: StateText(
        tone="ok",
        status=Msgid("Valid through the summer"),
        true=Msgid(
            "Your appointment ended with the school year. Because many appointments are "
            "reported in September, your card stays valid until %(until)s."
        ),
        ask=Msgid(
            "You need not do anything. Once your new appointment is in the personnel file, "
            "your card simply goes on."
        ),
    ),
    CardState.NOT_ENTITLED: StateText(
        tone="stop",
        status=Msgid("No right to a card now"),
        true=Msgid("With what is in your personnel file today, you have no right to a card."),
        ask=_ASK_SECRETARIAT,
    ),
    CardState.UNKNOWN_TO_EPD: StateText(
        tone="notice",
        status=Msgid("Not in the personnel file yet"),
        true=Msgid(
            "We did not find you in the personnel file of education (EPD). "
            "If you have just started, your school may still have to report you."
        ),
        ask=Msgid(
            "Ask the school secretariat whether your appointment was reported, and log in again in "
            "a few days. Staff whom a school pays itself are not in this file."
        ),
    ),
    CardState.EPD_UNREACHABLE_NEW: StateText(
        tone="notice",
        status=Msgid("Not known yet"),
        true=Msgid(
            "The personnel file does not answer right now, so we cannot see whether you have a "
            "right to a card. This says nothing about your appointment."
        ),
        ask=Msgid("Try again later today. You need not do or report anything."),
    ),
    CardState.EPD_UNREACHABLE_KNOWN: StateText(
        tone="ok",
        status=Msgid("Valid"),
        true=Msgid(
            "The personnel file does not answer right now. What we knew before holds: "
            "your card is valid until %(until)s."
        ),
        ask=Msgid("You need not do anything. We keep asking the personnel file."),
    ),
    CardState.SUSPENDED: StateText(
        tone="stop",
        status=Msgid("Suspended"),
        true=Msgid("Your card is not valid at the moment. It was suspended, not withdrawn."),
        ask=Msgid(
            "Once the reason is gone, the same card is valid again: keep it in your wallet. "
            "Do you think this is a mistake? Ask the school secretariat first, then the helpdesk."
        ),
    ),
    CardState.REVOKED: StateText(
        tone="stop",
        status=Msgid("Withdrawn"),
        true=Msgid("Your card was withdrawn and will not become valid again."),
        ask=_ASK_HELPDESK,
    ),
    CardState.ENDED: StateText(
        tone="stop",
        status=Msgid("Ended"),
        true=Msgid("Your card has ended and is no longer valid."),
        ask=Msgid(
            "Do you work in education again? Log in once your appointment is in the personnel "
            "file: you then get a card at once."
        ),
    ),
}

_GET_IT = Msgid("You have a right to a teacher card. You do not have one yet.")

# The states of people with a right to a card, in words for who has no card yet.
ENTITLED: Mapping[CardState, StateText] = {
    state: StateText(tone="ok", status=Msgid("Ready for you"), true=_GET_IT, ask=STATES[state].ask)
    for state in (
        CardState.ACTIVE,
        CardState.GRACE,
        CardState.SUMMER_BRIDGE,
        CardState.EPD_UNREACHABLE_KNOWN,
    )
}

WHY: Mapping[str, Msgid] = {
    "appointment": Msgid("You have a current appointment at a recognised institution."),
    "institution_list": Msgid("Your institution reported you as a member of its staff."),
    "grace": Msgid("Your last appointment ended recently."),
    "summer_bridge": Msgid("Your last appointment ran until the end of the school year."),
    "no_appointment": Msgid("The personnel file has no current appointment for you."),
    "full_leave": Msgid("You are on full leave. With partial leave the right to a card remains."),
    "category": Msgid("Your kind of appointment gives no right to a teacher card."),
    "institution": Msgid("Your institution is not among the recognised ones."),
    "lost": Msgid("The card was reported as lost."),
    "stolen": Msgid("The card was reported as stolen."),
    "misuse": Msgid("The card office withdrew the card because of misuse."),
    "request": Msgid("You asked for it yourself."),
    "office": Msgid("The card office decided so."),
    "left": Msgid("You no longer work in education according to the personnel file."),
    "year_over": Msgid("The year on the card is over."),
}
