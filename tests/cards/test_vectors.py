"""Every published vector that the card token alone decides."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.cards import totp
from app.cards.initials import initials_of, initials_text
from app.cards.token import (
    Carrier,
    Fault,
    Tail,
    Token,
    TokenKey,
    authenticate,
    code,
    mint,
    read,
)

BASE = "HTTPS://KAART.EXAMPLE"
Case = dict[str, Any]
Keys = Mapping[int, TokenKey]


def test_minting_gives_the_published_text(mint_case: Case, keys: Keys) -> None:
    asked, expected = mint_case["input"], mint_case["expect"]
    unit_s = {"seconds": 1, "hours": 3600}[asked["lifetime_unit"]]
    body = mint(
        keys[asked["kid"]],
        carrier=Carrier[asked["carrier"].upper()],
        pass_number=int(asked["pass_number"]),
        counter=asked.get("counter"),
        issued_at=asked["moment"],
        lifetime_s=asked["lifetime_value"] * unit_s,
        initials=initials_of(*(letter or "" for letter in asked["initials"])),
        test=asked["test"],
    )
    tail = Tail(**asked["tail"]) if "tail" in asked else None
    assert code(BASE, body, tail) == expected["text"]
    token = read(expected["text"], BASE)
    assert isinstance(token, Token)
    assert token.payload.hex() == expected["payload_hex"]
    assert token.reference.hex() == expected["reference_hex"]
    assert (b"LK1\0" + token.payload).hex() == expected["signed_message_hex"]
    assert decoded(expected["text"], keys) == mint_case["decoded"]


def test_reading_gives_the_published_result(read_case: Case, keys: Keys) -> None:
    assert decoded(read_case["input"]["text"], keys) == read_case["expect"]


def decoded(text: str, keys: Keys) -> dict[str, Any]:
    token = read(text, BASE)
    opened = token if isinstance(token, Fault) else authenticate(token, keys)
    if isinstance(token, Fault) or isinstance(opened, Fault):
        return {"ok": False, "reason": str(opened)}
    in_hours = token.payload[6] >> 7
    letters = (token.initials & 31 << 5, token.initials & 31)
    return {
        "ok": True,
        "canonical": code(BASE, token.body, token.tail),
        "carrier": token.carrier.label,
        "test": token.test,
        "kid": token.key_id,
        "issued_at": token.issued_at,
        "lifetime_unit": "hours" if in_hours else "seconds",
        "lifetime_value": token.lifetime_s // (3600 if in_hours else 1),
        "ends_at": token.ends_at,
        "reference_hex": token.reference.hex(),
        "initials": [initials_text(letter) or None for letter in letters],
        "tail": {"seconds": token.tail.seconds, "digits": token.tail.digits}
        if token.tail
        else None,
        "pass_number": str(opened.pass_number),
        "counter": opened.counter,
    }


def test_one_time_passwords_are_as_published(totp_case: Case, keys: Keys) -> None:
    asked, expected = totp_case["input"], totp_case["expect"]
    key = keys[asked["kid"]].totp_key(int(asked["pass_number"]), asked["generation"])
    assert key.hex() == expected["key_hex"]
    assert asked["unix_time"] // totp.PERIOD_S == expected["step"]
    assert totp.totp(key, expected["step"]) == expected["digits"]


def test_tails_are_matched_as_published(totp_window_case: Case, keys: Keys) -> None:
    asked, expected = totp_window_case["input"], totp_window_case["expect"]
    key = keys[asked["kid"]].totp_key(int(asked["pass_number"]), asked["generation"])
    found = totp.match(key, asked["seconds"], asked["digits"], now_s=asked["server_time"])
    assert found == totp.TailMatch(expected["result"], expected.get("step"))


def test_initials_are_packed_as_published(initials_case: Case) -> None:
    asked, expected = initials_case["input"], initials_case["expect"]
    value = initials_of(asked["first"], asked["family"])
    assert value == expected["value"]
    assert initials_text(value) == "".join(letter or "" for letter in expected["initials"])


@pytest.mark.parametrize("key_id", [1, 2, 3, 4])
def test_public_keys_are_as_published(key_id: int, keys: Keys, vectors: dict[str, Any]) -> None:
    (published,) = (entry for entry in vectors["keys"] if entry["kid"] == key_id)
    assert keys[key_id].jwk() == published["public_jwk"]
