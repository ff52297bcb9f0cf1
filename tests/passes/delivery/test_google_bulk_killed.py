"""A change for many passes whose worker is killed half-way, and the one that goes on."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes import progress
from app.passes.delivery import BATCH, Delivery, GoogleObjects
from app.passes.google.account import ServiceAccount
from app.passes.google.client import GoogleWallet
from app.passes.google.passes import GooglePasses
from app.passes.lease import LEASE
from app.passes.pace import Pace
from demo import google_account, google_wallet
from demo.serving import free_port, listening

MANY = 3 * BATCH // 2
# In the middle of the first batch, and of the second.
DEATHS = (40, BATCH + 20)


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process is made of; crosses to another process."""

    database_url: str
    keys: Path
    account: Path
    google: str

    @contextmanager
    def delivery(self, moment: datetime, *, dies_at: int | None = None) -> Iterator[Delivery]:
        """Its delivery; the process is killed when Google has answered so many calls."""
        wallet = GoogleWallet(
            ServiceAccount.load(self.account),
            base_url=self.google,
            save_url=self.google,
            pace=Pace(1000),
        )
        passes = GooglePasses(
            wallet, issuer_id=google_account.ISSUER_ID, public_url="https://kaart.example"
        )
        if dies_at is not None:
            passes.patch = _fatal(passes.patch, dies_at)  # type: ignore[method-assign]
        ring, database = KeyRing(self.keys), Database(self.database_url)
        objects = GoogleObjects(database, ring, passes, code_base="HTTPS://KAART.EXAMPLE")
        yield Delivery(database, objects, clock=lambda: moment)
        database.close()
        wallet.close()

    def work(self, moment: datetime, dies_at: int | None = None) -> None:
        """Bring what is due, or die on the way."""
        with self.delivery(moment, dies_at=dies_at) as delivery:
            while delivery.run():
                pass


def _fatal(call: Any, dies_at: int) -> Any:
    calls = count(1)

    def answered(*asked: Any, **options: Any) -> Any:
        answer = call(*asked, **options)
        if next(calls) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return answered


@pytest.mark.parametrize("dies_at", DEATHS)
def test_another_worker_ends_what_a_killed_one_began_and_no_pass_changes_twice(
    office: Any, database_url: str, tmp_path: Path, clock: Any, dies_at: int
) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    account = google_account.create(tmp_path, f"{url}/token")
    worker = Worker(database_url, tmp_path / "keys", account, url)
    office.issue(MANY, Carrier.GOOGLE)
    with (
        listening(google_wallet.create_app([account], clock=clock), port),
        httpx.Client(base_url=url) as google,
    ):
        google.post("/_control", json={"requests_per_s": 1000}).raise_for_status()
        worker.work(clock())
        _suspend_all(office.database)
        clock.advance(hours=1)
        victim = get_context("spawn").Process(target=worker.work, args=(clock(), dies_at))
        victim.start()
        victim.join()
        assert victim.exitcode == -signal.SIGKILL
        # What was brought but not written down still lags: the picture is never too good.
        assert _lagging(office) == MANY - dies_at // BATCH * BATCH
        clock.advance(seconds=LEASE.total_seconds())
        worker.work(clock())
        assert _lagging(office) == 0
        state = google.get("/_state").json()
        assert {one["state"] for one in state["objects"].values()} == {"INACTIVE"}
        assert [state["changes"][name] for name in state["objects"]] == [1] * MANY


def _suspend_all(database: Database) -> None:
    def work(session: Session) -> None:
        session.execute(update(Card).values(status=CardStatus.SUSPENDED))
        session.execute(update(WalletPass).values(revision=WalletPass.revision + 1))

    database.transact(work)


def _lagging(office: Any) -> int:
    with office.database.reading() as session:
        return progress.read(session, Carrier.GOOGLE, now=office.clock()).lagging
