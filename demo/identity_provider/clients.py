"""The applications that the simulated log-in knows, and how they prove themselves."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME_S = 600
CLOCK_SKEW_S = 60


@dataclass(frozen=True, slots=True)
class Client:
    """An application as registered: with a secret, or with a public key and its id."""

    client_id: str
    redirect_uris: frozenset[str]
    post_logout_redirect_uris: frozenset[str]
    secret: str | None = field(default=None, repr=False)
    public_key: RSAPublicKey | None = None
    key_id: str | None = None
    # Of a machine: what it may ask for, and whose it is (`vo_orgcode`).
    scopes: frozenset[str] = frozenset()
    organisation: str | None = None


def authenticated(
    clients: Mapping[str, Client],
    form: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    audience: str,
    spent: set[str],
    now: datetime,
) -> Client | None:
    """The client that proved itself in exactly the way it is registered for, else None.

    `spent` holds the `jti` of every assertion so far: each counts once (RFC 7523 section 3).
    """
    client_id, secret = _basic(headers.get("authorization", ""))
    client = clients.get(client_id or form.get("client_id", ""))
    if client is None or form.get("client_id", client.client_id) != client.client_id:
        return None
    if client.secret is not None:
        fits = hmac.compare_digest(secret.encode(), client.secret.encode())
        return client if fits and "client_assertion" not in form else None
    jti = None if secret else _asserted(client, form, audience=audience, now=now)
    if jti is None or jti in spent:
        return None
    spent.add(jti)
    return client


def _basic(header: str) -> tuple[str, str]:
    """Client id and secret (RFC 6749 section 2.3.1), both empty when there are none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _asserted(
    client: Client, form: Mapping[str, str], *, audience: str, now: datetime
) -> str | None:
    """The `jti` of the client's assertion (RFC 7523 section 3), None when it does not hold now."""
    if client.public_key is None or form.get("client_assertion_type") != ASSERTION_TYPE:
        return None
    try:
        token = jwt.decode_complete(
            form.get("client_assertion", ""),
            client.public_key,
            algorithms=["RS256"],
            audience=audience,
            issuer=client.client_id,
            options={
                "require": ["iss", "sub", "aud", "exp", "jti"],
                # Judged below, by the simulated clock.
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError:
        return None
    claims = token["payload"]
    ours = claims["sub"] == client.client_id and token["header"].get("kid") == client.key_id
    in_time = -CLOCK_SKEW_S < claims["exp"] - now.timestamp() <= ASSERTION_LIFETIME_S
    return str(claims["jti"]) if ours and in_time else None
