"""How often one asker may ask: a moving window per scope, in memory or in Valkey.

Knows the figures; hides the `limits` library. When the shared store does not answer at once,
this process counts in its own memory for a while: a limiter must never stop a verdict.
"""

import threading
import time
from collections import OrderedDict, deque
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

import structlog
from fastapi import Request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException

RATES: dict[str, RateLimitItem] = {
    "camera": parse("60/minute"),
    "statistics": parse("60/minute"),
    # As few as a till may get wrong (docs/card-token.md, section 3).
    "rotating-digits": parse("20/5minutes"),
    "typed-number": parse("10/minute"),
    "enrolment": parse("10/minute"),
    "webshop-code": parse("60/minute"),
    "draw-code": parse("10/minute"),
    "refused-key": parse("30/minute"),
    "refused-client": parse("30/minute"),
    # Each is a question to the government's server, where its tokens are taken.
    "foreign-token": parse("600/minute"),
    "token": parse("60/minute"),
    "status-query": parse("600/minute"),
    "login": parse("30/minute"),
    # Mails to addresses that somebody typed.
    "notices": parse("5/hour"),
    "notice-link": parse("60/minute"),
    "handoff": parse("30/minute"),
    "handoff-step": parse("120/minute"),
    # Files of one institution.
    "roster": parse("30/hour"),
    # Of one enterprise that asks to be a partner.
    "application": parse("10/hour"),
    "sandbox": parse("60/minute"),
    "benefits": parse("120/minute"),
    "device-log": parse("30/minute"),
    # More than an official at the telephone needs, fewer than leafing through takes.
    "person-look-up": parse("20/10minutes"),
}
LONGEST_S = max(rate.get_expiry() for rate in RATES.values())
# Longer than a store next door ever takes, and how long one that took longer is not asked.
STORE_TIMEOUT_S = 0.25
STORE_REST_S = 5.0
IPV6_NETWORK_BYTES = 8  # of a /64, which one household has to itself


log = structlog.get_logger()


class OwnMemory:
    """The moments of every asker; who has not asked for a while leaves nothing behind.

    The library's own memory keeps an entry of everybody who ever asked.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        # In the order of their last moment.
        self._moments: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._moments)

    def hit(self, rate: RateLimitItem, scope: str, who: str, *, at_s: float) -> bool:
        """Count one request, at a moment of the monotonic clock; False when it is too many."""
        with self._guard:
            while self._moments and next(iter(self._moments.values()))[-1] <= at_s - LONGEST_S:
                self._moments.popitem(last=False)
            moments = self._moments.setdefault((scope, who), deque(maxlen=rate.amount))
            if len(moments) == rate.amount and moments[0] > at_s - rate.get_expiry():
                return False
            moments.append(at_s)
            self._moments.move_to_end((scope, who))
            return True


class Limits:
    """The counters of one deployment."""

    def __init__(self, storage_uri: str) -> None:
        self._own = OwnMemory()
        self._shared = None
        # Until when, on the monotonic clock, the shared store is left alone.
        self._rests_until = 0.0
        if storage_uri != "memory://":
            storage = storage_from_string(
                storage_uri, wrap_exceptions=True, **_patience(storage_uri)
            )
            self._shared = MovingWindowRateLimiter(storage)

    def count(self, scope: str, who: str) -> None:
        """Count one request; 429 with `Retry-After` when it is one too many."""
        rate = RATES[scope]
        if self._admits(rate, scope, who):
            return
        raise HTTPException(429, headers={"retry-after": str(rate.get_expiry())})

    def _admits(self, rate: RateLimitItem, scope: str, who: str) -> bool:
        now_s = time.monotonic()
        if self._shared and now_s >= self._rests_until:
            try:
                return self._shared.hit(rate, scope, who)
            except StorageError as fault:
                self._rests_until = now_s + STORE_REST_S
                log.warning("limits-store-away", fault=type(fault.storage_error).__name__)
        return self._own.hit(rate, scope, who, at_s=now_s)


def _patience(storage_uri: str) -> dict[str, float]:
    """What the client of a server is told; other stores know no such words."""
    if not storage_uri.startswith(("valkey", "redis")):
        return {}
    return {"socket_timeout": STORE_TIMEOUT_S, "socket_connect_timeout": STORE_TIMEOUT_S}


def address(request: Request) -> str:
    """The network the request came from: IPv4 whole, IPv6 by /64; behind a proxy uvicorn tells."""
    return _network(request.client.host if request.client else "unknown")


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        known = ip_address(host)
    except ValueError:
        return host
    if not isinstance(known, IPv6Address):
        return host
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return known.packed[:IPV6_NETWORK_BYTES].hex()
