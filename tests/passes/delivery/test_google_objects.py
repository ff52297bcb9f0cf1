"""Google passes come into line with their rows; what Google refuses for good is given up."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cards import lifecycle, names
from app.cards.activation import confirm
from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes import lease, progress
from app.passes.delivery import Delivery, GoogleObjects
from app.passes.google.account import ServiceAccount
from app.passes.google.client import GoogleWallet
from app.passes.google.passes import GooglePasses
from app.passes.model import GoogleHolding
from app.passes.pace import Pace
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
def passes(google: httpx.Client, place: tuple[int, Path]) -> Iterator[GooglePasses]:
    """Our passes at that Google."""
    url = str(google.base_url).rstrip("/")
    wallet = GoogleWallet(
        ServiceAccount.load(place[1]),
        base_url=url,
        save_url=f"{url}/gp/v/save",
        pace=Pace(500),
        budget_s=3.0,
    )
    with closing(wallet):
        yield GooglePasses(
            wallet, issuer_id=google_account.ISSUER_ID, public_url="https://kaart.example"
        )


@pytest.fixture
def delivery(passes: GooglePasses, database: Database, office: Any, clock: Any) -> Delivery:
    """The delivery to that Google."""
    objects = GoogleObjects(database, office.ring, passes, code_base="HTTPS://KAART.EXAMPLE")
    return Delivery(database, objects, clock=clock)


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


CLASS = "genericClass"


def _script(google: httpx.Client, *faults: dict[str, Any]) -> None:
    google.post(
        "/_control", json={"faults": list(faults), "requests_per_s": 1000}
    ).raise_for_status()


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "permission-403", "times": 99}],
        [{"kind": "401", "times": 99}],
        [{"kind": "400", "path": "/token", "times": 99}],
        [{"kind": "400", "path": CLASS, "times": 99}],
    ],
    ids=["no permission", "no access", "no token", "a bad class"],
)
def test_when_google_refuses_us_no_pass_is_given_up_and_nobody_knocks_on(
    faults: list[dict[str, Any]], office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    passes = office.issue(5, Carrier.GOOGLE)
    _script(google, *faults)
    assert delivery.run() == 5
    asked = len(google.get("/_state").json()["requests"])
    assert delivery.run() == 0
    assert len(google.get("/_state").json()["requests"]) == asked
    assert (office.lagging(), office.reasons()) == (set(passes), {})
    with office.database.reading() as session:
        assert progress.read(session, Carrier.GOOGLE, now=office.clock()).refused_since
    # One pass is enough to see that it was mended; then all the others follow.
    _script(google)
    office.clock.advance(minutes=15)
    assert (delivery.run(), delivery.run()) == (1, 4)
    assert office.lagging() == set()


def test_a_permission_that_lacks_for_one_pass_only_gives_up_that_pass(
    office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    (good, bad) = office.issue(2, Carrier.GOOGLE)
    delivery.run()
    for pass_id in (good, bad):
        office.change(lifecycle.suspend, pass_id, why="asked")
    path = f"genericObject/{google_account.ISSUER_ID}.{office.passes()[bad].serial}"
    _script(google, {"kind": "permission-403", "times": 9, "path": path})
    assert delivery.run() == 2
    assert office.reasons() == {bad: "403 permissionDenied"}
    assert office.lagging() == {bad}


def test_every_answer_tells_whether_anybody_has_the_pass(
    office: Any, delivery: Delivery, passes: GooglePasses
) -> None:
    (held, left) = office.issue(2, Carrier.GOOGLE)
    delivery.run()
    link = passes.save_link(office.passes()[held].serial, now=office.clock())
    httpx.get(link).raise_for_status()
    office.clock.advance(minutes=1)
    for pass_id in (held, left):
        office.change(lifecycle.suspend, pass_id, why="asked")
    delivery.run()
    with office.database.reading() as session:
        assert [row.pass_id for row in session.query(GoogleHolding) if row.held] == [held]
        assert session.query(GoogleHolding).count() == 1


def test_a_state_that_a_newer_one_overtook_on_its_way_is_brought_again(
    office: Any, delivery: Delivery, google: httpx.Client
) -> None:
    (pass_id,) = office.issue(1, Carrier.GOOGLE)
    delivery.run()
    before = office.passes()[pass_id]
    office.change(lifecycle.revoke, pass_id, why="lost")
    delivery.run()
    # A teacher's press that had read the pass before: its object lands last.
    serial = f"{google_account.ISSUER_ID}.{before.serial}"
    late = _objects(google)[before.serial] | {"state": "ACTIVE"}
    _overwrite(google, serial, late)
    office.database.transact(
        lambda session: confirm(
            session, pass_id, generation=1, revision=before.revision, now=office.clock()
        )
    )
    assert office.lagging() == {pass_id}
    assert delivery.run() == 1
    assert _objects(google)[before.serial]["state"] == "INACTIVE"
    assert office.lagging() == set()


def _overwrite(google: httpx.Client, name: str, resource: dict[str, Any]) -> None:
    token = google.get("/_state").json()["tokens"][-1]
    google.put(
        f"/walletobjects/v1/genericObject/{name}",
        json=resource,
        headers={"Authorization": f"Bearer {token}"},
    ).raise_for_status()
