"""The worker as a process: one round, a life until SIGTERM, and a start that is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.identity.model import StoredAttempt, WebSession
from demo import apns, google_wallet
from demo.deployment import Addresses, Deployment, make_credentials
from demo.serving import free_port, listening

COMMAND = [sys.executable, "-c", "from app.cli import main; main()", "worker"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where Apple and Google listen, and the environment of a worker between them."""

    apple: apns.World
    environment: dict[str, str]


@pytest.fixture
def clock(clock: Any) -> Any:
    """The clock of these tests shows the real time, by which the worker lives."""
    clock.moment = datetime.now(UTC)  # noqa: TID251 - see above
    return clock


@pytest.fixture
def around(tmp_path: Path, database_url: str, ring: Any, clock: Any) -> Iterator[Surroundings]:
    """A simulated Apple and Google."""
    assert ring.keys
    nowhere, google, pushes = "http://localhost:1", free_port(), free_port()
    addresses = Addresses(
        service=nowhere,
        identity_provider=nowhere,
        epd=nowhere,
        google=f"http://localhost:{google}",
        apns=f"https://localhost:{pushes}",
    )
    credentials = make_credentials(tmp_path, addresses, now=clock())
    deployment = Deployment(
        directory=tmp_path,
        database_url=database_url,
        addresses=addresses,
        credentials=credentials,
        shops={},
    )
    apple = apns.World("pass.example.lerarenkaart")
    with ExitStack() as open_:
        tls = apns.tls_context(credentials.apns.certificate, credentials.apple.root)
        open_.enter_context(apns.listening(apple, tls=tls, port=pushes))
        app = google_wallet.create_app([credentials.google_account], clock=clock)
        open_.enter_context(listening(app, google))
        yield Surroundings(apple, deployment.environment)


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _count(database: Database, model: type[StoredAttempt | WebSession]) -> int | None:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def _log_in(session: Any, at: datetime) -> None:
    secret = os.urandom
    session.add(
        StoredAttempt(
            state_hash=secret(32),
            browser_hash=secret(32),
            issuer="https://issuer.example",
            nonce="n",
            code_verifier="v",
            return_to="/",
            capacity="BUR",
            step_up=False,
            created_at=at,
        )
    )
    session.add(
        WebSession(token_hash=secret(32), authenticated_at=at, created_at=at, last_seen_at=at)
    )


def test_one_round_does_everything_that_is_due(
    office: Any, around: Surroundings, database: Database, clock: Any
) -> None:
    devices = office.with_devices(5)
    (google,) = office.issue(1, Carrier.GOOGLE)

    def work(session: Any) -> None:
        for at in (clock(), clock() - timedelta(days=1)):
            _log_in(session, at)
        session.get_one(WalletPass, google).code_issued_at -= 30 * 86_400

    database.transact(work)
    done = subprocess.run(
        [*COMMAND, "--once"], env=around.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert office.lagging() == set()
    assert around.apple.arrived == dict.fromkeys(devices, 1)
    assert office.passes()[google].confirmed_generation == 2
    assert (_count(database, StoredAttempt), _count(database, WebSession)) == (1, 1)
    events = ("rotated", "delivered", "log-ins")
    assert all(f'"{event}"' in done.stderr for event in events)


def test_a_worker_delivers_what_becomes_due_until_it_is_told_to_stop(
    office: Any, around: Surroundings
) -> None:
    with subprocess.Popen(COMMAND, env=around.environment, stderr=subprocess.PIPE) as worker:
        try:
            for count in (1, 2):
                (pass_id,) = office.issue(1)
                office.register(pass_id, f"{count:064x}")
                _until(lambda: not office.lagging())
        finally:
            worker.send_signal(signal.SIGTERM)
            _, said = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert b'"worker-stopped"' in said
    assert b"job-failed" not in said
    assert around.apple.connections == 1


def test_a_worker_that_is_told_to_stop_ends_soon_though_google_never_answers(
    office: Any, around: Surroundings, clock: Any
) -> None:
    google = around.environment["LERARENKAART_GOOGLE_WALLET_BASE_URL"]
    silence = {"kind": "silence", "times": 10_000, "path": "/"}
    httpx.post(f"{google}/_control", json={"faults": [silence]}).raise_for_status()
    office.issue(30, Carrier.GOOGLE)
    with subprocess.Popen(COMMAND, env=around.environment, stderr=subprocess.PIPE) as worker:
        try:
            _until(lambda: _asked_in_vain(google))
        finally:
            worker.send_signal(signal.SIGTERM)
            told_at = time.monotonic()
            _, said = worker.communicate(timeout=60)
    assert time.monotonic() - told_at < 5.0
    assert worker.returncode == 0
    (left,) = [json.loads(line) for line in said.splitlines() if b'"worker-left"' in line]
    assert "deliver-google" in left["jobs"]
    # What was under way is nobody's loss: it is due again once its lease is over.
    clock.moment = datetime.now(UTC)  # noqa: TID251 - the worker leased by the real time
    assert len(office.lagging()) == 30


def _asked_in_vain(google: str) -> list[str]:
    asked: list[str] = httpx.get(f"{google}/_state").json()["requests"]
    return asked


def test_a_worker_refuses_a_configuration_with_all_its_faults_in_one_sentence_each(
    tmp_path: Path,
) -> None:
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [*COMMAND, "--once"], env=path, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "LERARENKAART_GOOGLE_ISSUER_ID is not set" in done.stderr
    assert "Traceback" not in done.stderr
