"""How we prove to an authorization server that a request for a token is ours.

Knows the two proofs of OAuth that the Flemish government takes, for the log-in and for the
personnel file alike: a signed assertion (RFC 7523 section 2.2, `private_key_jwt`), where the
secret never leaves this house, and a shared secret (RFC 6749 section 2.3.1,
`client_secret_basic`), which travels in a header only. Hides both behind `prove`.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

# RFC 7518 section 3.3.
MIN_RSA_KEY_BITS = 2048
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME_S = 60


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """`client_secret_basic`."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """`private_key_jwt` with RS256; `audience` is what the server wants to read in `aud`."""

    private_key: RSAPrivateKey = field(repr=False)
    key_id: str
    audience: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What goes into a request to the token endpoint."""

    headers: dict[str, str] = field(repr=False)
    form: dict[str, str] = field(repr=False)


def load_client_key(pem: bytes, *, key_id: str, audience: str) -> ClientKey:
    """From an unencrypted PEM file; an empty `key_id` means the key's thumbprint (RFC 7638).

    `ValueError` unless it is an RSA key of at least 2048 bits.
    """
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_RSA_KEY_BITS:
        raise ValueError("the client key must be an RSA key of at least 2048 bits")
    return ClientKey(key, key_id or thumbprint(key.public_key()), audience)


def thumbprint(key: RSAPublicKey | EllipticCurvePublicKey) -> str:
    """The SHA-256 thumbprint of a public key (RFC 7638 section 3)."""
    if isinstance(key, RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    # Sections 3.2 and 3.3: these members and no others, in this order.
    members = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def prove(client_id: str, means: ClientSecret | ClientKey, *, now: datetime) -> Proof:
    """A proof for one request to the token endpoint; an assertion counts once, for a minute."""
    if isinstance(means, ClientSecret):
        # Both are form-encoded first, so that a colon cannot move the border between them.
        pair = f"{quote_plus(client_id)}:{quote_plus(means.secret)}"
        basic = base64.b64encode(pair.encode()).decode()
        return Proof(headers={"Authorization": f"Basic {basic}"}, form={})
    form = {
        "client_id": client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": _assertion(client_id, means, now=now),
    }
    return Proof(headers={}, form=form)


def _assertion(client_id: str, means: ClientKey, *, now: datetime) -> str:
    issued_at = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": means.audience,
        "jti": secrets.token_urlsafe(16),
        "iat": issued_at,
        "exp": issued_at + ASSERTION_LIFETIME_S,
    }
    return jwt.encode(claims, means.private_key, algorithm="RS256", headers={"kid": means.key_id})
