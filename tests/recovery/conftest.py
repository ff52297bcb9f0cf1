"""A key ring and cards to lose; the service of the tests of the API, to bring back."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle, teachers
from app.cards.card_year import card_year
from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing
from app.cards.model import Card
from app.cards.token import Carrier
from app.db import Database
from tests.api.conftest import clock, deployment, logs, serve, service, surroundings

__all__ = ["clock", "deployment", "logs", "serve", "service", "surroundings"]

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)

Verb = Callable[..., None]
Issue = Callable[[str], uuid.UUID]
Change = Callable[[uuid.UUID, Verb, str], None]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """A fresh key ring."""
    keyring.init(tmp_path / "ring", environment="demo", now=NOW)
    return KeyRing(tmp_path / "ring")


@pytest.fixture
def issue(database: Database, ring: KeyRing) -> Issue:
    """Gives somebody a card with a web pass."""

    def work(session: Session, who: str) -> uuid.UUID:
        pseudonym = hashlib.sha256(who.encode()).digest()
        teacher = teachers.know(session, pseudonym, pepper_id=1, now=NOW)
        card = lifecycle.issue(
            session, teacher, year=card_year(2026), initials=182, why="employed", now=NOW
        )
        lifecycle.add_pass(session, card, Carrier.WEB, keys=ring.keys, now=NOW)
        return card.id

    return lambda who: database.transact(lambda session: work(session, who))


@pytest.fixture
def change(database: Database) -> Change:
    """Does something to a card."""
    return lambda card_id, verb, why: database.transact(
        lambda session: verb(session, session.get_one(Card, card_id), why=why, now=NOW)
    )


def status_of(database: Database, card_id: uuid.UUID) -> tuple[CardStatus, str]:
    """Status and reason of a card."""
    with database.reading() as session:
        card = session.get_one(Card, card_id)
        return card.status, card.status_reason
