"""Going on with the phone: one link, one phone, one number compared, one session.

Knows the steps of a handoff and what makes each of them happen once (docs/decisions/0021 says
against whom). A link alone opens nothing: the computer must have picked the number that the
phone shows, and only the phone that opened the link first can then begin a session.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.identity.model import Handoff
from app.identity.secret_text import fingerprint, new_secret

LIFETIME = timedelta(minutes=5)
CHOICES = 3
# Two digits, none of which begins with a zero.
SMALLEST, LARGEST = 10, 99


class Step(StrEnum):
    """How far a handoff has come."""

    OFFERED = "offered"
    OPENED = "opened"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Seen:
    """A handoff under way; `number` is what the phone shows, `choices` what the computer offers."""

    step: Step
    initials: str
    number: int | None
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What the phone's own session begins with; it lasts no longer than the computer's would."""

    teacher_id: uuid.UUID
    sealed_person: bytes
    authenticated_at: datetime
    begun_at: datetime


def offer(session: Session, token: str, *, initials: str, now: datetime) -> str:
    """Begin a handoff from the session of a computer; returns the secret of the link.

    An earlier one of the same session is over.
    """
    cancel(session, token)
    link = new_secret()
    session.add(
        Handoff(
            computer_hash=fingerprint(token),
            link_hash=fingerprint(link),
            initials=initials,
            choices="",
            created_at=now,
        )
    )
    return link


def cancel(session: Session, token: str) -> None:
    """End whatever handoff the session of a computer has under way."""
    session.execute(delete(Handoff).where(Handoff.computer_hash == fingerprint(token)))


def of_computer(session: Session, token: str, *, now: datetime) -> Seen | None:
    """The handoff of a computer's session, None when there is none any more."""
    found = select(Handoff).where(Handoff.computer_hash == fingerprint(token))
    return _seen(session.scalars(found.where(_fresh(now))).one_or_none())


def of_link(session: Session, link: str, phone: str | None, *, now: datetime) -> Seen | None:
    """The handoff of a link as this phone may see it; None once another phone has opened it."""
    found = select(Handoff).where(Handoff.link_hash == fingerprint(link), _fresh(now))
    handoff = session.scalars(found).one_or_none()
    if handoff is None or handoff.phone_hash is None:
        return _seen(handoff)
    return _seen(handoff) if phone and fingerprint(phone) == handoff.phone_hash else None


def open_on_phone(session: Session, link: str, *, now: datetime) -> str:
    """Bind the link to the first phone that asks; returns the text for that phone's cookie.

    `NotFound` for a link that is over, unknown or another phone's: all the same words.
    """
    phone = new_secret()
    numbers = secrets.SystemRandom().sample(range(SMALLEST, LARGEST + 1), CHOICES)
    opened = (
        update(Handoff)
        .where(Handoff.link_hash == fingerprint(link), Handoff.phone_hash.is_(None), _fresh(now))
        .values(
            phone_hash=fingerprint(phone),
            number=secrets.choice(numbers),
            choices=" ".join(str(number) for number in numbers),
        )
        .returning(Handoff.id)
    )
    if session.scalars(opened).one_or_none() is None:
        raise NotFound("This link is over, or another phone used it.")
    return phone


def confirm(session: Session, token: str, number: int, *, taken: Taken, now: datetime) -> bool:
    """Let the phone in if the computer picked its number; any other number ends the handoff."""
    mine = select(Handoff).where(Handoff.computer_hash == fingerprint(token), _fresh(now))
    handoff = session.scalars(mine.with_for_update()).one_or_none()
    if handoff is None or handoff.number is None or handoff.sealed_person is not None:
        raise Conflict("There is no phone that waits for this.")
    if handoff.number != number:
        session.delete(handoff)
        return False
    handoff.teacher_id = taken.teacher_id
    handoff.sealed_person = taken.sealed_person
    handoff.authenticated_at = taken.authenticated_at
    handoff.begun_at = taken.begun_at
    return True


def take(session: Session, link: str, phone: str, *, now: datetime) -> Taken | None:
    """Use the handoff up, once: what the phone's session begins with; None while it waits."""
    mine = (
        Handoff.link_hash == fingerprint(link),
        Handoff.phone_hash == fingerprint(phone),
        _fresh(now),
    )
    statement = delete(Handoff).where(*mine, Handoff.sealed_person.is_not(None)).returning(Handoff)
    row = session.scalars(statement).one_or_none()
    if row is not None:
        assert row.teacher_id and row.sealed_person  # noqa: S101, PT018 - confirmed together
        assert row.authenticated_at and row.begun_at  # noqa: S101, PT018 - confirmed together
        return Taken(row.teacher_id, row.sealed_person, row.authenticated_at, row.begun_at)
    if session.scalars(select(Handoff.id).where(*mine)).one_or_none() is None:
        raise NotFound("This link is over, or another phone used it.")
    return None


def _fresh(now: datetime) -> ColumnElement[bool]:
    return Handoff.created_at > now - LIFETIME


def _seen(handoff: Handoff | None) -> Seen | None:
    if handoff is None:
        return None
    step = Step.OFFERED if handoff.phone_hash is None else Step.OPENED
    if handoff.sealed_person is not None:
        step = Step.CONFIRMED
    choices = tuple(int(number) for number in handoff.choices.split())
    return Seen(step, handoff.initials, handoff.number, choices)
