"""A database that a network swallowed, and headers without end."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.cards import keyring
from app.cards.keyring import KeyRing
from app.db import Database
from app.errors import Unavailable
from app.settings import Settings
from app.verification.recorder import Presentation, Recorder
from app.verification.tills import PresentedKey
from app.verification.verdict import Asked
from demo.deployment import Deployment
from demo.serving import free_port
from tests.verification.counter import finished

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TILLS = 40


@contextmanager
def _silence() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


def test_a_silent_database_is_waited_for_once_and_not_by_every_till(tmp_path: Path) -> None:
    keyring.init(tmp_path, environment="demo", now=NOW)
    one = Presentation("no code", PresentedKey("k", False, b""), "till", Asked(at=NOW))  # noqa: FBT003 - a value of the key

    async def all_at_once(recorder: Recorder) -> list[object]:
        asked = (recorder.verify(one) for _ in range(TILLS))
        return list(await asyncio.gather(*asked, return_exceptions=True))

    with _silence() as port, capture_logs() as lines:
        database = Database(f"postgresql://nobody@127.0.0.1:{port}/nothing")
        recorder = Recorder(
            database, KeyRing(tmp_path), code_base="HTTPS://KAART.EXAMPLE", superseded="soft"
        )
        begun = time.monotonic()
        recorder.start()
        answers = finished(asyncio.wait_for(all_at_once(recorder), 30))
        recorder.stop()
        took_s = time.monotonic() - begun
    assert [type(answer) for answer in answers] == [Unavailable] * TILLS
    assert sum(line.get("size", 0) for line in lines) == TILLS
    assert took_s < 15


def test_headers_without_end_are_cut_off(deployment: Deployment) -> None:
    port = free_port()
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port"]
    with subprocess.Popen([*command, str(port)], env=deployment.environment) as server:
        try:
            assert _sent(port, 200) > 0
            assert _sent(port, 20_000_000) < 15_000_000
        finally:
            server.terminate()


def _sent(port: int, amount: int) -> int:
    """How many bytes of headers the server took before it ended the connection."""
    deadline, sent = time.monotonic() + 30, 0
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError):
            peer = socket.create_connection(("127.0.0.1", port), timeout=10)
            break
        time.sleep(0.1)
    with peer, suppress(ConnectionError):
        peer.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n")
        while sent < amount:
            sent += peer.send(b"x-more: " + b"a" * 10_000 + b"\r\n")
    return sent


@pytest.mark.parametrize("trusted", ["*", "10.0.0.1,*"])
def test_production_trusts_no_address_that_anybody_can_write(trusted: str) -> None:
    faults = Settings(environment="production", trusted_proxies=trusted).faults()
    assert any("TRUSTED_PROXIES" in fault for fault in faults)
    sound = Settings(environment="production", trusted_proxies="10.0.0.1").faults()
    assert not any("TRUSTED_PROXIES" in fault for fault in sound)
