"""What an OpenID provider publishes about itself: where its endpoints are and its keys. Pure.

Knows how far a published document is trusted: it must name the issuer we configured, and
every endpoint must stay at the issuer's own origin, over https (http only on this
machine, for the simulated provider). Hides JWK parsing and the choice of a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.client_authentication import MIN_RSA_KEY_BITS
from app.errors import Unavailable

RETRY_AFTER_S = 5
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Origin = tuple[str, str, int | None]


class ProviderFault(Unavailable):
    """The provider is down, slow or does not speak OpenID Connect; `detail` is for the log only."""

    def __init__(self, detail: str) -> None:
        sentence = "The log-in service does not answer as it should. Try again in a moment."
        super().__init__(sentence, retry_after_s=RETRY_AFTER_S)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of the provider's metadata (OpenID Connect Discovery 1.0 section 3) that we use."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    introspection_endpoint: str | None
    # RFC 9207 section 3: every authorization response carries `iss`.
    promises_iss: bool


@dataclass(frozen=True, slots=True)
class SignatureKey:
    """An RSA key with which the provider may sign ID tokens."""

    key_id: str | None
    public_key: RSAPublicKey


def origin(url: str) -> Origin | None:
    """Scheme, host and port of an address that may be called at all, else None."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.host in LOOPBACK)
    if not safe or not parts.host or parts.userinfo or parts.fragment:
        return None
    return parts.scheme, parts.host, parts.port


def read_metadata(document: Mapping[str, Any], *, issuer: str) -> Metadata:
    """The metadata in a discovery document; `ProviderFault` when it may not be trusted."""
    if document.get("issuer") != issuer:
        raise ProviderFault("discovery names another issuer")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        jwks_uri=_endpoint(document, "jwks_uri", issuer),
        userinfo_endpoint=_offered(document, "userinfo_endpoint", issuer),
        end_session_endpoint=_offered(document, "end_session_endpoint", issuer),
        introspection_endpoint=_offered(document, "introspection_endpoint", issuer),
        promises_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def read_keys(document: Mapping[str, Any]) -> tuple[SignatureKey, ...]:
    """The RS256 keys in a JWK Set (RFC 7517); keys of other kinds are passed over.

    `ProviderFault` when none is left or two share an id: nobody could say which one is meant.
    """
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ProviderFault("the key set is no key set")
    keys = tuple(key for entry in entries if (key := _signature_key(entry)) is not None)
    key_ids = [key.key_id for key in keys if key.key_id is not None]
    if not keys:
        raise ProviderFault("the key set has no usable key")
    if len(set(key_ids)) != len(key_ids):
        raise ProviderFault("the key set has two keys of one id")
    return keys


def choose(keys: tuple[SignatureKey, ...], key_id: str | None) -> RSAPublicKey | None:
    """The key of that id; without an id (legal in JWS) only where there is exactly one key."""
    if key_id is None:
        return keys[0].public_key if len(keys) == 1 else None
    return next((key.public_key for key in keys if key.key_id == key_id), None)


def _offered(document: Mapping[str, Any], name: str, issuer: str) -> str | None:
    return _endpoint(document, name, issuer) if name in document else None


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or origin(url) is None or origin(url) != origin(issuer):
        raise ProviderFault(f"{name} is missing or elsewhere than the issuer")
    return url


def _signature_key(entry: object) -> SignatureKey | None:
    if not isinstance(entry, dict) or entry.get("kty") != "RSA":
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    key_id = entry.get("kid")
    if not isinstance(key_id, str | None):
        return None
    try:
        key = jwt.PyJWK(entry, algorithm="RS256").key
    except jwt.PyJWTError:
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_KEY_BITS:
        return None
    return SignatureKey(key_id, key)
