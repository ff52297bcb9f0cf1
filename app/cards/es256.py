"""ES256 signatures as LK1 carries them: r and s of 32 bytes each, s always in the low half.

Knows that (r, n - s) is as valid as (r, s) and allows only one of the two, and that signing
is deterministic (RFC 6979), so that signing again recognises our own signatures faster than
verifying does. Hides DER.
"""

import base64
import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

# The order of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3).
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SIZE = 64
_SIGNING = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFYING = ec.ECDSA(hashes.SHA256())


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign a message: 64 bytes, always the same ones."""
    r, s = decode_dss_signature(key.sign(message, _SIGNING))
    return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")


def has_signed(key: ec.EllipticCurvePrivateKey, message: bytes, signature: bytes) -> bool:
    """Check 64 bytes; where signing again gives other ones, the public key decides."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != _SIZE or not (0 < r < ORDER and 0 < s <= ORDER // 2):
        return False
    if hmac.compare_digest(sign(key, message), signature):
        return True
    try:
        key.public_key().verify(encode_dss_signature(r, s), message, _VERIFYING)
    except InvalidSignature:
        return False
    return True


def public_jwk(key: ec.EllipticCurvePrivateKey, key_id: str) -> dict[str, str]:
    """Describe the public half for a JWKS (RFC 7517)."""
    point = key.public_key().public_numbers()
    x, y = (
        base64.urlsafe_b64encode(coordinate.to_bytes(32, "big")).rstrip(b"=").decode()
        for coordinate in (point.x, point.y)
    )
    return {
        "kty": "EC",
        "crv": "P-256",
        "kid": key_id,
        "alg": "ES256",
        "use": "sig",
        "x": x,
        "y": y,
    }
