"""Random texts that we hand to a browser and keep only as a fingerprint.

A fingerprint is a plain SHA-256: with 256 random bits there is nothing to guess, so no
salt and no slow hash is needed, and a stolen database opens no session.
"""

import hashlib
import secrets

SECRET_BYTES = 32
SECRET_LENGTH = 43  # 32 bytes in base64url without padding


def new_secret() -> str:
    """256 random bits, as 43 characters that may stand in a cookie and in a URL."""
    return secrets.token_urlsafe(SECRET_BYTES)


def fingerprint(secret: str) -> bytes:
    """The 32 bytes under which a secret from `new_secret` is kept and found."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
