"""A simulated APNs behind mutual TLS, our client of it, and cards whose passes are due."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.passes.apns import Apns
from app.passes.certificates import Certificates
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
