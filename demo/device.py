"""A device that shows the live card: its key, and the proof it sends (DPoP, RFC 9449)."""

import base64
import secrets
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec


def prove(key: ec.EllipticCurvePrivateKey, method: str, address: str, nonce: str) -> str:
    """A proof for one request."""
    claims = {
        "jti": secrets.token_urlsafe(16),
        "htm": method,
        "htu": address,
        "iat": int(time.time()),
        "nonce": nonce,
    }
    headers = {"typ": "dpop+jwt", "jwk": public_jwk(key)}
    return jwt.encode(claims, key, algorithm="ES256", headers=headers)


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half (RFC 7517), with nothing that is not needed."""
    numbers = key.public_key().public_numbers()
    x, y = (
        base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()
        for number in (numbers.x, numbers.y)
    )
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
