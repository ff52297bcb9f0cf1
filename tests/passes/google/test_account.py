"""The service account, its access token, and what must never be seen of them."""

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.errors import Failure
from app.passes.google.account import AccessToken, Grant, ServiceAccount
from app.passes.google.client import GoogleWallet

Json = dict[str, Any]
Build = Callable[..., Json]
Google = Any  # the simulator of conftest.py

CANARY_NAME = "Kanarie Vogelzang"
CANARY_KEY = bytes.fromhex("c0ffee00112233445566778899aabbccddeeff00")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"private_key": 1}', '{"private_key": "x", "private_key_id": "y"}'],
)
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "account.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"account\.json"):
        ServiceAccount.load(path)


def test_a_key_file_with_another_kind_of_key_is_refused(tmp_path: Path, google: Google) -> None:
    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = tmp_path / "account.json"
    path.write_text(json.dumps(json.loads(google.account.read_text()) | {"private_key": pem}))
    with pytest.raises(ValueError, match="RSA"):
        ServiceAccount.load(path)


def test_the_key_file_is_readable_by_its_owner_only(google: Google) -> None:
    assert google.account.stat().st_mode & 0o777 == 0o600


def test_a_short_grant_is_renewed_halfway(now: datetime) -> None:
    assert Grant.lasting("t", 60, now=now).refresh_at == now + timedelta(seconds=30)
    assert Grant.lasting("t", 3600, now=now).refresh_at == now + timedelta(minutes=55)


def test_dropping_an_old_token_keeps_the_newer_one(now: datetime) -> None:
    access = AccessToken()
    grants = iter(["old", "new"])

    def fetch() -> Grant:
        return Grant.lasting(next(grants), 3600, now=now)

    assert access.get(fetch, now=now, wait_s=1) == "old"
    access.drop("old")
    assert access.get(fetch, now=now, wait_s=1) == "new"
    access.drop("old")
    assert access.get(fetch, now=now, wait_s=1) == "new"


def test_a_failed_fetch_is_not_remembered(now: datetime) -> None:
    access = AccessToken()

    def fail() -> Grant:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        access.get(fail, now=now, wait_s=1)
    assert access.get(lambda: Grant.lasting("t", 60, now=now), now=now, wait_s=1) == "t"


def test_who_waits_for_another_s_fetch_gives_up_in_time(now: datetime) -> None:
    access = AccessToken()
    go_on = threading.Event()

    def slow() -> Grant:
        go_on.wait(5)
        return Grant.lasting("t", 60, now=now)

    fetcher = threading.Thread(target=access.get, args=(slow,), kwargs={"now": now, "wait_s": 5})
    fetcher.start()
    while access._flight is None:  # noqa: SLF001 - the other thread must be on its way
        time.sleep(0.001)
    with pytest.raises(TimeoutError):
        access.get(slow, now=now, wait_s=0.01)
    go_on.set()
    fetcher.join()
    assert access.get(slow, now=now, wait_s=1) == "t"


KINDS = ["400", "401", "permission-403", "quota-403", "404", "409", "429", "500", "503"]
WIRE = ["disconnect", "lost-reply", "half-reply", "silence"]


@pytest.fixture
def spoken(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """All that was logged, at every level, and printed so far."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join([caplog.text, *capfd.readouterr()])


def test_no_key_name_or_token_is_ever_logged_or_raised(
    wallet: GoogleWallet,
    connect: Callable[..., GoogleWallet],
    google: Google,
    shown: Build,
    spoken: Callable[[], str],
) -> None:
    now = google.moment
    hasty = connect(budget_s=1.3, read_timeout_s=0.1, requests_per_s=1000)
    thing = shown(holder_name=CANARY_NAME, totp_key=CANARY_KEY)
    link = wallet.save_link(wallet.put_object(thing, now=now)["id"], now=now)
    seen = [repr(wallet), repr(wallet.__dict__)]
    for kind in KINDS + WIRE:
        google.control({"kind": kind, "times": 99})
        with pytest.raises(Failure) as caught:
            hasty.put_object(thing, now=now)
        seen += traceback.format_exception(caught.value)
    google.control()
    # Google's message repeats the value that it does not like.
    for fault in ({"state": CANARY_NAME}, {"hexBackgroundColor": CANARY_KEY.hex()}):
        with pytest.raises(Failure) as caught:
            wallet.put_object(thing | fault, now=now)
        seen += traceback.format_exception(caught.value)
    everything = "\n".join([*seen, spoken()])
    private_key = json.loads(google.account.read_text())["private_key"].splitlines()[5]
    secrets = [CANARY_NAME, CANARY_KEY.hex(), private_key, link, *google.state()["tokens"]]
    assert "retry" in everything
    assert [secret for secret in secrets if secret in everything] == []


def test_the_simulated_google_does_repeat_what_it_refuses(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    wallet.put_object(shown(), now=now)
    (token,) = google.state()["tokens"]
    answer = google.http.post(
        "/walletobjects/v1/genericObject",
        json=shown() | {"state": CANARY_NAME},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert CANARY_NAME in answer.json()["error"]["message"]
