"""The card office: a code on paper for a card that is there, and what lets a shop in."""

from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing
from app.cards.model import Card
from app.db import Database
from app.identity import clients
from app.identity.clients import Scope
from app.passes import paper
from app.passes.codes import wallet_code
from app.verification import enrolment, partners
from demo.world import World

THEATRE = "Schouwburg De Korenbloem (demo)"
GHENT = partners.Place("9000", 51.0500, 3.7250)


def set_up_code(world: World, shop: str) -> str:
    """What a shop of the world types on the scanner page, once, to make a device its till."""

    def work(session: Session) -> str:
        partner = partners.partner_named(session, world.deployment.shops[shop].name)
        till = partners.till_named(session, partner.id, "1")
        return enrolment.new_code(session, till, test=False, now=world.clock())

    with closing(Database(world.deployment.database_url)) as database:
        return database.transact(work)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a partner's own system proves itself with, and the till it speaks for."""

    client_id: str
    secret: str = field(repr=False)
    till_id: str


def admit_box_office(world: World) -> Machine:
    """Let in a theatre whose own system verifies: a till, and a client with a secret."""
    now, name = world.clock(), clients.new_client_id()

    def work(session: Session) -> Machine:
        theatre = partners.add_partner(session, THEATRE, category="theatre", now=now)
        till = partners.add_till(session, theatre, "1", place=GHENT, now=now)
        scopes = (Scope.VERIFICATIONS_WRITE,)
        clients.add_client(session, name, scopes=scopes, partner_id=theatre.id, now=now)
        return Machine(name, clients.add_secret(session, name, now=now), str(till.id))

    with closing(Database(world.deployment.database_url)) as database:
        return database.transact(work)


def print_card(world: World) -> tuple[str, str]:
    """The code and the number of the active card, made with the deployment's own keys."""
    keys = KeyRing(world.deployment.directory / "keys").keys

    def work(session: Session) -> tuple[str, str]:
        card = session.scalars(select(Card).where(Card.status == CardStatus.ACTIVE)).one()
        printed = paper.make(session, card, keys=keys, now=world.clock())
        base = world.addresses.service.upper()
        return wallet_code(printed, keys=keys, base=base), card.number

    with closing(Database(world.deployment.database_url)) as database:
        return database.transact(work)
