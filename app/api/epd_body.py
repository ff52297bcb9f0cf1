"""A batch on its way in: few at a time, of the right kind, whole, and the one that was announced.

Knows the headers of contract 4.3 (Content-Digest of RFC 9530, Idempotency-Key); its cap stands in
`envelope`. What is in the body is read elsewhere.
"""

import hashlib
import hmac
import re
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request
from starlette.exceptions import HTTPException

from app.api.problems import Problem
from app.errors import Unavailable

# Each holds a whole body; the order of a source leaves no use for more.
AT_ONCE = 2
# RFC 9530 section 2: a dictionary of algorithms; we look at the one that the contract names.
SHA_256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)")

_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Sent:
    """A body as it came, its hash, and the key under which it came."""

    body: bytes = field(repr=False)
    sha256: bytes
    key: uuid.UUID


@contextmanager
def place() -> Iterator[None]:
    """One of the few places for whole bodies in memory."""
    if not _places.acquire(blocking=False):
        raise Unavailable("Other batches are coming in at this moment.", retry_after_s=2)
    try:
        yield
    finally:
        _places.release()


async def receive(request: Request, key: uuid.UUID) -> Sent:
    """Read one body; 413, or a problem when it is not the one that was announced."""
    body = await request.body()
    return Sent(body, _digest(request, body), key)


def announced_key(request: Request) -> uuid.UUID:
    """The key under which a body comes; 415, or a problem, for one that need not be read."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or "content-encoding" in request.headers:
        raise HTTPException(415)
    try:
        return uuid.UUID(request.headers.get("idempotency-key", ""))
    except ValueError as error:
        raise Problem(
            "malformed-request", "Idempotency-Key must be the batchId.", status=400
        ) from error


def _digest(request: Request, body: bytes) -> bytes:
    """The hash of the body, which must be the one that was announced."""
    announced = SHA_256.search(request.headers.get("content-digest", ""))
    found = hashlib.sha256(body).digest()
    if announced is None:
        raise Problem("digest-mismatch", "Content-Digest with sha-256 is missing.")
    if not hmac.compare_digest(announced[1].encode(), b64encode(found)):
        raise Problem("digest-mismatch", "The body is not the one that was announced.")
    return found
