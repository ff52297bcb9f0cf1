"""The words of the card office's pages, and the values they show.

Words for purposes, reasons, acts and events; where the domain has a word that no page knows yet,
the word itself is shown.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from app.cards.entitlement import CardStatus
from app.identity.roles import Official, Role
from app.office.acts import Why
from app.office.cases import Purpose
from app.office.dossier import Dossier
from app.web.card_texts import Tone
from app.web.texts import Msgid

ROLES: Mapping[Role, Msgid] = {
    Role.VIEWER: Msgid("Viewer"),
    Role.SUPPORT: Msgid("Helpdesk"),
    Role.ISSUER: Msgid("Issuing"),
    Role.SECURITY: Msgid("Security"),
}

PURPOSES: Mapping[Purpose, Msgid] = {
    Purpose.HOLDER_ASKS: Msgid("The holder asks something"),
    Purpose.PARTNER_REPORTS: Msgid("A partner reports something"),
    Purpose.FILE_CORRECTION: Msgid("A correction in the personnel file"),
    Purpose.INVESTIGATION: Msgid("An investigation of misuse"),
    Purpose.SECOND_PERSON: Msgid("Second look at what a colleague proposes"),
}

FAULTS: Mapping[str, Msgid] = {
    "number": Msgid(
        "This is neither a national number nor a card number. Check the digits; nothing was "
        "looked up."
    ),
    "reference": Msgid(
        "Give a reference of at most 80 characters, without a national number. Nothing was "
        "looked up."
    ),
    "nobody": Msgid(
        "Nobody with this number is known here. The look-up was noted; there is nothing to show."
    ),
}

STATUSES: Mapping[CardStatus, tuple[Tone, Msgid]] = {
    CardStatus.ACTIVE: ("ok", Msgid("Valid")),
    CardStatus.SUSPENDED: ("notice", Msgid("Suspended")),
    CardStatus.REVOKED: ("stop", Msgid("Withdrawn")),
    CardStatus.ENDED: ("stop", Msgid("Ended")),
}

REASONS: Mapping[str, Msgid] = {
    "employed": Msgid("has an appointment"),
    "listed_by_institution": Msgid("listed by the institution"),
    "summer_bridge": Msgid("summer bridge"),
    "grace": Msgid("grace after an appointment"),
    "granted_by_office": Msgid("given by hand, for a while"),
    "not_employed": Msgid("no appointment"),
    "excluded_category": Msgid("kind of appointment without a right"),
    "excluded_leave": Msgid("full leave without a right"),
    "deceased": Msgid("died according to the personnel file"),
    "lost": Msgid("lost"),
    "stolen": Msgid("stolen"),
    "request": Msgid("at the holder's request"),
    "misuse": Msgid("misuse"),
    "office": Msgid("decision of the card office"),
    "number-replaced": Msgid("national number replaced"),
    "year-over": Msgid("the card year is over"),
    "reissued": Msgid("in place of another card"),
    "apple": Msgid("Apple Wallet"),
    "google": Msgid("Google Wallet"),
    "web": Msgid("live card on this website"),
    "paper": Msgid("card on paper"),
}

EVENTS: Mapping[str, Msgid] = {
    "issued": Msgid("Card given"),
    "extended": Msgid("Extended to another year"),
    "grace": Msgid("Valid for now"),
    "grace-over": Msgid("Valid by an appointment again"),
    "suspended": Msgid("Suspended"),
    "resumed": Msgid("Valid again"),
    "revoked": Msgid("Withdrawn"),
    "ended": Msgid("Ended"),
    "rotated": Msgid("New code"),
    "pass-added": Msgid("Pass made"),
    "activated": Msgid("First shown or fetched"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActText:
    """An act in words: the button, what it does, and how the button that does it looks."""

    name: Msgid
    does: Msgid
    kind: str = ""


ACTS: Mapping[str, ActText] = {
    "suspend": ActText(
        name=Msgid("Suspend the card"),
        does=Msgid(
            "The card is refused from the very next check, everywhere. It can be made valid "
            "again. The holder sees the reason on the own page."
        ),
        kind="danger",
    ),
    "resume": ActText(
        name=Msgid("Make the card valid again"),
        does=Msgid(
            "The same card counts again, if the personnel file gives a right to it now. "
            "Otherwise it stays suspended for that reason."
        ),
    ),
    "reissue": ActText(
        name=Msgid("Replace the card"),
        does=Msgid(
            "The old card is refused from the very next check. The holder gets a new card with "
            "another number at once, and is logged out everywhere."
        ),
        kind="danger",
    ),
    "revoke": ActText(
        name=Msgid("Withdraw the card"),
        does=Msgid(
            "The card never becomes valid again. Whoever has a right to a card may ask for a "
            "new one. For misuse, exclude the person instead."
        ),
        kind="danger",
    ),
    "bar": ActText(
        name=Msgid("Exclude from the card"),
        does=Msgid(
            "The card is withdrawn and this person gets no card any more, whatever the personnel "
            "file says, until two people of the card office lift this."
        ),
        kind="danger",
    ),
    "print": ActText(
        name=Msgid("Print the card on paper"),
        does=Msgid(
            "For a holder at the desk who shows an identity card. An earlier print is refused "
            "from the very next check; the passes in wallets go on."
        ),
    ),
    "deliver": ActText(
        name=Msgid("Deliver to the wallets again"),
        does=Msgid("Passes that were given up are tried again. Nothing changes on the card."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePage:
    """Where the office begins; `fault` is one of `FAULTS`. The number is never shown again."""

    fault: str | None = None
    purpose: Purpose | None = None
    reference: str = ""

    @property
    def purposes(self) -> Mapping[Purpose, Msgid]:
        """What a person can choose from; a second look begins at what was proposed."""
        return {key: name for key, name in PURPOSES.items() if key is not Purpose.SECOND_PERSON}

    def because(self, fault: str) -> Self:
        """The same page with another fault."""
        return replace(self, fault=fault)

    @property
    def fault_text(self) -> Msgid | None:
        """What went wrong, in words."""
        return FAULTS[self.fault] if self.fault else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage:
    """One person's record, open to this official until a moment."""

    case_id: uuid.UUID
    purpose: str
    open_until: datetime
    person: Dossier
    # Whether name, passes and phones are shown, and whether a print can be opened.
    helps: bool
    prints: bool

    @property
    def purpose_text(self) -> Msgid:
        """The purpose in words."""
        return PURPOSES[Purpose(self.purpose.partition(":")[0])]

    @property
    def purpose_reference(self) -> str:
        """The reference that was given with it."""
        return self.purpose.partition(":")[2].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPage:
    """What an act does to a person, before it is done."""

    case_id: uuid.UUID
    act: str
    whys: tuple[Why, ...]
    person: Dossier

    @property
    def text(self) -> ActText:
        """The act in words."""
        return ACTS[self.act]


# What the head of every page of the office leads to, and for whom.
LINKS: Mapping[str, tuple[Role, Msgid]] = {
    "/office": (Role.VIEWER, Msgid("Look up one person")),
    "/office/waiting": (Role.ISSUER, Msgid("For a second person")),
    "/office/partners": (Role.VIEWER, Msgid("Partners")),
    "/office/watch": (Role.VIEWER, Msgid("State of the service")),
    "/office/looks": (Role.SECURITY, Msgid("Who looked at people")),
}


def office_links(official: Official) -> dict[str, Msgid]:
    """The links for this official."""
    return {path: name for path, (role, name) in LINKS.items() if official.may(role)}


# By the name that templates know them by.
OFFICE_WORDS = {
    "office_links": office_links,
    "office_acts": ACTS,
    "office_events": EVENTS,
    "office_reasons": REASONS,
    "office_roles": ROLES,
    "office_statuses": STATUSES,
}
