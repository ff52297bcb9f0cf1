"""Google calls: genuine callbacks change what we know, and nothing else gets in."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes.model import CallbackNonce, GoogleHolding
from demo.google_account import ISSUER_ID
from demo.google_callbacks import Callbacks
from tests.api.stage import Service

CALLBACK = "/google/callback"


def held(database: Database) -> list[bool]:
    """Whether each Google pass that we heard of is in somebody's wallet."""
    with database.reading() as session:
        return list(session.scalars(select(GoogleHolding.held)))


def save(service: Service) -> str:
    """A teacher adds the card to Google Wallet and follows the link; the object's id."""
    headers = service.as_teacher(service.with_card())
    link = service.http.post("/card/google", headers=headers).headers["location"]
    httpx.get(link).raise_for_status()
    return str(service.google_objects()[-1]["id"])


def remove(service: Service, object_id: str) -> None:
    """The teacher removes it from the phone."""
    google = service.world.addresses.google
    httpx.post(f"{google}/_phone/remove/{object_id}").raise_for_status()


def answers(service: Service) -> list[int]:
    """What we answered to the callbacks so far."""
    state = httpx.get(f"{service.world.addresses.google}/_state").json()
    return list(state["callback_answers"])


def settled(service: Service, count: int) -> list[int]:
    """The same, once there are that many."""
    for _ in range(200):
        if len(got := answers(service)) >= count:
            return got
        service.http.get("/healthz")
    return answers(service)


def test_a_save_and_a_removal_on_the_phone_reach_us(service: Service, database: Database) -> None:
    service.script("google")
    object_id = save(service)
    assert settled(service, 1) == [200]
    assert held(database) == [True]
    remove(service, object_id)
    assert settled(service, 2) == [200, 200]
    assert held(database) == [False]


def test_what_comes_twice_or_backwards_is_understood(service: Service, database: Database) -> None:
    service.script("google", callbacks="held")
    object_id = save(service)
    remove(service, object_id)
    assert held(database) == []
    service.script("google", callbacks="twice")
    assert settled(service, 4) == [200] * 4
    assert held(database) == [False]
    with database.reading() as session:
        assert session.query(CallbackNonce).count() == 2


def test_keys_that_google_changed_are_learnt(service: Service, database: Database) -> None:
    service.script("google")
    object_id = save(service)
    settled(service, 1)
    httpx.post(f"{service.world.addresses.google}/_keys").raise_for_status()
    service.clock.advance(minutes=2)
    remove(service, object_id)
    assert settled(service, 2) == [200, 200]
    assert held(database) == [False]


@pytest.fixture
def stranger(service: Service) -> Callbacks:
    """Somebody who signs just as Google does, but with keys of their own."""
    return Callbacks(issuer_id=ISSUER_ID, clock=service.clock)


def test_what_somebody_else_signed_changes_nothing(
    service: Service, stranger: Callbacks, database: Database
) -> None:
    service.script("google", callbacks="held")
    object_id = save(service)
    body = stranger.signed(f"{ISSUER_ID}.lerarenkaart-v1", object_id, "save")
    answer = service.http.post(CALLBACK, content=body)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert held(database) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<xml/>", b"\xff", b"[" * 60_000])
def test_what_is_no_callback_at_all_is_malformed(service: Service, body: bytes) -> None:
    answer = service.http.post(CALLBACK, content=body)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/problems/malformed-request")


def test_a_body_larger_than_any_callback_is_not_read(service: Service) -> None:
    assert service.http.post(CALLBACK, content=b" " * 70_000).status_code == 413


@pytest.fixture
def ours(service: Service) -> Callable[..., httpx.Response]:
    """Post a message that Google signed, some fields of it changed."""
    service.script("google", callbacks="held")
    object_id = save(service)
    google = service.world.addresses.google

    def post(headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        message = {
            "classId": f"{ISSUER_ID}.lerarenkaart-v1",
            "objectId": object_id,
            "eventType": "save",
            "expTimeMillis": int((service.clock() + timedelta(hours=1)).timestamp() * 1000),
            "count": 1,
            "nonce": "n",
        }
        signed = httpx.post(f"{google}/_sign", json=message | changes)
        return service.http.post(CALLBACK, content=signed.content, headers=headers)

    return post


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"expTimeMillis": 1}, 401),
        ({"objectId": f"{ISSUER_ID}.{'0' * 32}"}, 404),
        ({"objectId": "3388000000000000001.x"}, 404),
        ({"objectId": ISSUER_ID}, 404),
        ({"classId": f"{ISSUER_ID}.another"}, 404),
        ({"eventType": "other"}, 400),
        ({"nonce": "n" * 65}, 401),
    ],
)
def test_each_of_the_last_checks_refuses_in_its_own_words(
    ours: Callable[..., httpx.Response], changes: dict[str, Any], status: int
) -> None:
    assert ours(**changes).status_code == status


def test_google_needs_no_cookie_form_token_or_origin(
    ours: Callable[..., httpx.Response], database: Database
) -> None:
    headers = {"origin": "https://pay.google.com", "content-type": "text/plain"}
    assert ours(headers).status_code == 200
    assert held(database) == [True]


def test_a_pass_on_another_wallet_is_not_meant(
    ours: Callable[..., httpx.Response], database: Database
) -> None:
    with database.reading() as session:
        web = select(WalletPass.serial).where(WalletPass.carrier == Carrier.WEB)
        serial = session.scalars(web).first()
    assert ours(objectId=f"{ISSUER_ID}.{serial}").status_code == 404


def test_without_google_s_keys_google_is_asked_to_come_again(
    service: Service, ours: Callable[..., httpx.Response], database: Database
) -> None:
    service.script("google", callbacks="held", faults=[{"kind": "503", "path": "/issuer/keys"}])
    answer = ours()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert held(database) == []
    service.clock.advance(seconds=11)
    assert ours().status_code == 200


def test_no_id_of_a_callback_is_logged(
    ours: Callable[..., httpx.Response], logs: Any, database: Database
) -> None:
    ours()
    ours(eventType="other")
    with database.reading() as session:
        serials = session.scalars(select(WalletPass.serial)).all()
    said = json.dumps([*logs], default=str)
    assert "google-callback" in said
    assert "google-callback-refused" in said
    assert not [serial for serial in serials if serial in said]
