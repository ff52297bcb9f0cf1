"""What an official does to a person's card, and who may.

One table of acts: the role, whether a fresh strong log-in is asked for, the reasons to choose
from. The rules of cards stay in `cards.lifecycle`; here an act gets its official, its reason and
its entry in the record of acts, all in one transaction.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app.audit import object_of
from app.cards import lifecycle
from app.cards.entitlement import CardStatus, EntitlementReason, Policy
from app.cards.keyring import Keys
from app.cards.model import Card, Teacher
from app.cards.token import Carrier
from app.epd import intake
from app.errors import Conflict
from app.identity.roles import Role
from app.identity.sessions import end_sessions_of
from app.office.cases import own
from app.office.desk import Desk
from app.passes import paper, parked


class Why(StrEnum):
    """Reasons that a person can give; the holder reads them on the own page."""

    LOST = "lost"
    STOLEN = "stolen"
    REQUEST = "request"
    MISUSE = "misuse"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Means:
    """What acts work with."""

    keys: Keys
    policy: Policy


@dataclass(frozen=True, slots=True)
class Doing:
    """An act under way: to whom, on their card in force, why, and with what."""

    session: Session
    teacher: Teacher
    card: Card | None
    why: Why
    means: Means
    now: datetime

    @property
    def there(self) -> Card:
        """The card in force; `Conflict` without one."""
        if self.card is None:
            raise Conflict("There is no card in force any more.")
        return self.card


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One kind of act; `applies` says whether it can be done to a person as they are."""

    role: Role
    whys: tuple[Why, ...]
    step_up: bool = False
    applies: Callable[[Teacher, Card | None], bool]
    do: Callable[[Doing], None]


def _suspend(doing: Doing) -> None:
    lifecycle.suspend(doing.session, doing.there, why=doing.why, now=doing.now)


def _resume(doing: Doing) -> None:
    """Lift a suspension; whether the rules give a right to the card is looked at anew."""
    lifecycle.resume(doing.session, doing.there, why=doing.why, now=doing.now)
    doing.session.flush()
    intake.review(doing.session, doing.teacher, policy=doing.means.policy, now=doing.now)


def _revoke(doing: Doing) -> None:
    lifecycle.revoke(doing.session, doing.there, why=doing.why, now=doing.now)


def _reissue(doing: Doing) -> None:
    """A new card for a lost one; whoever has the lost phone is logged out on it."""
    fresh = lifecycle.reissue(doing.session, doing.there, why=doing.why, now=doing.now)
    lifecycle.add_pass(doing.session, fresh, Carrier.WEB, keys=doing.means.keys, now=doing.now)
    end_sessions_of(doing.session, doing.teacher.id)


def _bar(doing: Doing) -> None:
    lifecycle.bar(doing.session, doing.teacher, why=doing.why, now=doing.now)
    end_sessions_of(doing.session, doing.teacher.id)


def _deliver(doing: Doing) -> None:
    parked.release(doing.session, [doing.there.number])


def _print(doing: Doing) -> None:
    """A new print, for a holder at the desk; every earlier one is refused."""
    paper.make(doing.session, doing.there, keys=doing.means.keys, now=doing.now)


def _active(_: Teacher, card: Card | None) -> bool:
    return card is not None and card.status is CardStatus.ACTIVE


def _in_force(_: Teacher, card: Card | None) -> bool:
    return card is not None


def _withheld_by_a_person(_: Teacher, card: Card | None) -> bool:
    return (
        card is not None
        and card.status is CardStatus.SUSPENDED
        and card.status_reason not in set(EntitlementReason)
    )


def _free(teacher: Teacher, _: Card | None) -> bool:
    return teacher.barred_at is None


ACTS: Mapping[str, Act] = {
    "suspend": Act(
        role=Role.SUPPORT,
        whys=(Why.LOST, Why.STOLEN, Why.REQUEST, Why.MISUSE, Why.OFFICE),
        applies=_active,
        do=_suspend,
    ),
    "resume": Act(
        role=Role.ISSUER,
        step_up=True,
        whys=(Why.REQUEST, Why.OFFICE),
        applies=_withheld_by_a_person,
        do=_resume,
    ),
    "reissue": Act(role=Role.SUPPORT, whys=(Why.LOST, Why.STOLEN), applies=_in_force, do=_reissue),
    "revoke": Act(
        role=Role.ISSUER,
        step_up=True,
        whys=(Why.LOST, Why.STOLEN, Why.REQUEST, Why.OFFICE),
        applies=_in_force,
        do=_revoke,
    ),
    "bar": Act(
        role=Role.ISSUER, step_up=True, whys=(Why.MISUSE, Why.OFFICE), applies=_free, do=_bar
    ),
    "print": Act(role=Role.ISSUER, step_up=True, whys=(Why.REQUEST,), applies=_active, do=_print),
    "deliver": Act(role=Role.SUPPORT, whys=(Why.OFFICE,), applies=_in_force, do=_deliver),
}


def act(
    session: Session,
    case_id: uuid.UUID,
    name: str,
    why: Why,
    *,
    desk: Desk,
    means: Means,
    now: datetime,
) -> None:
    """Do it and write it down; `Conflict` when it does not apply to the person as they are now."""
    case, wanted = own(session, case_id, desk=desk, now=now), ACTS[name]
    teacher = session.get_one(
        Teacher, case.teacher_id, with_for_update=True, populate_existing=True
    )
    card = lifecycle.card_in_force(session, teacher)
    if why not in wanted.whys or not wanted.applies(teacher, card):
        raise Conflict("This cannot be done any more. Load the record again; nothing was changed.")
    desk.note(
        session,
        f"card.{name}",
        object_of("teacher", teacher.id),
        purpose=case.purpose,
        why=why,
        card=card.number if card else "",
        now=now,
    )
    wanted.do(Doing(session, teacher, card, why, means, now))
