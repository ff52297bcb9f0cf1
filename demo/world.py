"""The simulated outside world, and the service in the middle of it.

Everybody speaks real HTTP over loopback: the identity provider, the personnel file, Google
Wallet and Apple's push service in threads of this process, the service and its worker in
processes of their own. A world may live on another day: then they run in threads too, with
that day as their clock.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import FastAPI
from starlette.types import ASGIApp

from app import worker
from app.api import deps
from app.cards.card_year import belgian_day
from app.client_authentication import load_client_key, thumbprint
from app.deployment import Deployment as ServiceDeployment
from app.main import create_app
from app.settings import Settings
from demo import apns, benefits, epd, google_wallet, identity_provider, mail
from demo.deployment import (
    CLIENT_ID,
    PASS_TYPE_IDENTIFIER,
    SYNC_CLIENT_ID,
    Addresses,
    Credentials,
    Deployment,
    prepare,
)
from demo.identity_provider.machines import MACHINES
from demo.mail import Mailbox
from demo.officials import OFFICIALS
from demo.population import Person, by_key, cast
from demo.serving import free_port, listening, process, running
from demo.sync_job import SyncJob

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class World:
    """Who lives here and where to find everybody."""

    deployment: Deployment
    people: tuple[Person, ...]
    clock: Clock
    apns: apns.World
    mailbox: Mailbox = field(default_factory=Mailbox)

    @property
    def addresses(self) -> Addresses:
        """Where everybody answers."""
        return self.deployment.addresses

    def person(self, key: str) -> Person:
        """One of the cast."""
        return by_key(key, on=belgian_day(self.clock()))


def wall_clock() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def clock_set_to(moment: datetime) -> Clock:
    """A clock that showed `moment` when it was made and has gone on since."""
    ahead = moment - wall_clock()
    return lambda: wall_clock() + ahead


@contextmanager
def world(
    directory: Path,
    *,
    port: int | None = None,
    database_url: str | None = None,
    clock: Clock | None = None,
) -> Iterator[World]:
    """A world in an empty folder, running while this is open."""
    ports = {name: free_port() for name in ("identity_provider", "epd", "google")}
    pushes_port, mail_port = free_port(), free_port()
    addresses = Addresses(
        service=f"http://localhost:{port or free_port()}",
        **{name: f"http://localhost:{number}" for name, number in ports.items()},
        apns=f"https://localhost:{pushes_port}",
        mail_port=mail_port,
    )
    told = clock or wall_clock
    deployment = prepare(directory, addresses, database_url=database_url, now=told())
    benefits.seed(deployment.database_url, now=told())
    people = cast(belgian_day(told()))
    services = [addresses.service]
    with ExitStack() as open_:
        for name, app in simulators(
            deployment.credentials, addresses, people, services=services, clock=told
        ).items():
            open_.enter_context(listening(app, ports[name]))
        pushes = apns.World(PASS_TYPE_IDENTIFIER)
        credentials = deployment.credentials
        tls = apns.tls_context(credentials.apns.certificate, credentials.apple.root)
        open_.enter_context(apns.listening(pushes, tls=tls, port=pushes_port))
        mailbox = Mailbox()
        open_.enter_context(
            mail.listening(
                mailbox, tls=mail.server_tls(credentials.apns.certificate), port=mail_port
            )
        )
        open_.enter_context(_service(deployment, clock))
        open_.enter_context(_worker(deployment, clock))
        yield World(deployment, people, told, pushes, mailbox)


def service_app(deployment: Deployment, clock: Clock) -> FastAPI:
    """The service as an application that lives by another clock."""
    app = create_app(_settings(deployment))
    app.dependency_overrides[deps.now] = clock
    return app


def simulators(
    credentials: Credentials,
    addresses: Addresses,
    people: tuple[Person, ...],
    *,
    services: Collection[str],
    clock: Clock,
) -> dict[str, ASGIApp]:
    """Everybody but the service, by the name of their address; any of `services` may log in."""
    public_key = load_pem_private_key(credentials.login_key.read_bytes(), None).public_key()
    assert isinstance(public_key, RSAPublicKey)  # noqa: S101 - as `make_credentials` made it
    client = identity_provider.Client(
        client_id=CLIENT_ID,
        redirect_uris=frozenset(f"{service}/callback" for service in services),
        post_logout_redirect_uris=frozenset(f"{service}/logged-out" for service in services),
        public_key=public_key,
        key_id=thumbprint(public_key),
    )
    issuer = f"{addresses.identity_provider}/op"
    sync_key = load_client_key(
        credentials.sync_key.read_bytes(), key_id="", audience=addresses.service
    )
    job = SyncJob(addresses.service, SYNC_CLIENT_ID, sync_key, clock)
    return {
        "identity_provider": identity_provider.create_app(
            (*people, *OFFICIALS), issuer=issuer, clients=[client, *MACHINES], clock=clock
        ),
        "epd": epd.create_app(
            people, client_id=CLIENT_ID, client_secret=credentials.epd_secret, job=job
        ),
        "google": google_wallet.create_app([credentials.google_account], clock=clock),
    }


def _service(deployment: Deployment, clock: Clock | None) -> AbstractContextManager[object]:
    port = int(deployment.addresses.service.rpartition(":")[2])
    if clock is None:
        log = deployment.directory / "service.log"
        return running("demo.service:app", port, environment=deployment.environment, log=log)
    return listening(service_app(deployment, clock), port)


@contextmanager
def _worker(deployment: Deployment, clock: Clock | None) -> Iterator[None]:
    if clock is None:
        command = ["-c", "from app.cli import main; main()", "worker"]
        log = deployment.directory / "worker.log"
        with process(command, environment=deployment.environment, log=log):
            yield
        return
    stop = threading.Event()
    loaded = ServiceDeployment.load(_settings(deployment), now=wall_clock())
    thread = threading.Thread(
        target=worker.run, args=(loaded,), kwargs={"clock": clock, "stop": stop}
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _settings(deployment: Deployment) -> Settings:
    return Settings(**{name.lower(): value for name, value in deployment.settings.items()})
