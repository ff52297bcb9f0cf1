"""A pass to show, a simulated Google to show it to, and our client between them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.cards.entitlement import CardStatus
from app.passes.content import PassContent
from app.passes.google.account import ServiceAccount
from app.passes.google.client import GoogleWallet
from app.passes.google.object import generic_class, generic_object
from app.passes.pace import Pace
from demo.google_account import ISSUER_ID, create
from demo.google_wallet import create_app

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
# The seed of RFC 6238 Appendix B, so that the published values hold for this pass.
TOTP_KEY = b"12345678901234567890"
CODE = "HTTPS://KAART.EXAMPLE/1" + ("0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 5)[:146]

Json = dict[str, Any]


@pytest.fixture
def now() -> datetime:
    """The moment at which these tests take place."""
    return NOW


@pytest.fixture
def content() -> PassContent:
    """What stands on the pass of a synthetic teacher."""
    return PassContent(
        serial="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        card_number="7K3M9QX2TV",
        holder_name="An Peeters",
        year=2026,
        valid_from=datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
        valid_until=datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
        status=CardStatus.ACTIVE,
        in_grace=False,
        code=CODE,
        revision=1,
    )


@pytest.fixture
def design() -> Json:
    """The class of all our objects."""
    return generic_class(
        ISSUER_ID,
        "lerarenkaart-v1",
        public_url="https://kaart.example",
        callback_url="https://kaart.example/google/callback",
    )


@pytest.fixture
def shown(content: PassContent, design: Json) -> Callable[..., Json]:
    """Build the object of the pass with some facts changed."""

    def build(*, totp_key: bytes = TOTP_KEY, **changes: object) -> Json:
        return generic_object(
            replace(content, **changes),
            issuer_id=ISSUER_ID,
            class_id=design["id"],
            totp_key=totp_key,
            logo_url="https://kaart.example/static/logo.png",
        )

    return build


@dataclass
class Google:
    """The simulator while it runs; `moment` is what its clock says."""

    stage: "Stage"
    http: httpx.Client
    moment: datetime
    account: Path
    stranger: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.http.base_url).rstrip("/")

    def control(self, *faults: Json, **script: object) -> None:
        """Script what goes wrong next."""
        self.http.post("/_control", json={"faults": faults, **script}).raise_for_status()

    def instead(self, body: bytes) -> None:
        """Answer 200 and these bytes to everything from now on."""
        self.stage.app = Response(body, media_type="application/json")

    def state(self) -> Json:
        """Everything Google holds and has seen."""
        return dict(self.http.get("/_state").json())

    def asked(self) -> list[str]:
        """The verbs of the API calls so far, in order."""
        calls = self.state()["requests"]
        return [call.split()[0] for call in calls if "/walletobjects/" in call]


class Stage:
    """One server for the whole run, on which every test puts an app of its own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play whatever is on."""
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, httpx.Client]]:
    """The server, and a connection to it."""
    stage = Stage()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(stage, log_level="critical", ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        port = listener.getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            yield stage, http
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def accounts(
    stage: tuple[Stage, httpx.Client], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Key files of an invited account and a stranger; making them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("google")
    token_uri = str(stage[1].base_url.join("/token"))
    return create(folder / "member", token_uri), create(
        folder / "stranger", token_uri, name="stranger"
    )


@pytest.fixture(scope="session")
def account(accounts: tuple[Path, Path]) -> ServiceAccount:
    """The invited account as we load it."""
    return ServiceAccount.load(accounts[0])


@pytest.fixture
def google(stage: tuple[Stage, httpx.Client], accounts: tuple[Path, Path]) -> Google:
    """A simulated Google that knows nothing yet."""
    place, http = stage
    http.headers.pop("Authorization", None)
    google = Google(place, http, NOW, *accounts)
    place.app = create_app(
        [google.account], strangers=[google.stranger], clock=lambda: google.moment
    )
    return google


@pytest.fixture
def connect(google: Google, account: ServiceAccount) -> Iterator[Callable[..., GoogleWallet]]:
    """Make our client of the simulator, with options of its own."""
    with ExitStack() as clients:

        def client(as_: ServiceAccount = account, **options: Any) -> GoogleWallet:
            pace = Pace(options.pop("requests_per_s", 15), burst=5)
            usual = {
                "pace": pace,
                "base_url": google.url,
                "save_url": f"{google.url}/gp/v/save",
                "origins": ["https://kaart.example"],
            }
            wallet = GoogleWallet(as_, **(usual | options))
            clients.callback(wallet.close)
            return wallet

        yield client


@pytest.fixture
def wallet(connect: Callable[..., GoogleWallet], design: Json, google: Google) -> GoogleWallet:
    """Our client, with the class in place and nothing counted yet."""
    wallet = connect(requests_per_s=1000, read_timeout_s=0.5)
    wallet.ensure_class(design, now=NOW)
    google.control()
    return wallet
