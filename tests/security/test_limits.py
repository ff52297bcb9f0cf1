"""Who shares a limit with whom, and what a flood of askers leaves behind."""

import pytest
from fastapi import Request
from limits.storage import MemoryStorage
from starlette.exceptions import HTTPException

from app.api.limits import RATES, Limits, OwnMemory, address


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
    assert memory.hit(rate, "typed-number", "a key", at_s=301)
    assert len(memory) == 1


def test_a_store_that_cannot_be_reached_leaves_the_limit_of_this_process() -> None:
    limits = Limits("away://")
    for _ in range(RATES["typed-number"].amount):
        limits.count("typed-number", "a key")
    with pytest.raises(HTTPException):
        limits.count("typed-number", "a key")
