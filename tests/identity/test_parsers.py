"""Whatever a provider or a browser sends is judged; nothing makes the judging stumble."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import example, given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from app.identity import id_token
from app.identity.authorization import read_response
from app.identity.discovery import ProviderFault, choose, read_keys, read_metadata
from app.identity.id_token import Expected
from app.identity.oidc import _identity
from app.identity.refusal import LoginRefused
from app.identity.strict_json import read_object
from demo.identity_provider.bends import sign

from .conftest import ACCEPTED_ACR, AN, EID, NOW

ISSUER = "https://provider.example/op"
KEY = rsa.generate_private_key(65537, 2048)
EXPECTED = Expected(
    issuer=ISSUER,
    client_id="us",
    nonce="n",
    access_token="a",
    accepted_acr=ACCEPTED_ACR,
    begun_at=NOW,
    authenticated_since=None,
    now=NOW,
)
NOW_S = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "P1",
    "aud": "us",
    "azp": "us",
    "exp": NOW_S + 60,
    "iat": NOW_S,
    "nbf": NOW_S,
    "nonce": "n",
    "at_hash": "ypeBEsobvcr6wjGzmiPcTQ",  # of "a"
    "auth_time": NOW_S,
    "acr": EID,
    "given_name": AN.given_name,
    "family_name": AN.family_name,
    "rrn": AN.insz,
    "vo_doelgroepcode": "BUR",
}
LONG = 10**400
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(LONG)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def judge(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Whether an ID token lets somebody in; any exception but a refusal fails the test."""
    token = sign({"alg": "RS256"} | header, claims, KEY)
    try:
        _identity(id_token.verify(token, find_key=lambda _: KEY.public_key(), expected=EXPECTED))
    except LoginRefused:
        return False
    return True


def test_an_honest_token_lets_somebody_in() -> None:
    assert judge({}, CLAIMS)


@given(st.sampled_from(sorted(CLAIMS)), JSON)
@example("exp", LONG)
@example("iat", -LONG)
@example("auth_time", -1e300)
@example("nonce", "\ud800")
def test_a_claim_of_any_kind_is_accepted_or_refused(claim: str, value: object) -> None:
    if judge({}, CLAIMS | {claim: value}):
        free = {"sub", "given_name", "family_name", "exp", "iat", "nbf", "auth_time", "aud"}
        assert value == CLAIMS[claim] or claim in free


@given(st.sampled_from(["alg", "typ", "kid", "cty", "x5t", "jku"]), JSON)
def test_a_header_of_any_kind_is_accepted_or_refused(name: str, value: object) -> None:
    judge({name: value}, CLAIMS)


@given(st.text(max_size=300) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}"))
def test_a_text_that_nobody_signed_is_refused(text: str) -> None:
    refused = False
    try:
        id_token.verify(text, find_key=lambda _: KEY.public_key(), expected=EXPECTED)
    except LoginRefused:
        refused = True
    assert refused


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_of_any_kind_are_an_object_or_refused(body: bytes) -> None:
    try:
        assert isinstance(read_object(body), dict)
    except ValueError as error:
        assert str(error) in {"not strict JSON", "not a JSON object"}  # noqa: PT017 - which is open


METADATA = {
    name: f"{ISSUER}/{name}"
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
} | {"issuer": ISSUER}
KEY_N = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)["n"]
JWK = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "n": "AQAB", "e": "AQAB"}


@given(st.sampled_from(sorted(METADATA)), JSON)
def test_metadata_of_any_kind_stay_at_the_issuer_or_are_refused(name: str, value: object) -> None:
    try:
        metadata = read_metadata(METADATA | {name: value}, issuer=ISSUER)
    except ProviderFault:
        return
    assert metadata.token_endpoint.startswith("https://provider.example/")


@given(st.sampled_from(sorted(JWK)), JSON)
def test_a_key_of_any_kind_is_taken_or_passed_over(name: str, value: object) -> None:
    good = {"kty": "RSA", "kid": "good", "n": KEY_N, "e": "AQAB"}
    keys = read_keys({"keys": [good, JWK | {name: value}]})
    assert choose(keys, "good") is not None


def test_a_private_key_that_is_published_signs_nothing() -> None:
    private = RSAAlgorithm.to_jwk(KEY, as_dict=True)
    with pytest.raises(ProviderFault):
        read_keys({"keys": [private]})


@given(st.lists(st.tuples(st.sampled_from(["state", "code", "iss", "error", "x"]), st.text())))
def test_a_query_of_any_kind_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        answer = read_response(pairs)
    except LoginRefused:
        return
    assert answer.state == dict(pairs)["state"]
