"""A log-in as a browser goes through it, against the simulated provider on a real port.

Everything travels over HTTP and through the database, in the order in which the callback
of the service does it, so that a refusal is a refusal of the whole.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import func, select

from app.client_authentication import ClientSecret, load_client_key
from app.db import Base, Database
from app.identity.authorization import LoginAttempt, read_response
from app.identity.model import WebSession
from app.identity.oidc import Identity, OidcClient
from app.identity.registration import Registration
from app.identity.sessions import begin_session, open_attempt, take_attempt
from demo.identity_provider import Client, create_app
from demo.serving import free_port, listening

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
EID = "urn:be:vlaanderen:authmech:eid"
ACCEPTED_ACR = frozenset({EID, "urn:be:vlaanderen:authmech:itsme"})
CALLBACK = "http://localhost:8000/callback"
HOME = "http://localhost:8000/"
SECRET = "a+secret: with a colon & 100 %41"
# Shorter than what the simulator calls slow; everywhere else the limits of the service hold.
IMPATIENT_S = 0.4

Pairs = list[tuple[str, str]]
Connect = Callable[..., OidcClient]

# One for all tests: reading the trusted authorities takes longer than a log-in.
TLS = httpx.create_ssl_context()
BROWSER = httpx.Client(trust_env=False, verify=TLS)


@dataclass(frozen=True, slots=True)
class Someone:
    """A synthetic person."""

    key: str
    insz: str
    given_name: str
    family_name: str
    label: Mapping[str, str] = field(default_factory=lambda: {"nl": "leerkracht"})
    organisation: Mapping[str, str] = field(default_factory=lambda: {"vo_doelgroepcode": "BUR"})


AN = Someone("an", "84022999609", "An", "Van den Bossche")
ZOE = Someone("zoe", "88441299327", "Zoë", "Łukasiewicz")


@dataclass(slots=True)
class Clock:
    """The simulated provider's clock."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now


@dataclass(slots=True)
class Provider:
    """The simulated provider as its operator sees it."""

    issuer: str
    clock: Clock
    private_key_pem: bytes = field(repr=False)

    def order(self, **order: object) -> dict[str, list[str]]:
        """Make it lie, or rotate its key."""
        root = self.issuer.removesuffix("/op")
        answer = BROWSER.post(f"{root}/_control", json=order)
        answer.raise_for_status()
        names: dict[str, list[str]] = answer.json()
        return names


def browse(url: str, *, person: str = "an", acr: str = EID, decision: str = "log-in") -> Pairs:
    """Go to the provider's page and choose; returns the query that comes back to us."""
    page = BROWSER.get(url)
    assert page.status_code == 200, page.text
    request = re.search(r'name="request" value="([^"]+)"', page.text)
    assert request is not None
    form = {"request": request[1], "person": person, "acr": acr, "decision": decision}
    back = BROWSER.post(f"{url.partition('?')[0]}/choice", data=form)
    assert back.status_code == 303, back.text
    return parse_qsl(urlsplit(back.headers["location"]).query, keep_blank_values=True)


@dataclass(slots=True)
class LogIn:
    """One browser on its way through a log-in."""

    client: OidcClient
    database: Database
    url: str = ""
    attempt: LoginAttempt | None = None
    cookie: str = ""

    def begin(self, *, max_age_s: int | None = 300, return_to: str = "/card") -> str:
        """As `GET /login` does; returns where the browser is sent."""
        self.url, attempt = self.client.begin(language="nl", max_age_s=max_age_s, now=NOW)
        self.attempt = attempt
        self.cookie = self.database.transact(
            lambda session: open_attempt(session, attempt, return_to=return_to)
        )
        return self.url

    def finish(
        self, pairs: Pairs, *, cookie: str | None = None, now: datetime = NOW
    ) -> tuple[Identity, str, str]:
        """As `GET /callback` does; identity, session token and the path to go on to."""
        answer = read_response(pairs)
        browser = self.cookie if cookie is None else cookie
        attempt, return_to = self.database.transact(
            lambda session: take_attempt(session, state=answer.state, browser=browser, now=now)
        )
        identity = self.client.complete(answer, attempt, now=now)
        token = self.database.transact(
            lambda session: begin_session(
                session,
                teacher_id=None,
                authenticated_at=identity.authenticated_at,
                now=now,
            )
        )
        return identity, token, return_to

    def sessions(self) -> int:
        """How many browsers are logged in."""
        with self.database.reading() as session:
            return session.scalars(select(func.count()).select_from(WebSession)).one()


@pytest.fixture(scope="session", autouse=True)
def browser() -> Iterator[None]:
    """The browser is closed at the end."""
    yield
    BROWSER.close()


@pytest.fixture(scope="session")
def running(browser: None) -> Iterator[Provider]:  # noqa: ARG001 - closed before it stops
    """The simulated provider on a port of its own."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    port = free_port()
    issuer, clock = f"http://localhost:{port}/op", Clock()
    secret = Client("by-secret", frozenset({CALLBACK}), frozenset({HOME}), secret=SECRET)
    keyed = replace(secret, client_id="by-key", secret=None)
    keyed = replace(keyed, public_key=key.public_key(), key_id="our-key")
    app = create_app([AN, ZOE], issuer=issuer, clients=[secret, keyed], clock=clock)
    with listening(app, port):
        yield Provider(issuer, clock, pem)


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    """The simulated provider, honest at first, its clock right."""
    yield running
    running.order(lie=None)
    running.clock.now = NOW


@pytest.fixture
def registration(provider: Provider) -> Registration:
    """Ours, with a shared secret."""
    return Registration(
        issuer=provider.issuer,
        client_id="by-secret",
        authentication=ClientSecret(SECRET),
        redirect_uri=CALLBACK,
        post_logout_redirect_uri=HOME,
        accepted_acr=ACCEPTED_ACR,
    )


@pytest.fixture
def keyed_registration(provider: Provider, registration: Registration) -> Registration:
    """Ours, with a signed assertion."""
    key = load_client_key(provider.private_key_pem, key_id="our-key", audience=provider.issuer)
    return replace(registration, client_id="by-key", authentication=key)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients that remember nothing yet."""
    clients: list[OidcClient] = []

    def connect(registration: Registration, **limits: float) -> OidcClient:
        clients.append(OidcClient(registration, tls=TLS, **limits))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[[Registration], OidcClient], registration: Registration) -> OidcClient:
    """The log-in with a shared secret."""
    return connect(registration)


@pytest.fixture
def log_in(client: OidcClient, database: Database) -> LogIn:
    """A browser that has not begun yet, on each database in turn."""
    return LogIn(client, database)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One SQLite database for what is not about databases."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('identity')}/shared.sqlite3")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def visit(client: OidcClient, shared: Database) -> LogIn:
    """As `log_in`, on the shared database."""
    return LogIn(client, shared)


def later(**span: float) -> datetime:
    """A moment after `NOW`."""
    return NOW + timedelta(**span)
