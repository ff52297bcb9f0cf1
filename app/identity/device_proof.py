"""The proof that a request comes from one device: a signature by a key that cannot leave it.

The form is that of DPoP (RFC 9449): a JWT with the public key in its header, for one method and
one address. Its time is that of a nonce of ours, since the clock of a phone may be hours off; the
nonce comes from the session, so that a proof is worth nothing in another one. Hides keys: what
comes out is the thumbprint (RFC 7638) under which a device is known.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import jwt
from jwt.algorithms import ECAlgorithm

from app.identity.jwt_parts import segment
from app.identity.strict_json import read_object

TYPE = "dpop+jwt"
ALGORITHM = "ES256"
# A nonce counts for the part of time in which it was given, and for the next.
PART_S = 300
MAX_LENGTH = 2_048
HEADER = {"typ", "alg", "jwk"}
KEY = {"kty", "crv", "x", "y"}
JWS = jwt.PyJWS(algorithms=[ALGORITHM])


class ProofRefused(Exception):
    """There is no proof, or it does not hold here and now."""


def nonce(session_token: str, *, now: datetime) -> str:
    """What the next proof of this session has to name; nothing of it is stored."""
    return _nonce(session_token, int(now.timestamp()) // PART_S)


def device_of(proof: str, *, method: str, address: str, session_token: str, now: datetime) -> str:
    """The thumbprint of the device that made a proof, 43 characters; `ProofRefused` otherwise."""
    if len(proof) > MAX_LENGTH:
        raise ProofRefused
    try:
        header = segment(proof, 0)
        key = _public_key(header)
        claims = read_object(JWS.decode(proof, key, algorithms=[ALGORITHM]))
    except (ValueError, TypeError, jwt.PyJWTError) as fault:
        raise ProofRefused from fault
    part = int(now.timestamp()) // PART_S
    given = [_nonce(session_token, one) for one in (part, part - 1)]
    if (claims.get("htm"), claims.get("htu")) != (method, address):
        raise ProofRefused
    if claims.get("nonce") not in given:
        raise ProofRefused
    return _thumbprint(header["jwk"])


def _public_key(header: dict[str, Any]) -> Any:  # noqa: ANN401 - as the library types its keys
    jwk = header.get("jwk")
    if set(header) != HEADER or header["typ"] != TYPE or not isinstance(jwk, dict):
        raise ValueError("not the header of a proof")
    if set(jwk) != KEY or (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
        raise ValueError("not the key of a device")
    return ECAlgorithm.from_jwk(jwk)


def _thumbprint(jwk: dict[str, str]) -> str:
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return _base64url(hashlib.sha256(canonical).digest())


def _nonce(session_token: str, part: int) -> str:
    return _base64url(hmac.digest(session_token.encode(), b"device proof %d" % part, "sha256"))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
