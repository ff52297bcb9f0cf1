"""A simulated APNs behind mutual TLS, our client of it, and cards whose passes are due."""

import os
import ssl
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle, teachers
from app.cards.card_year import card_year
from app.cards.keyring import KeyRing
from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes.apple.apns import Apns
from app.passes.apple.certificates import Certificates
from app.passes.delivery import AppleDevices, Delivery
from app.passes.lease import LEASE
from app.passes.model import DeviceRegistration, PassDelivery
from demo import apns, apple_certificates

PASS_TYPE, TEAM = "pass.example.lerarenkaart", "TEAM123456"


@dataclass(frozen=True, slots=True)
class Trust:
    """What both ends of the connection are made of."""

    certificates: Certificates
    tls: ssl.SSLContext
    root: Path


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Certificates for both ends, made once; a TLS handshake goes by the real clock."""
    folder, now = tmp_path_factory.mktemp("apns"), datetime.now(UTC)  # noqa: TID251 - see above
    files = apple_certificates.create(
        folder, pass_type_identifier=PASS_TYPE, team_identifier=TEAM, now=now
    )
    server = apple_certificates.create_server(folder, now=now)
    pem = files.certificate.read_bytes()
    certificates = Certificates.load(
        pem,
        pem,
        files.wwdr.read_bytes(),
        pass_type_identifier=PASS_TYPE,
        team_identifier=TEAM,
        now=now,
    )
    return Trust(certificates, apns.tls_context(server.certificate, files.root), server.root)


@pytest.fixture
def world() -> apns.World:
    """What the simulated APNs sees and does."""
    return apns.World(PASS_TYPE)


@pytest.fixture
def connect(trust: Trust, world: apns.World) -> Iterator[Callable[..., Apns]]:
    """Make our client of the simulator, with options of its own."""
    with ExitStack() as open_:
        url = open_.enter_context(apns.listening(world, tls=trust.tls))

        def connect(**options: Any) -> Apns:
            usual = {"root_file": trust.root, "pushes_per_s": 2000.0, "answer_s": 1.0}
            client = Apns(url, trust.certificates, **(usual | options))
            open_.callback(client.close)
            return client

        yield connect


@dataclass(slots=True)
class Clock:
    """Shows one moment until it is moved."""

    moment: datetime

    def __call__(self) -> datetime:
        """The moment."""
        return self.moment

    def advance(self, **time: float) -> None:
        """Move on, as `timedelta` counts."""
        self.moment += timedelta(**time)


@pytest.fixture
def clock(now: datetime) -> Clock:
    """The clock of the worker."""
    return Clock(now)


@pytest.fixture
def ring(tmp_path: Path, now: datetime) -> KeyRing:
    """A fresh key ring."""
    keyring.init(tmp_path / "keys", environment="demo", now=now)
    return KeyRing(tmp_path / "keys")


@dataclass(frozen=True, slots=True)
class Office:
    """Gives out cards and devices, and looks at the rows afterwards."""

    database: Database
    ring: KeyRing
    clock: Clock

    def issue(self, count: int, carrier: Carrier = Carrier.APPLE) -> list[uuid.UUID]:
        """That many cards with one pass each, whose ids these are."""

        def work(session: Session) -> list[uuid.UUID]:
            return [self._pass(session, carrier).id for _ in range(count)]

        return self.database.transact(work)

    def _pass(self, session: Session, carrier: Carrier) -> WalletPass:
        now, year = self.clock(), card_year(2026)
        teacher = teachers.know(session, os.urandom(32), pepper_id=1, now=now)
        card = lifecycle.issue(session, teacher, year=year, initials=182, why="employed", now=now)
        return lifecycle.add_pass(session, card, carrier, keys=self.ring.keys, now=now)

    def register(self, pass_id: uuid.UUID, *tokens: str, ago_days: float = 1) -> None:
        """Devices with these push tokens, registered for the pass."""
        at = self.clock() - timedelta(days=ago_days)

        def work(session: Session) -> None:
            for token in tokens:
                session.add(
                    DeviceRegistration(
                        device_library_identifier=token,
                        pass_id=pass_id,
                        push_token=token,
                        registered_at=at,
                        last_seen_at=at,
                    )
                )

        self.database.transact(work)

    def with_devices(self, count: int) -> dict[str, uuid.UUID]:
        """That many Apple passes, each on one device; by push token."""
        devices = {f"{n:064x}": one for n, one in enumerate(self.issue(count))}
        for token, pass_id in devices.items():
            self.register(pass_id, token)
        return devices

    def change(self, verb: Callable[..., object], pass_id: uuid.UUID, **how: object) -> None:
        """Let a verb of the lifecycle change the card of a pass."""

        def work(session: Session) -> None:
            verb(session, session.get_one(WalletPass, pass_id).card, now=self.clock(), **how)

        self.database.transact(work)

    def tokens(self) -> set[str]:
        """The push tokens that are registered."""
        with self.database.reading() as session:
            return set(session.scalars(select(DeviceRegistration.push_token)))

    def passes(self) -> dict[uuid.UUID, WalletPass]:
        """Every pass by its id."""
        with self.database.reading() as session:
            return {one.id: one for one in session.scalars(select(WalletPass))}

    def lagging(self) -> set[uuid.UUID]:
        """The passes that a wallet does not have as they are."""
        return {id_ for id_, one in self.passes().items() if one.pushed_revision < one.revision}

    def row(self, pass_id: uuid.UUID) -> PassDelivery | None:
        """What delivery has noted about a pass."""
        with self.database.reading() as session:
            return session.get(PassDelivery, pass_id)

    def reasons(self) -> dict[uuid.UUID, str]:
        """The passes that were given up, and why."""
        with self.database.reading() as session:
            rows = session.scalars(select(PassDelivery))
            return {row.pass_id: row.parked_reason for row in rows if row.parked_reason}


@pytest.fixture
def office(database: Database, ring: KeyRing, clock: Clock) -> Iterator[Office]:
    """The office; in the end every pass is delivered, due or given up, and nothing else."""
    office = Office(database, ring, clock)
    yield office
    lagging = office.lagging()
    with database.reading() as session:
        for row in session.scalars(select(PassDelivery)):
            assert row.pass_id in lagging
            assert (row.leased_by is None) == (row.leased_until is None)
            assert (row.parked_at is None) == (row.parked_reason is None)
            assert row.parked_at is None or row.next_attempt_at is None
            assert row.leased_until is None or row.leased_until <= clock() + LEASE


@pytest.fixture
def to_apple(
    database: Database, connect: Callable[..., Apns], clock: Clock
) -> Callable[..., Delivery]:
    """Make a delivery to devices through the simulated APNs."""
    return lambda **options: Delivery(
        database, AppleDevices(database, connect(**options)), clock=clock
    )
