"""A deployment to torture: its database, its keys, its cards and its service processes.

Everything is made anew for each run. Cards are put straight into the tables, as many as a
scenario wants; what a scenario then does, it does from outside.
"""

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.card_year import belgian_day
from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing
from app.cards.model import Card, Teacher, WalletPass
from app.cards.numbers import new_card_number
from app.cards.token import HOUR_S, Carrier
from app.cards.totp import PERIOD_S, totp
from app.db import Database, uuid7
from app.passes.codes import totp_key_of, wallet_code, web_strips
from app.verification import partners, tills
from bench.torture.scenario import Run
from bench.torture.service import honest
from bench.torture.till import Till
from demo import epd
from demo.deployment import CLIENT_ID, Addresses, Deployment, prepare
from demo.population import Person
from demo.serving import free_port, listening, running
from demo.world import wall_clock

# A service as uvicorn can start it by name.
Variant = Callable[[], FastAPI]
Service = subprocess.Popen[bytes]
# Whose codes count once.
LIVE = (Carrier.WEB, Carrier.GOOGLE)


@dataclass(frozen=True, slots=True)
class Holder:
    """A card and its pass, as they were put into the tables."""

    card: Card
    wallet_pass: WalletPass


@dataclass(frozen=True, slots=True)
class Site:
    """One deployment and who comes there; `ports` are those of its two possible processes."""

    deployment: Deployment
    database: Database
    ring: KeyRing
    holders: Sequence[Holder]
    till_keys: Sequence[str]
    ports: tuple[int, int]
    log: Path
    # Closes every connection that was made.
    connections: ExitStack

    @property
    def code_base(self) -> str:
        """What codes begin with."""
        return self.deployment.addresses.service.upper()

    @contextmanager
    def serving(
        self,
        variant: Variant = honest,
        *,
        port: int | None = None,
        key_directory: Path | None = None,
    ) -> Iterator[Service]:
        """One service process, from its first answer on."""
        environment = self.deployment.environment
        if key_directory:
            environment["LERARENKAART_KEY_DIRECTORY"] = str(key_directory)
        name = f"{variant.__module__}:{variant.__name__}"
        with running(name, port or self.ports[0], environment=environment, log=self.log) as process:
            yield process

    @contextmanager
    def serving_twice(
        self, variant: Variant = honest, *, second_keys: Path | None = None
    ) -> Iterator[list[Service]]:
        """Two service processes on one database, one at each of `ports`."""
        directories = (None, second_keys)
        with ExitStack() as open_, ThreadPoolExecutor() as starters:
            services = [
                self.serving(variant, port=port, key_directory=directory)
                for port, directory in zip(self.ports, directories, strict=True)
            ]
            yield list(starters.map(open_.enter_context, services))

    def till(self, number: int, *, process: int = 0) -> Till:
        """A new connection of one till to one of the two processes."""
        till = Till(self.ports[process], self.till_keys[number])
        return self.connections.enter_context(closing(till))

    def tills(self, *, processes: int = 1, first: int = 0) -> list[Till]:
        """A new connection of each till, to each process in turn from the `first` on."""
        numbers = range(len(self.till_keys))
        return [self.till(number, process=(first + number) % processes) for number in numbers]

    def code(self, holder: Holder) -> str:
        """What the holder's pass shows at this moment."""
        wallet_pass = holder.wallet_pass
        keys, base, now = self.ring.keys, self.code_base, wall_clock()
        if wallet_pass.carrier == Carrier.WEB:
            return web_strips(wallet_pass, count=1, keys=keys, base=base, now=now)[0].code
        code = wallet_code(wallet_pass, keys=keys, base=base)
        if wallet_pass.carrier == Carrier.APPLE:
            return code
        now_s = int(now.timestamp())
        key = totp_key_of(wallet_pass, keys=keys)
        return f"{code}/{now_s:010}/{totp(key, now_s // PERIOD_S)}"

    def revoke(self, holder: Holder) -> None:
        """Revoke a card as the card office does; it is revoked when this returns."""

        def work(session: Session) -> None:
            card = session.get_one(Card, holder.card.id)
            lifecycle.revoke(session, card, why="torture", now=wall_clock())

        self.database.transact(work)


