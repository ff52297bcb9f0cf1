"""Till keys: `lk_live_<key id>_<43 base62>_<crc32, 6 base62>`, `lk_test_…` for the sandbox.

Knows the form of a key, its checksum and how it is kept. The checksum lets a scanner or
a secret scanner tell a typing error from a refused key without asking us.
"""

import hashlib
import hmac
import re
import secrets
import string
import uuid
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.verification.model import Till, TillKey

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_ID_LENGTH = 12
SECRET_LENGTH = 43  # 256 bits in base 62
CHECKSUM_LENGTH = 6
FORM = re.compile(
    rf"lk_(live|test)_([0-9A-Za-z]{{{KEY_ID_LENGTH}}})"
    rf"_([0-9A-Za-z]{{{SECRET_LENGTH}}})_([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A well-formed key as a till sent it: its number and the hash of its secret."""

    id: str
    test: bool
    secret_sha256: bytes = field(repr=False)

    def opens(self, secret_sha256: bytes, *, test: bool, revoked_at: datetime | None) -> bool:
        """Whether this is the stored key, unrevoked; compared in constant time."""
        same = hmac.compare_digest(self.secret_sha256, secret_sha256)
        return same and self.test is test and revoked_at is None


@dataclass(frozen=True, slots=True)
class TokenAtTill:
    """An access token, which another room knows, and the till that its bearer names."""

    token: Hashable = field(repr=False)
    till_id: uuid.UUID

    @property
    def id(self) -> str:
        """Who is limited by what it guesses: the till."""
        return str(self.till_id)


# What a check may be asked with.
Credential = PresentedKey | TokenAtTill


def read_key(text: str) -> PresentedKey | None:
    """The key in a text, or None when form or checksum is wrong."""
    form = FORM.fullmatch(text)
    if form is None or not hmac.compare_digest(_checksum(text[: form.start(4) - 1]), form[4]):
        return None
    return PresentedKey(form[2], form[1] == "test", _hash(form[3]))


def new_key(session: Session, till: Till, *, test: bool, now: datetime) -> str:
    """Make a key for a till and return its text, which is shown this once and never kept."""
    key_id = _random(KEY_ID_LENGTH)
    secret = _random(SECRET_LENGTH)
    session.add(
        TillKey(id=key_id, till_id=till.id, secret_sha256=_hash(secret), test=test, created_at=now)
    )
    stem = f"lk_{'test' if test else 'live'}_{key_id}_{secret}"
    return f"{stem}_{_checksum(stem)}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def _checksum(stem: str) -> str:
    value = zlib.crc32(stem.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(BASE62))
        digits = BASE62[digit] + digits
    return digits
