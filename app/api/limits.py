"""How often one asker may ask: a moving window per scope, in memory or in Valkey.

Knows the figures; hides the `limits` library. When the shared store cannot be reached,
the library falls back to this process's memory: a limiter must never stop a verdict.
"""

from fastapi import Request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException

RATES: dict[str, RateLimitItem] = {
    "camera": parse("60/minute"),
    "typed-number": parse("10/minute"),
    "refused-key": parse("30/minute"),
    "login": parse("30/minute"),
    "device-log": parse("30/minute"),
}


class Limits:
    """The counters of one deployment."""

    def __init__(self, storage_uri: str) -> None:
        storage = (
            MemoryStorage() if storage_uri == "memory://" else storage_from_string(storage_uri)
        )
        self._limiter = MovingWindowRateLimiter(storage)

    def count(self, scope: str, who: str) -> None:
        """Count one request; 429 with `Retry-After` when it is one too many."""
        rate = RATES[scope]
        if self._limiter.hit(rate, scope, who):
            return
        raise HTTPException(429, headers={"retry-after": str(rate.get_expiry())})


def address(request: Request) -> str:
    """The network the request came from: IPv4 whole, IPv6 by /64; behind a proxy uvicorn tells."""
    host = request.client.host if request.client else "unknown"
    return ":".join(host.split(":")[:4]) if ":" in host else host
