"""The words of a teacher's page: a text for every state, reason and kind of work.

Each state says what is true, until when, and whom to ask. Who has a right to a card and has
none yet is told so, whichever of those states it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.cards.entitlement import EntitlementReason, StaffCategory
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
    BARRED = "barred"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateText:
    """A state in words; `status` stands beside an icon of the tone, never colour alone."""

    tone: Tone
    status: Msgid
    true: Msgid
    ask: Msgid


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
    CardState.BARRED: StateText(
        tone="stop",
        status=Msgid("No card"),
        true=Msgid("The card office decided that you get no card."),
        ask=Msgid(
            "Do you disagree? Write to the helpdesk and mention the reference below. Two people "
            "of the card office look at it again."
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
    EntitlementReason.EMPLOYED: Msgid("You have a current appointment in education."),
    EntitlementReason.LISTED_BY_INSTITUTION: Msgid(
        "Your institution reported you as a member of its staff."
    ),
    EntitlementReason.SUMMER_BRIDGE: Msgid(
        "Your last appointment ran until the end of the school year."
    ),
    EntitlementReason.GRACE: Msgid("Your last appointment ended recently."),
    EntitlementReason.GRANTED_BY_OFFICE: Msgid(
        "The card office gave you a card for a while, until the personnel file knows you."
    ),
    EntitlementReason.NOT_EMPLOYED: Msgid("The personnel file has no current appointment for you."),
    EntitlementReason.EXCLUDED_CATEGORY: Msgid(
        "Your kind of appointment gives no right to a teacher card."
    ),
    EntitlementReason.EXCLUDED_LEAVE: Msgid(
        "You are on full leave of a kind that gives no right to a card. "
        "With partial leave that right remains."
    ),
    EntitlementReason.DECEASED: Msgid(
        "The personnel file says that you have died. As you are reading this, that is a mistake: "
        "ask the school secretariat to have it put right."
    ),
    "lost": Msgid("The card was reported as lost."),
    "stolen": Msgid("The card was reported as stolen."),
    "number-replaced": Msgid(
        "Your national number was replaced by another, which has its own card."
    ),
    "misuse": Msgid("The card office decided so because of misuse."),
    "request": Msgid("You asked for it yourself."),
    "office": Msgid("The card office decided so."),
    "year-over": Msgid("The year on the card is over."),
}

CATEGORIES: Mapping[StaffCategory, Msgid] = {
    StaffCategory.MANAGEMENT: Msgid("Management staff"),
    StaffCategory.TEACHING: Msgid("Teaching staff"),
    StaffCategory.PARAMEDICAL: Msgid("Paramedical staff"),
    StaffCategory.EDUCATIONAL_SUPPORT: Msgid("Educational support staff"),
    StaffCategory.PSYCHOLOGICAL: Msgid("Psychological staff"),
    StaffCategory.SOCIAL: Msgid("Social staff"),
    StaffCategory.ADMINISTRATIVE: Msgid("Administrative staff"),
    StaffCategory.TRADES: Msgid("Trades and service staff"),
    StaffCategory.TECHNICAL: Msgid("Technical staff"),
    StaffCategory.INSPECTION: Msgid("Inspection"),
    StaffCategory.GUIDANCE: Msgid("Pedagogical guidance"),
}
