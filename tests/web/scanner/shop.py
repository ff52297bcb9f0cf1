"""A shop and its customers around the running service: tills, cards and what was recorded."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle, teachers
from app.cards.card_year import belgian_day, card_year
from app.cards.entitlement import CardStatus
from app.cards.initials import initials_of
from app.cards.keyring import KeyRing
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database, uuid7
from app.passes.codes import SHOWN, wallet_code, web_strips
from app.verification import enrolment, partners, tills
from app.verification.model import Scan, Till, TillKey
from demo.world import World


@dataclass(frozen=True, slots=True)
class Holder:
    """A teacher with a card, who shows it."""

    shop: "Shop"
    card: Card

    def web(self, *, ago: timedelta = timedelta()) -> str:
        """What the live card shows now, or showed a while ago."""
        now = self.shop.world.clock() - ago
        shown = self.shop.pass_of(self.card, Carrier.WEB)
        keys, base = self.shop.ring.keys, self.shop.base
        return web_strips(shown, count=1, keys=keys, base=base, now=now)[0].code

    def fixed(self, carrier: Carrier) -> str:
        """What a wallet or a paper shows."""
        shown = self.shop.pass_of(self.card, carrier)
        return wallet_code(shown, keys=self.shop.ring.keys, base=self.shop.base)

    @property
    def number(self) -> str:
        """What is printed on every pass."""
        return self.card.number

    def revoke(self) -> None:
        """The card is lost, and its holder says so."""

        def work(session: Session) -> None:
            card = session.get_one(Card, self.card.id)
            lifecycle.revoke(session, card, why="lost", now=self.shop.world.clock())

        with self.shop.database() as database:
            database.transact(work)

    def scans(self) -> list[tuple[bool, str, bool]]:
        """Every check on record, in order: valid, reason, whether it was uploaded later."""
        with self.shop.database() as database, database.reading() as session:
            rows = session.scalars(
                select(Scan).where(Scan.card_id == self.card.id).order_by(Scan.id)
            )
            return [(row.valid, row.reason, row.nonce is not None) for row in rows]


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop of the world, with direct access to the tables behind it."""

    world: World
    name: str

    @property
    def ring(self) -> KeyRing:
        """The keys of the deployment."""
        return KeyRing(self.world.deployment.directory / "keys")

    @property
    def base(self) -> str:
        """How every code begins."""
        return self.world.addresses.service.upper()

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The tables of the running service."""
        with closing(Database(self.world.deployment.database_url)) as database:
            yield database

    def set_up_code(self, *, test: bool = False) -> str:
        """What the card office gives the shop for its next device."""
        return self._at_till(partial(enrolment.new_code, test=test, now=self.world.clock()))

    def new_key(self, *, test: bool = False) -> str:
        """A key for the shop's till, as an enrolment would give it."""
        return self._at_till(partial(tills.new_key, test=test, now=self.world.clock()))

    def withdraw_newest(self) -> None:
        """The card office stops the device that was set up last."""

        def work(session: Session) -> None:
            newest = select(TillKey.id).order_by(TillKey.created_at.desc()).limit(1)
            key_id = session.scalars(newest).one()
            partners.revoke_key(session, key_id, now=self.world.clock())

        with self.database() as database:
            database.transact(work)

    def customer(self) -> Holder:
        """Somebody with a card on every carrier."""
        now = self.world.clock()
        keys = self.ring.keys

        def work(session: Session) -> Card:
            teacher = teachers.know(session, uuid7().bytes * 2, pepper_id=1, now=now)
            card = lifecycle.issue(
                session,
                teacher,
                year=card_year(belgian_day(now).year),
                initials=initials_of("Annelies", "Peeters"),
                why="employed",
                now=now,
            )
            for carrier in Carrier:
                lifecycle.add_pass(session, card, carrier, keys=keys, now=now)
            session.flush()
            session.refresh(card)
            session.expunge(card)
            return card

        with self.database() as database:
            card = database.transact(work)
        assert card.status is CardStatus.ACTIVE
        return Holder(self, card)

    def _at_till(self, work: Callable[[Session, Till], str]) -> str:
        def in_transaction(session: Session) -> str:
            partner = partners.partner_named(session, self.name)
            return work(session, partners.till_named(session, partner.id, "1"))

        with self.database() as database:
            return database.transact(in_transaction)

    def pass_of(self, card: Card, carrier: Carrier) -> WalletPass:
        """The card's pass on a carrier, with what is shown of it."""
        with self.database() as database, database.reading() as session:
            found = select(WalletPass).options(SHOWN)
            found = found.where(WalletPass.card_id == card.id, WalletPass.carrier == carrier)
            return session.scalars(found).one()
