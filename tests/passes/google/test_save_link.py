"""The link a teacher follows to save the pass, read by others' JWT libraries and by Google."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.auth import crypt
from google.auth import jwt as google_jwt

from app.passes.google.account import ServiceAccount
from app.passes.google.client import SAVE_JWT_LIMIT, GoogleWallet

Json = dict[str, Any]
Build = Callable[..., Json]
Google = Any  # the simulator of conftest.py


def token(link: str) -> str:
    """The JWT at the end of a save link."""
    return urlsplit(link).path.rpartition("/")[2]


@pytest.fixture
def link(wallet: GoogleWallet, shown: Build, now: datetime) -> str:
    """The link to a pass that Google has."""
    return wallet.save_link(wallet.put_object(shown(), now=now)["id"], now=now)


def test_the_claims_are_those_of_google_s_table(
    link: str, account: ServiceAccount, shown: Build, now: datetime
) -> None:
    claims = jwt.decode(
        token(link),
        account.key.public_key(),
        algorithms=["RS256"],
        audience="google",
        options={"verify_iat": False},
    )
    assert claims == {
        "iss": account.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": ["https://kaart.example"],
        "payload": {"genericObjects": [{"id": shown()["id"]}]},
    }


def test_the_header_names_the_key(link: str, google: Google) -> None:
    key_id = json.loads(google.account.read_text())["private_key_id"]
    assert jwt.get_unverified_header(token(link)) == {"alg": "RS256", "typ": "JWT", "kid": key_id}


def test_google_s_own_library_reads_it(link: str, account: ServiceAccount) -> None:
    header, claims, signed, signature = google_jwt._unverified_decode(token(link))  # noqa: SLF001 - its public decode insists on an exp, which a save link has not
    public = account.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert crypt.RSAVerifier.from_string(public).verify(signed, signature)
    assert header["alg"] == "RS256"
    assert claims["typ"] == "savetowallet"


def test_moments_are_whole_seconds(wallet: GoogleWallet, now: datetime) -> None:
    late = now + timedelta(milliseconds=750)
    payload = token(wallet.save_link("3388000000099999999.x", now=late)).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert type(claims["iat"]) is int
    assert claims["iat"] == int(now.timestamp())


def test_neither_key_nor_name_nor_code_travels_in_the_link(link: str, shown: Build) -> None:
    parts = [base64.urlsafe_b64decode(part + "==") for part in token(link).split(".")[:2]]
    for secret in ("An Peeters", shown()["rotatingBarcode"]["totpDetails"]["parameters"][0]["key"]):
        assert all(secret.encode() not in part for part in parts)
    assert b"KAART.EXAMPLE/1" not in parts[1]


def test_the_link_fits_into_every_browser(link: str) -> None:
    assert len(token(link)) <= 1000 < SAVE_JWT_LIMIT


def test_a_link_too_long_for_a_browser_is_never_made(
    connect: Callable[..., GoogleWallet], now: datetime
) -> None:
    wallet = connect(origins=[f"https://school-{number}.example" for number in range(60)])
    with pytest.raises(ValueError, match="too long"):
        wallet.save_link("3388000000099999999.x", now=now)


def test_following_the_link_saves_the_pass(link: str, google: Google, shown: Build) -> None:
    answer = httpx.get(link)
    assert answer.status_code == 200
    assert "Lerarenkaart" in answer.text
    assert list(google.state()["users"]) == [shown()["id"]]


def test_google_then_says_that_the_pass_has_users(
    link: str, wallet: GoogleWallet, shown: Build, now: datetime
) -> None:
    httpx.get(link).raise_for_status()
    assert wallet.get_object(shown()["id"], now=now)["hasUsers"] is True


def test_a_forwarded_link_opens_nothing_for_another_account(link: str, google: Google) -> None:
    httpx.get(link, params={"user": "teacher@example.com"}).raise_for_status()
    answer = httpx.get(link, params={"user": "friend@example.com"})
    assert answer.status_code == 400
    assert set(google.state()["users"].values()) == {"teacher@example.com"}


FAULTS: dict[str, Json] = {
    "another audience": {"aud": "apple"},
    "another type": {"typ": "JWT"},
    "another signer's name": {"iss": "somebody@example.com"},
    "text instead of seconds": {"iat": "1795514400"},
    "milliseconds": {"iat": 1795514400000},
    "no moment": {"iat": None},
    "an object that is not there": {
        "payload": {"genericObjects": [{"id": "3388000000099999999.0"}]}
    },
    "an object with its class": {
        "payload": {
            "genericObjects": [
                {
                    "id": "3388000000099999999.0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                    "classId": "3388000000099999999.lerarenkaart-v1",
                }
            ]
        }
    },
    "too long": {"origins": ["https://kaart.example/" + "x" * 2000]},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_simulated_google_refuses_a_link_with_one_fault(
    link: str, account: ServiceAccount, google: Google, fault: str
) -> None:
    claims = jwt.decode(token(link), options={"verify_signature": False})
    answer = httpx.get(f"{google.url}/gp/v/save/{account.sign(claims | FAULTS[fault])}")
    assert answer.status_code == 400
    assert google.state()["users"] == {}


def test_the_simulated_google_refuses_a_stranger_and_a_forged_signature(
    link: str, google: Google, account: ServiceAccount
) -> None:
    stranger = ServiceAccount.load(google.stranger)
    claims = jwt.decode(token(link), options={"verify_signature": False})
    foreign = stranger.sign(claims | {"iss": stranger.email})
    forged = token(link)[:-6] + "AAAAAA"
    borrowed = replace(stranger, key_id=account.key_id).sign(claims)
    for bad in (foreign, forged, borrowed, "no.jwt.at-all"):
        assert httpx.get(f"{google.url}/gp/v/save/{bad}").status_code == 400
