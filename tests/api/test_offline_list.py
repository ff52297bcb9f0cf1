"""What an offline scanner fetches: the keys, and the list of codes to refuse."""

import base64
import hashlib
import hmac
import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.crockford import ALPHABET
from app.cards.keyring import KeyRing
from app.cards.model import Card, WalletPass
from app.db import Database
from app.passes.codes import wallet_code
from app.verification import partners
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import bearer

LIST = "/api/v1/offline-list"
JWKS = "/.well-known/jwks.json"


def fetched(service: Service, **headers: str) -> httpx.Response:
    return service.http.get(LIST, headers=bearer(service) | headers)


def opened(service: Service, answer: httpx.Response) -> dict[str, Any]:
    """The claims of a list, its signature checked as WebCrypto would: r and s, 32 bytes each."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jose"
    signed, _, signature = answer.text.rpartition(".")
    header, claims = (json.loads(unpadded(part)) for part in signed.split("."))
    assert (header["alg"], header["typ"]) == ("ES256", "lk1-offline-list+jwt")
    keys = {key["kid"]: key for key in service.http.get(JWKS).json()["keys"]}
    x, y = (int.from_bytes(unpadded(keys[header["kid"]][name])) for name in "xy")
    r, s = (int.from_bytes(half) for half in halves(unpadded(signature)))
    ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify(
        utils.encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256())
    )
    found: dict[str, Any] = claims
    return found


def halves(octets: bytes) -> tuple[bytes, bytes]:
    assert len(octets) == 64
    return octets[:32], octets[32:]


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def reference(code: str) -> bytes:
    """Bytes 8 to 24 of a code's body, read here once more."""
    body = code.split("/")[3].removeprefix("1")
    bits = "".join(f"{ALPHABET.index(symbol):05b}" for symbol in body)
    return int(bits[:728], 2).to_bytes(91)[8:24]


def listed(claims: dict[str, Any], codes: Collection[str]) -> list[bool]:
    prefixes = unpadded(claims["prefixes"])
    found = [prefixes[at : at + 8] for at in range(0, len(prefixes), 8)]
    assert found == sorted(set(found))
    assert len(found) == claims["count"]
    salt = unpadded(claims["salt"])
    return [hmac.new(salt, reference(code), hashlib.sha256).digest()[:8] in found for code in codes]


def test_the_list_names_every_unexpired_code_of_a_refused_card_and_no_other(
    service: Service, database: Database, clock: Clock
) -> None:
    teacher = service.with_card()
    apple, google = service.apple_code(teacher), service.google_code(teacher)
    web, paper = service.web_codes(teacher)[0], service.printed()[0]
    ring = KeyRing(service.deployment.directory / "keys")
    generations = [apple]

    def rotate(session: Session) -> str:
        wallet_pass = session.scalars(select(WalletPass).where(WalletPass.carrier == 2)).one()
        lifecycle.rotate(session, wallet_pass, keys=ring.keys, why="apple-aged", now=clock())
        return wallet_code(wallet_pass, keys=ring.keys, base=service.address.upper())

    keyring.rotate(ring._path.parent, "token", now=clock())  # noqa: SLF001 - the folder of this test
    for _ in range(3):
        clock.advance(days=1)
        generations.append(database.transact(rotate))
    everything = [*generations, google, paper]
    claims = opened(service, fetched(service))
    assert (claims["iss"], claims["iat"]) == (service.address, int(clock().timestamp()))
    assert listed(claims, everything) == [False] * 6
    database.transact(
        lambda session: lifecycle.suspend(
            session, session.scalars(select(Card)).one(), why="office", now=clock()
        )
    )
    clock.advance(seconds=61)
    claims = opened(service, fetched(service))
    assert listed(claims, everything) == [True] * 6
    assert listed(claims, [web]) == [False]
    # 35 days after its issue no wallet code counts anyhow; paper lasts until the year is over.
    clock.advance(days=33, hours=5)
    left = [False, True, True, True, False, True]
    assert listed(opened(service, fetched(service)), everything) == left
    assert clock().year == 2026
    clock.advance(days=2)
    assert opened(service, fetched(service))["count"] == 0


def test_the_list_of_the_sandbox_is_another_one(service: Service, database: Database) -> None:
    teacher = service.with_card()
    service.apple_code(teacher)
    database.transact(
        lambda session: session.execute(update(WalletPass).values(revoked_at=service.clock()))
    )
    assert opened(service, fetched(service))["count"] == 1
    key = service.deployment.shops["museum"].test_key
    answer = fetched(service, authorization=f"Bearer {key}")
    assert (opened(service, answer)["count"], opened(service, answer)["test"]) == (0, True)


def test_what_did_not_change_is_not_sent_again(service: Service, clock: Clock) -> None:
    first = fetched(service)
    for at_s in (0, 30, 61, 900):
        clock.moment = clock.moment + timedelta(seconds=at_s)
        again = fetched(service, **{"if-none-match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    clock.advance(days=1)  # another salt
    anew = fetched(service, **{"if-none-match": first.headers["etag"]})
    assert opened(service, anew)["salt"] != opened(service, first)["salt"]


def test_a_revoked_key_gets_no_list(service: Service, database: Database, clock: Clock) -> None:
    key_id = service.deployment.shops["museum"].live_key.split("_")[2]
    assert fetched(service).status_code == 200
    database.transact(lambda session: partners.revoke_key(session, key_id, now=clock()))
    problem_of(fetched(service), "unauthenticated", 401)


def test_the_keys_have_a_tag_that_changes_with_them(service: Service, clock: Clock) -> None:
    first = service.http.get(JWKS)
    assert first.headers["cache-control"] == "public, max-age=900"
    known = {"if-none-match": first.headers["etag"]}
    assert service.http.get(JWKS, headers=known).status_code == 304
    assert service.http.get(JWKS, headers={"if-none-match": "*"}).status_code == 304
    keyring.rotate(service.deployment.directory / "keys", "token", now=clock())
    changed = service.http.get(JWKS, headers=known)
    assert len(changed.json()["keys"]) == len(first.json()["keys"]) + 1
