"""The live card on one device at a time, and everybody who asks for its codes in its place."""

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from app.cards.model import CardEvent, WalletPass
from app.db import Database
from app.passes.model import LiveDevice
from demo.browser import Browser
from demo.device import prove, public_jwk
from demo.shop import gist
from tests.api.stage import Clock, Service

STRIPS = "/card/strips"


def live(browser: Browser) -> Browser:
    browser.open("/card/live")
    return browser


def rows(database: Database) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        return [
            *session.execute(select(LiveDevice.pass_id, LiveDevice.thumbprint)).all(),
            *session.execute(select(WalletPass.id, WalletPass.pass_number)).all(),
            *session.execute(select(CardEvent.id, CardEvent.what)).all(),
        ]


def reasons(service: Service, codes: list[str]) -> list[object]:
    till = service.till()
    return [gist(till.scan(code))["reason"] for code in codes]


def codes(answer: Any) -> list[str]:
    return [strip["code"] for strip in answer.json()["strips"]]


def test_a_second_phone_asks_and_ends_the_first_with_all_it_has_in_store(
    service: Service, database: Database, clock: Clock
) -> None:
    first = live(service.with_card())
    stored = codes(first.fetch(STRIPS))
    second = live(service.logged_in())
    before = rows(database)
    assert second.fetch(STRIPS).status_code == 409
    assert rows(database) == before

    fresh = codes(second.fetch(STRIPS, moving="true"))
    assert reasons(service, [stored[0], fresh[0]]) == ["unknown_card", "ok"]
    clock.advance(seconds=30)
    assert reasons(service, [stored[1], fresh[1]]) == ["unknown_card", "ok"]
    assert first.fetch(STRIPS).status_code == 409
    # The second goes on without a word, and the first may have the card back.
    assert second.fetch(STRIPS).status_code == 200
    assert first.fetch(STRIPS, moving="true").status_code == 200
    assert second.fetch(STRIPS).status_code == 409


def test_a_proof_is_good_for_its_session_its_address_and_its_time_only(
    service: Service, database: Database, clock: Clock
) -> None:
    phone, other = live(service.with_card()), live(service.logged_in())
    address = f"{service.address}{STRIPS}"
    nonce, foreign = (_nonce(one) for one in (phone, other))
    assert nonce != foreign
    key = phone.device
    good = prove(key, "POST", address, nonce)
    header, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})

    def signed(headers: dict[str, Any], **changed: object) -> str:
        typed = {"typ": "dpop+jwt", "jwk": public_jwk(key)} | headers
        return jwt.encode(claims | changed, key, algorithm="ES256", headers=typed)

    stranger = ec.generate_private_key(ec.SECP256R1())
    wrong = {
        "none": "",
        "no token": "x" * 40,
        "endless": "x" * 5_000,
        "of another session": prove(key, "POST", address, foreign),
        "for another address": prove(key, "POST", f"{service.address}/card", nonce),
        "for another method": prove(key, "GET", address, nonce),
        "for another type": signed({"typ": "JWT"}),
        "with the key of a stranger": signed({"jwk": public_jwk(stranger)}),
        "with a private key": signed({"jwk": public_jwk(key) | {"d": "AA"}}),
        "with more in the header": signed({"kid": "1"}),
        "without a nonce": signed({}, nonce=None),
        "broken": f"{header}.{payload}.{signature[:-4]}AAAA",
        "unsigned": f"{header}.{payload}.",
    }
    headers = service.as_teacher(phone)
    before = rows(database)
    for name, proof in wrong.items():
        answer = service.http.post(STRIPS, headers=headers | {"dpop": proof})
        assert (name, answer.status_code) == (name, 401)
        assert answer.headers["dpop-nonce"] == nonce
    assert rows(database) == before
    assert service.http.post(STRIPS, headers=headers | {"dpop": good}).status_code == 200
    clock.advance(minutes=11)
    stale = service.http.post(STRIPS, headers=headers | {"dpop": good})
    assert (stale.status_code, stale.headers["dpop-nonce"] != nonce) == (401, True)


def _nonce(browser: Browser) -> str:
    return browser.page.text.partition('name="proof-nonce" content="')[2].partition('"')[0]


def test_codes_for_an_hour_come_on_request_and_no_more(service: Service) -> None:
    phone = live(service.with_card())
    assert len(codes(phone.fetch(STRIPS))) == 20
    assert len(codes(phone.fetch(STRIPS, minutes="60"))) == 120
    assert phone.fetch(STRIPS, minutes="61").status_code == 422
