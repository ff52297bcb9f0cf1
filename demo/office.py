"""The card office: a code on paper for a card that is there, a set-up code for a till."""

from contextlib import closing

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing
from app.cards.model import Card
from app.db import Database
from app.passes import paper
from app.passes.codes import wallet_code
from app.verification import enrolment, partners
from demo.world import World


def set_up_code(world: World, shop: str) -> str:
    """What a shop of the world types on the scanner page, once, to make a device its till."""

    def work(session: Session) -> str:
        partner = partners.partner_named(session, world.deployment.shops[shop].name)
        till = partners.till_named(session, partner.id, "1")
        return enrolment.new_code(session, till, test=False, now=world.clock())

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
