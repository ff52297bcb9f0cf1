"""The ID token, checked step by step (OpenID Connect Core 1.0 section 3.1.3.7). Pure.

The steps go on where `oidc` stops counting; each refuses with the `Cause` of its number:

 9. form         three base64url parts, at most 16 KiB
10. header       RS256 and nothing else, a plain JWT; no header that brings its own key or rules
11. key          the one that the header names, published by the provider
12. signature
13.-23. claims   the table `RULES`, one line a claim; a claim without a line is not read

Whoever calls has still to look at the person: this page says nothing about names or numbers.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.identity.jwt_parts import REFUSED_HEADERS, is_moment, segment
from app.identity.refusal import Cause, LoginRefused
from app.identity.strict_json import read_object

ALGORITHM = "RS256"
MAX_TOKEN_LENGTH = 16_384
MAX_SUB_LENGTH = 255  # OpenID Connect Core section 2
LEEWAY_S = 60
# A JSON text may hold half a surrogate pair, which plain UTF-8 cannot.
EXACTLY = ("utf-8", "surrogatepass")
FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
JWS = jwt.PyJWS(algorithms=[ALGORITHM], options={"enforce_minimum_key_length": True})

Claims = Mapping[str, Any]
FindKey = Callable[[str | None], RSAPublicKey | None]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims must agree with: our registration, this attempt, and the moment."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    accepted_acr: frozenset[str]
    begun_at: datetime
    # The last log-in at the provider may not be earlier than this; None when any will do.
    authenticated_since: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """One claim: when it must be there, and what it must be where it is there."""

    cause: Cause
    claim: str
    required: Callable[[Claims, Expected], bool]
    holds: Callable[[Claims, Expected], bool]


def verify(token: str, *, find_key: FindKey, expected: Expected) -> Claims:
    """The claims of an ID token that passed every step; `LoginRefused` at the first that fails."""
    header = _header(token)
    key = find_key(header.get("kid"))
    if key is None:
        raise LoginRefused(Cause.KEY)
    try:
        payload: bytes = JWS.decode_complete(token, key, algorithms=[ALGORITHM])["payload"]
    except jwt.PyJWTError as error:
        raise LoginRefused(Cause.SIGNATURE) from error
    try:
        claims = read_object(payload)
    except ValueError as error:
        raise LoginRefused(Cause.FORM) from error
    for rule in RULES:
        _check(rule, claims, expected)
    return claims


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_LENGTH or not FORM.fullmatch(token):
        raise LoginRefused(Cause.FORM)
    try:
        header = segment(token, 0)
    except ValueError as error:
        raise LoginRefused(Cause.FORM) from error
    plain = header.get("alg") == ALGORITHM and str(header.get("typ", "JWT")).upper() == "JWT"
    if not plain or REFUSED_HEADERS & header.keys() or not isinstance(header.get("kid", ""), str):
        raise LoginRefused(Cause.HEADER)
    return header


def _check(rule: Rule, claims: Claims, expected: Expected) -> None:
    present = rule.claim in claims
    passed = rule.holds(claims, expected) if present else not rule.required(claims, expected)
    if not passed:
        raise LoginRefused(rule.cause)


def _always(_: Claims, __: Expected) -> bool:
    return True


def _never(_: Claims, __: Expected) -> bool:
    return False


def _several_audiences(claims: Claims, _: Expected) -> bool:
    return isinstance(claims["aud"], list) and len(claims["aud"]) > 1


def _age_matters(_: Claims, expected: Expected) -> bool:
    return expected.authenticated_since is not None


def _subject(claims: Claims, _: Expected) -> bool:
    sub = claims["sub"]
    return isinstance(sub, str) and sub.isascii() and 0 < len(sub) <= MAX_SUB_LENGTH


def _for_us(claims: Claims, expected: Expected) -> bool:
    audience = claims["aud"]
    return expected.client_id in (audience if isinstance(audience, list) else [audience])


def _not_over(claims: Claims, expected: Expected) -> bool:
    end = claims["exp"]
    return is_moment(end) and expected.now.timestamp() < end + LEEWAY_S


def _not_too_early(claims: Claims, expected: Expected) -> bool:
    return _passed(claims["nbf"], expected)


def _made_for_this_attempt(claims: Claims, expected: Expected) -> bool:
    return _passed(claims["iat"], expected) and _since(claims["iat"], expected.begun_at)


def _same_nonce(claims: Claims, expected: Expected) -> bool:
    return _same_text(claims["nonce"], expected.nonce)


def _names_access_token(claims: Claims, expected: Expected) -> bool:
    # OpenID Connect Core section 3.1.3.6: the left half of the hash that RS256 uses.
    half = hashlib.sha256(expected.access_token.encode()).digest()[:16]
    text = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    return _same_text(claims["at_hash"], text)


def _recent_log_in(claims: Claims, expected: Expected) -> bool:
    moment, since = claims["auth_time"], expected.authenticated_since
    return _passed(moment, expected) and (since is None or _since(moment, since))


def _strong_enough(claims: Claims, expected: Expected) -> bool:
    return isinstance(claims["acr"], str) and claims["acr"] in expected.accepted_acr


def _passed(value: object, expected: Expected) -> bool:
    return is_moment(value) and value <= expected.now.timestamp() + LEEWAY_S


def _since(value: float, start: datetime) -> bool:
    return value >= start.timestamp() - LEEWAY_S


def _same_text(one: object, other: str) -> bool:
    """Compare without telling by the time taken where two texts differ."""
    return isinstance(one, str) and hmac.compare_digest(one.encode(*EXACTLY), other.encode())


RULES = (
    Rule(Cause.ISS, "iss", _always, lambda claims, e: claims["iss"] == e.issuer),
    Rule(Cause.SUB, "sub", _always, _subject),
    Rule(Cause.AUD, "aud", _always, _for_us),
    Rule(Cause.AZP, "azp", _several_audiences, lambda claims, e: claims["azp"] == e.client_id),
    Rule(Cause.EXP, "exp", _always, _not_over),
    Rule(Cause.IAT, "iat", _always, _made_for_this_attempt),
    Rule(Cause.NBF, "nbf", _never, _not_too_early),
    Rule(Cause.NONCE, "nonce", _always, _same_nonce),
    Rule(Cause.AT_HASH, "at_hash", _never, _names_access_token),
    Rule(Cause.AUTH_TIME, "auth_time", _age_matters, _recent_log_in),
    Rule(Cause.ACR, "acr", _always, _strong_enough),
)
