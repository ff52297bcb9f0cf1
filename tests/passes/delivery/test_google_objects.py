"""Google passes come into line with their rows; what Google refuses for good is given up."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cards import lifecycle, names
from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes import lease
from app.passes.delivery import Delivery, GoogleObjects
from app.passes.google import GoogleWallet
from app.passes.google_account import ServiceAccount
from app.passes.google_passes import GooglePasses
from demo import google_account, google_wallet
from demo.serving import free_port, listening


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """A port, and the key of an account that gets its tokens there."""
    port = free_port()
    folder = tmp_path_factory.mktemp("google")
    return port, google_account.create(folder, f"http://localhost:{port}/token")


@pytest.fixture
def google(place: tuple[int, Path], clock: Any) -> Iterator[httpx.Client]:
    """A simulated Google that knows nothing yet."""
    port, account = place
    with (
        listening(google_wallet.create_app([account], clock=clock), port),
        httpx.Client(base_url=f"http://localhost:{port}") as http,
    ):
        http.post("/_control", json={"requests_per_s": 1000}).raise_for_status()
        yield http


@pytest.fixture
def delivery(
    google: httpx.Client, place: tuple[int, Path], database: Database, office: Any, clock: Any
) -> Iterator[Delivery]:
    """The delivery to that Google."""
    url = str(google.base_url).rstrip("/")
    wallet = GoogleWallet(
        ServiceAccount.load(place[1]),
        base_url=url,
        save_url=url,
        requests_per_s=500,
        budget_s=0.5,
    )
    with closing(wallet):
        passes = GooglePasses(
            wallet, issuer_id=google_account.ISSUER_ID, public_url="https://kaart.example"
        )
        objects = GoogleObjects(database, office.ring, passes, code_base="HTTPS://KAART.EXAMPLE")
        yield Delivery(database, objects, clock=clock)


def _objects(google: httpx.Client) -> dict[str, Any]:
    found = google.get("/_state").json()["objects"]
    return {name.partition(".")[2]: value for name, value in found.items()}


def test_a_pass_that_google_never_got_is_inserted(
    office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    passes = office.issue(5, Carrier.GOOGLE)
    assert (delivery.run(), delivery.run()) == (5, 0)
    rows = [office.passes()[pass_id] for pass_id in passes]
    assert _objects(google).keys() == {one.serial for one in rows}
    assert {(one.pushed_revision, one.confirmed_generation) for one in rows} == {(1, 1)}
    assert {one.confirmed_at for one in rows} == {office.clock()}


def test_a_pass_that_google_has_is_brought_to_its_newest_state(
    office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    (pass_id,) = office.issue(1, Carrier.GOOGLE)
    delivery.run()

    def name(session: Any) -> None:
        teacher = session.get_one(WalletPass, pass_id).card.teacher
        names.keep(office.ring.keys, teacher, names.Name("An", "Peeters"))

    office.database.transact(name)
    office.change(lifecycle.suspend, pass_id, why="asked")
    delivery.run()
    (shown,) = _objects(google).values()
    assert "An Peeters" in str(shown["header"])
    assert shown["state"] == "INACTIVE"
    office.change(lifecycle.revoke, pass_id, why="lost")
    delivery.run()
    (shown,) = _objects(google).values()
    assert "An Peeters" not in str(shown)
    assert office.passes()[pass_id].pushed_revision == 3


@pytest.mark.parametrize("kind", ["disconnect", "lost-reply", "503", "429"])
def test_trouble_on_the_way_to_google_is_met_with_patience(
    kind: str, office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    (pass_id,) = office.issue(1, Carrier.GOOGLE)
    fault = {"kind": kind, "times": 100, "method": "POST"}
    google.post("/_control", json={"faults": [fault]}).raise_for_status()
    assert delivery.run() == 1
    row = office.row(pass_id)
    assert row is not None
    assert (row.attempts, row.parked_reason) == (1, None)
    assert delivery.run() == 0
    google.post("/_control", json={}).raise_for_status()
    office.clock.advance(minutes=15)
    assert delivery.run() == 1
    assert office.lagging() == set()


def test_what_google_refuses_for_good_is_given_up_at_once_until_it_changes(
    office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    (good, bad) = office.issue(2, Carrier.GOOGLE)
    delivery.run()
    for pass_id in (good, bad):
        office.change(lifecycle.suspend, pass_id, why="asked")
    fault = {"kind": "400", "times": 1, "method": "PATCH", "path": office.passes()[bad].serial}
    google.post("/_control", json={"faults": [fault]}).raise_for_status()
    delivery.run()
    office.clock.advance(days=1)
    assert delivery.run() == 0
    assert office.lagging() == {bad}
    (reason,) = office.reasons().values()
    assert reason.startswith("400 ")
    office.change(lifecycle.resume, bad, why="asked")
    assert delivery.run() == 1
    assert office.lagging() == set()


def test_a_pass_that_cannot_be_made_fails_alone(
    office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    (good, bad) = office.issue(2, Carrier.GOOGLE)

    def spoil(session: Any) -> None:
        session.get_one(WalletPass, bad).card.teacher.data_key = b"\x01spoiled"
        session.get_one(WalletPass, bad).card.teacher.name = b"spoiled"

    office.database.transact(spoil)
    assert delivery.run() == 2
    assert office.lagging() == {bad}
    assert len(_objects(google)) == 1
    row = office.row(bad)
    assert row is not None
    assert row.attempts == 1
    assert office.passes()[good].pushed_revision == 1


def test_passes_of_the_other_wallet_are_left_alone(
    office: Any, delivery: Delivery, database: Database
) -> None:
    apple = office.issue(1)
    assert delivery.run() == 0
    batch = database.transact(
        lambda session: lease.take(session, Carrier.APPLE, limit=5, now=office.clock())
    )
    assert [one.pass_id for one in batch.due] == apple