class LiveCodes:
    """Live codes that nobody has seen yet, for many threads; waits where all have been."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        live = (one for one in site.holders if one.wallet_pass.carrier in LIVE)
        self._turns = deque((one, 0) for one in live)

    def fresh(self) -> str:
        """A code that counts once, and has not."""
        with self._lock:
            holder, seen = self._turns.popleft()
            while (step := int(wall_clock().timestamp()) // PERIOD_S) <= seen:
                time.sleep(0.1)
            self._turns.append((holder, step))
        return self._site.code(holder)


@contextmanager
def site(
    run: Run,
    *,
    cards: int,
    carriers: Sequence[Carrier] = LIVE,
    till_count: int = 8,
    on_file: Sequence[Person] = (),
) -> Iterator[Site]:
    """A deployment with so many cards, each with a pass on one of the carriers in turn.

    The personnel file knows the people `on_file`; without them there is none.
    """
    ports = free_port(), free_port()
    epd_port = free_port()
    nowhere = "http://localhost:1"
    addresses = Addresses(
        service=f"http://localhost:{ports[0]}",
        identity_provider=nowhere,
        epd=f"http://localhost:{epd_port}",
        google=nowhere,
    )
    deployment = prepare(
        run.folder / "site", addresses, database_url=run.database_url, now=wall_clock()
    )
    ring = KeyRing(deployment.directory / "keys")
    with ExitStack() as open_:
        if on_file:
            files = epd.create_app(
                on_file, client_id=CLIENT_ID, client_secret=deployment.credentials.epd_secret
            )
            open_.enter_context(listening(files, epd_port))
        database = open_.enter_context(closing(Database(run.database_url)))
        yield Site(
            deployment=deployment,
            database=database,
            ring=ring,
            holders=database.transact(lambda session: _holders(session, ring, cards, carriers)),
            till_keys=database.transact(lambda session: _till_keys(session, till_count)),
            ports=ports,
            log=run.log,
            connections=open_,
        )


def _holders(
    session: Session, ring: KeyRing, count: int, carriers: Sequence[Carrier]
) -> list[Holder]:
    now = wall_clock()
    keys = ring.keys
    holders = []
    for number, carrier in zip(range(count), cycle(carriers), strict=False):
        teacher = Teacher(id=uuid7(), insz_pseudonym=uuid7().bytes, pepper_id=1, created_at=now)
        card = Card(
            id=uuid7(),
            teacher_id=teacher.id,
            number=new_card_number(),
            status=CardStatus.ACTIVE,
            status_reason="employed",
            test=False,
            initials=0,
            valid_from=now,
            year=belgian_day(now).year,
            created_at=now,
        )
        wallet_pass = WalletPass(
            id=uuid7(),
            card_id=card.id,
            card=card,
            carrier=carrier,
            pass_number=number,
            serial=f"{number:032x}",
            key_id=keys.signing_for(test=False).id,
            pass_secret_id=keys.active("pass").id,
            generation=1,
            code_issued_at=int(now.timestamp()) // HOUR_S * HOUR_S,
            revised_at=now,
        )
        session.add_all([teacher, card, wallet_pass])
        holders.append(Holder(card, wallet_pass))
    session.flush()
    return holders


def _till_keys(session: Session, count: int) -> list[str]:
    now = wall_clock()
    partner = partners.add_partner(session, "Torture", category="bench", now=now)
    names = [str(number) for number in range(count)]
    return [
        tills.new_key(
            session, partners.add_till(session, partner, name, now=now), test=False, now=now
        )
        for name in names
    ]
