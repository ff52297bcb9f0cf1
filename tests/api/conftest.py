"""One world for the whole run, and in it a fresh service on a fresh database for every test."""

import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.cards import keyring
from app.cards.card_year import belgian_day
from demo import apns
from demo.deployment import (
    PASS_TYPE_IDENTIFIER,
    Addresses,
    Credentials,
    Deployment,
    make_credentials,
    open_shops,
)
from demo.population import Person, cast
from demo.serving import free_port, listening
from demo.world import World, service_app, simulators, wall_clock
from tests.api.stage import HTTPS, Clock, Service, Stage

# A school day in the card year 2026.
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all tests of the run share: who lives here, under which keys, and two stages."""

    addresses: Addresses
    second_address: str
    stages: tuple[Stage, Stage]
    people: tuple[Person, ...]
    credentials: Credentials
    keys: Path
    tls: ssl.SSLContext
    clock: Clock


@pytest.fixture(scope="session")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    folder = tmp_path_factory.mktemp("surroundings")
    ports = [free_port() for _ in range(5)]
    *names, second = (f"http://localhost:{port}" for port in ports)
    addresses = Addresses(*names)
    clock, people = Clock(NOW), cast(belgian_day(NOW))
    keyring.init(folder / "keys", environment="demo", now=NOW)
    # A service that starts judges its certificates by the real clock.
    credentials = make_credentials(folder, addresses, now=wall_clock())
    services = [addresses.service, HTTPS]
    around = simulators(credentials, addresses, people, services=services, clock=clock)
    stages = Stage(), Stage()
    apps = (
        stages[0],
        *(around[name] for name in ("identity_provider", "epd", "google")),
        stages[1],
    )
    with ExitStack() as open_:
        for app, port in zip(apps, ports, strict=True):
            open_.enter_context(listening(app, port))
        yield Surroundings(
            addresses=addresses,
            second_address=second,
            stages=stages,
            people=people,
            credentials=credentials,
            keys=folder / "keys",
            tls=ssl.create_default_context(),
            clock=clock,
        )


@pytest.fixture(autouse=True)
def logs() -> Iterator[Sequence[Mapping[str, Any]]]:
    """What the service logs, each line with the number of its request."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        yield lines


@pytest.fixture
def clock(surroundings: Surroundings) -> Clock:
    """The clock of everybody, set to the day of the tests."""
    surroundings.clock.moment = NOW
    return surroundings.clock


@pytest.fixture
def deployment(
    surroundings: Surroundings, clock: Clock, database_url: str, tmp_path: Path
) -> Deployment:
    """A key ring and a database of this test's own, with two shops."""
    shutil.copytree(surroundings.keys, tmp_path / "keys")
    return Deployment(
        directory=tmp_path,
        database_url=database_url,
        addresses=surroundings.addresses,
        credentials=surroundings.credentials,
        shops=open_shops(database_url, now=clock()),
    )


@pytest.fixture
def serve(surroundings: Surroundings, clock: Clock) -> Iterator[Callable[..., Service]]:
    """Begin to serve a deployment, on the first stage or on the second."""
    with ExitStack() as open_:

        def begin(deployment: Deployment, *, second: bool = False) -> Service:
            app = service_app(deployment, clock)
            open_.enter_context(surroundings.stages[second].showing(app))
            address = surroundings.second_address if second else surroundings.addresses.service
            service = Service(
                app=app,
                world=World(
                    deployment, surroundings.people, clock, apns.World(PASS_TYPE_IDENTIFIER)
                ),
                clock=clock,
                address=address,
                http=httpx.Client(base_url=address, timeout=30.0, verify=surroundings.tls),
            )
            open_.callback(service.close)
            return service

        yield begin


@pytest.fixture
def service(serve: Callable[..., Service], deployment: Deployment) -> Service:
    """The service of this test."""
    return serve(deployment)


@pytest.fixture
def elsewhere(serve: Callable[..., Service], deployment: Deployment, service: Service) -> Service:
    """A second service on the database of the first, as behind a load balancer."""
    assert service.deployment is deployment
    return serve(deployment, second=True)
