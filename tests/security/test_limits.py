"""Who shares a limit with whom, and what a flood of askers leaves behind."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from typing import Any

import pytest
from fastapi import Request
from limits.storage import MemoryStorage
from starlette.exceptions import HTTPException
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.api.limits import LONGEST_S, RATES, Limits, OwnMemory, address
from demo.serving import free_port


def _from(host: str) -> Request:
    return Request({"type": "http", "headers": [], "client": (host, 1)})


class Away(MemoryStorage):
    """A shared store that nobody can reach."""

    STORAGE_SCHEME = ["away"]  # noqa: RUF012 - the library's type

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library calls a fault of the store."""
        return ConnectionError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Never counts."""
        raise ConnectionError(key, limit, expiry, amount)


@contextmanager
def _silence() -> Iterator[int]:
    """A port where somebody listens and never answers, as a store that hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2a02::1", "2a02::2"),
        ("2a02:1810::1", "2a02:1810:0:0:ffff::9"),
        ("2a02:1810:4:5::1", "2A02:1810:4:5:6:7:8:9"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_one_network_has_one_limit_however_its_addresses_are_written(one: str, other: str) -> None:
    assert address(_from(one)) == address(_from(other))


@pytest.mark.parametrize(
    ("one", "other"), [("2a02::1", "2a02:0:0:1::1"), ("192.0.2.7", "192.0.2.8"), ("::1", "1::")]
)
def test_two_networks_have_a_limit_each(one: str, other: str) -> None:
    assert address(_from(one)) != address(_from(other))


def test_somebody_without_an_address_has_a_limit_too() -> None:
    assert address(Request({"type": "http", "headers": [], "client": None})) == "unknown"
    assert address(_from("a socket")) == "a socket"


def test_the_limit_is_exact_and_says_when_to_come_back() -> None:
    limits = Limits("memory://")
    for _ in range(RATES["login"].amount):
        limits.count("login", "192.0.2.7")
    with pytest.raises(HTTPException) as refused:
        limits.count("login", "192.0.2.7")
    assert (refused.value.status_code, refused.value.headers) == (429, {"retry-after": "60"})
    limits.count("login", "192.0.2.8")


def test_the_window_moves_with_every_request() -> None:
    memory, rate = OwnMemory(), RATES["typed-number"]
    admitted = [memory.hit(rate, "typed-number", "a key", at_s=at) for at in range(0, 200, 5)]
    assert [at * 5 for at, was in enumerate(admitted) if was] == [
        *range(0, 50, 5),
        *range(60, 110, 5),
        *range(120, 170, 5),
        *range(180, 200, 5),
    ]


def test_a_flood_of_askers_is_forgotten_after_its_time() -> None:
    memory, rate = OwnMemory(), RATES["typed-number"]
    for number in range(2_000):
        assert memory.hit(rate, "typed-number", f"key {number}", at_s=0)
    assert memory.hit(rate, "typed-number", "a key", at_s=LONGEST_S + 1)
    assert len(memory) == 1


def test_a_store_that_cannot_be_reached_leaves_the_limit_of_this_process() -> None:
    limits = Limits("away://")
    for _ in range(RATES["typed-number"].amount):
        limits.count("typed-number", "a key")
    with pytest.raises(HTTPException):
        limits.count("typed-number", "a key")


@pytest.mark.parametrize("silent", [True, False])
def test_a_store_that_hangs_or_is_gone_costs_one_request_a_quarter_of_a_second(
    *, silent: bool
) -> None:
    with _silence() as port:
        limits = Limits(f"valkey://127.0.0.1:{port if silent else free_port()}")
        begun = time.monotonic()
        for _ in range(RATES["draw-code"].amount):
            limits.count("draw-code", "a key")
        with pytest.raises(HTTPException):
            limits.count("draw-code", "a key")
    # Each of the eleven would have waited by itself.
    assert time.monotonic() - begun < 2


ROTATIONS = 10_000


def _seen_through(trusted: str, peer: str, headers: list[tuple[bytes, bytes]]) -> str:
    """Whom the limits count a request for that came with these headers, as `serve` reads them."""
    counted: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        counted.append(address(Request(scope)))

    scope = {"type": "http", "headers": headers, "client": (peer, 1)}
    asyncio.run(ProxyHeadersMiddleware(app, trusted_hosts=trusted)(scope, None, None))  # type: ignore[arg-type]
    (who,) = counted
    return who


def _claim(number: int) -> bytes:
    return str(IPv4Address(0x0B000000 + number)).encode()


def test_ten_thousand_claimed_addresses_of_one_peer_share_its_limit() -> None:
    """Each request claims another address, in every header that some proxy reads."""
    limits, admitted = Limits("memory://"), 0

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        nonlocal admitted
        limits.count("login", address(Request(scope)))
        admitted += 1

    async def flood(front: ProxyHeadersMiddleware) -> None:
        for number in range(ROTATIONS):
            claim = _claim(number)
            # The proxy of `trusted` adds the peer's address at the right, as all proxies do.
            chain = claim + b", 198.51.100.7"
            headers = [
                (b"x-forwarded-for", chain),
                (b"forwarded", b"for=" + claim),
                (b"x-real-ip", claim),
            ]
            scope = {"type": "http", "headers": headers, "client": ("10.0.0.5", 1)}
            with suppress(HTTPException):
                await front(scope, None, None)  # type: ignore[arg-type]

    asyncio.run(flood(ProxyHeadersMiddleware(app, trusted_hosts="10.0.0.5")))  # type: ignore[arg-type]
    assert admitted == RATES["login"].amount


@pytest.mark.parametrize(
    ("trusted", "peer", "chain", "who"),
    [
        # Straight to us, past the proxy: what it claims does not count.
        ("10.0.0.5", "192.0.2.7", b"203.0.113.9", "192.0.2.7"),
        # Behind one proxy and behind two: the first from the right whom we do not trust.
        ("10.0.0.5", "10.0.0.5", b"203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.0/24", "10.0.0.5", b"203.0.113.9, 192.0.2.7, 10.0.0.9", "192.0.2.7"),
    ],
)
def test_addresses_are_read_from_the_right(trusted: str, peer: str, chain: bytes, who: str) -> None:
    assert _seen_through(trusted, peer, [(b"x-forwarded-for", chain)]) == who


def test_the_harness_would_notice_who_trusts_everybody() -> None:
    chain = b"203.0.113.9, 192.0.2.7"
    assert _seen_through("*", "10.0.0.5", [(b"x-forwarded-for", chain)]) == "203.0.113.9"
