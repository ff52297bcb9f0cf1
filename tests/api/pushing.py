"""What tests of pushed batches share: the job of the EPD, its worker, and who holds a card."""

from contextlib import closing
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.card_year import card_year
from app.cards.entitlement import Policy
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.cards.model import Card, Teacher
from app.client_authentication import ClientSecret
from app.db import Database
from app.epd.push.runs import Runs
from demo.crowd import insz_of
from demo.sync_job import SyncJob
from tests.api.oauth import register, transact
from tests.api.stage import Service

LONG_AGO = date(2026, 3, 1)


def sync_job(service: Service, client_id: str = "epd-sync") -> SyncJob:
    """The job with a client of its own."""
    client = register(service, client_id)
    return SyncJob(
        service=service.address,
        client_id=client_id,
        means=ClientSecret(client.secret),
        clock=service.clock,
    )


def ring_of(service: Service) -> KeyRing:
    """The key ring of a service."""
    return KeyRing(service.deployment.directory / "keys")


def runs(service: Service, database: Database, *, percent: float = 2.0) -> Runs:
    """What the worker does about batches."""
    return Runs(
        database, ring_of(service), policy=Policy(), brake_percent=percent, clock=service.clock
    )


def settle(service: Service, *, percent: float = 2.0) -> None:
    """Let the worker do everything that is due."""
    with closing(Database(service.deployment.database_url)) as database:
        work = runs(service, database, percent=percent)
        while work.run():
            pass


def pseudonym(service: Service, number: int) -> bytes:
    """Under which one of the crowd is known."""
    return Insz(insz_of(number)).pseudonym(ring_of(service).keys.active("pepper").value)


def give_cards(service: Service, *numbers: int) -> None:
    """Each of them has an active card."""

    def work(session: Session) -> None:
        for number in numbers:
            lifecycle.issue(
                session,
                _teacher(session, service, number),
                year=card_year(2026),
                initials=0,
                why="employed",
                now=service.clock(),
            )

    transact(service, work)


def cards(service: Service, *numbers: int) -> list[str | None]:
    """The status of each one's newest card."""

    def work(session: Session) -> list[str | None]:
        found = []
        for number in numbers:
            teacher = _teacher(session, service, number)
            newest = select(Card).where(Card.teacher_id == teacher.id).order_by(Card.id.desc())
            card = session.scalars(newest.limit(1)).one_or_none()
            found.append(card.status.value if card else None)
        return found

    result: list[str | None] = transact(service, work)
    return result


def reason(service: Service, number: int) -> str | None:
    """Why one is entitled, or is not."""
    found: Any = transact(
        service, lambda session: _teacher(session, service, number).entitlement_reason
    )
    return found


def _teacher(session: Session, service: Service, number: int) -> Teacher:
    found = select(Teacher).where(Teacher.insz_pseudonym == pseudonym(service, number))
    return session.scalars(found).one()
