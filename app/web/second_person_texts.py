"""The words for what takes two people: proposals, what waits, and what a decision does."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.office.dossier import Dossier
from app.office.proposals import Kind
from app.office.waiting import Subject, Waiting
from app.web.texts import Msgid


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalText:
    """Something that takes two people, in words."""

    name: Msgid
    does: Msgid


PROPOSALS: Mapping[Kind, ProposalText] = {
    Kind.GRANT: ProposalText(
        name=Msgid("Give a right to a card by hand"),
        does=Msgid(
            "For a while, at most 90 days. It ends by itself, and at once when the personnel "
            "file brings news of this person. Somebody else has to approve it."
        ),
    ),
    Kind.LIFT: ProposalText(
        name=Msgid("Lift the exclusion"),
        does=Msgid(
            "The rules alone decide again whether this person gets a card; what was withdrawn "
            "stays withdrawn. Somebody else has to approve it."
        ),
    ),
}

SUBJECTS: Mapping[Subject, Msgid] = {
    Subject.GRANT: PROPOSALS[Kind.GRANT].name,
    Subject.LIFT: PROPOSALS[Kind.LIFT].name,
    Subject.RUN: Msgid("Let news of the personnel file through"),
    Subject.ROSTER: Msgid("Release the list of an institution"),
    Subject.PARTNER: Msgid("Let an enterprise be a partner"),
}

DECISIONS: Mapping[Subject, Msgid] = {
    Subject.GRANT: Msgid("Approving gives the right at once. Look at the record first."),
    Subject.LIFT: Msgid("Approving lifts the exclusion at once. Look at the record first."),
    Subject.RUN: Msgid(
        "So many cards would be lost that the service stopped. Ask the personnel file whether "
        "this is right. Two people have to let it through; one can refuse it for good."
    ),
    Subject.ROSTER: Msgid(
        "The people on the list get a right to a card. Ask the institution whether the number "
        "is right. Refusing sends it back; nothing of it was done."
    ),
    Subject.PARTNER: Msgid(
        "Approving makes the partner at once: its people can make tills and keys. They read what "
        "you write, whether you agree or not."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePage:
    """What a proposal leads to; `latest` is the last day that can be chosen."""

    case_id: uuid.UUID
    kind: Kind
    person: Dossier
    today: date
    latest: date

    @property
    def text(self) -> ProposalText:
        """The proposal in words."""
        return PROPOSALS[self.kind]


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """All that waits for a second person."""

    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class DecidePage:
    """One thing that waits."""

    waiting: Waiting

    @property
    def about_person(self) -> bool:
        """Whether there is a record to look at first."""
        return self.waiting.subject in {Subject.GRANT, Subject.LIFT}


# By the name that templates know them by.
SECOND_PERSON_WORDS = {
    "office_proposals": PROPOSALS,
    "office_subjects": SUBJECTS,
    "office_decisions": DECISIONS,
}
