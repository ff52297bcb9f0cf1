"""One-time passwords: RFC 6238, another implementation, and the window of a tail."""

import base64

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cards.totp import PERIOD_S, TailMatch, match, totp

RFC_KEY = b"12345678901234567890"
KEY = bytes(range(20))
STEP = 59_868_000
NOW_S = STEP * PERIOD_S + 12


@pytest.mark.parametrize(
    ("moment_s", "digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238_hold(moment_s: int, digits: str) -> None:
    assert totp(RFC_KEY, moment_s // PERIOD_S) == digits


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**37), st.sampled_from([6, 8]))
def test_values_agree_with_another_implementation(key: bytes, moment_s: int, digits: int) -> None:
    theirs = pyotp.TOTP(base64.b32encode(key).decode(), digits=digits).at(moment_s)
    assert totp(key, moment_s // PERIOD_S, digits) == theirs


@pytest.mark.parametrize("late", [-2, -1, 0, 1])
def test_digits_of_the_window_are_live_whatever_moment_the_tail_names(late: int) -> None:
    digits = totp(KEY, STEP + late)
    for seconds in (0, NOW_S, 9_999_999_999):
        assert match(KEY, seconds, digits, now_s=NOW_S) == TailMatch("live", STEP + late)


@pytest.mark.parametrize("late", [-1000, -4, -3, 2, 3, 1000])
def test_digits_outside_the_window_are_stale_by_their_own_clock_else_wrong(late: int) -> None:
    digits = totp(KEY, STEP + late)
    own = (STEP + late) * PERIOD_S
    assert match(KEY, own, digits, now_s=NOW_S) == TailMatch("stale", STEP + late)
    assert match(KEY, own + 29, digits, now_s=NOW_S) == TailMatch("stale", STEP + late)
    assert match(KEY, own + 30, digits, now_s=NOW_S) == TailMatch("wrong", None)
    assert match(KEY, own - 1, digits, now_s=NOW_S) == TailMatch("wrong", None)


def test_the_window_moves_with_whole_steps_of_server_time() -> None:
    digits = totp(KEY, STEP)
    first, last = (STEP - 1) * PERIOD_S, (STEP + 3) * PERIOD_S - 1
    assert match(KEY, 0, digits, now_s=first).result == "live"
    assert match(KEY, 0, digits, now_s=last).result == "live"
    assert match(KEY, 0, digits, now_s=first - 1).result == "wrong"
    assert match(KEY, 0, digits, now_s=last + 1).result == "wrong"


def test_digits_of_another_key_are_wrong() -> None:
    digits = totp(RFC_KEY, STEP)
    assert match(KEY, NOW_S, digits, now_s=NOW_S) == TailMatch("wrong", None)


def test_digits_that_are_right_for_two_steps_use_up_the_later_one() -> None:
    earlier, later = 80_931_251, 80_931_253
    digits = totp(KEY, earlier)
    assert digits == totp(KEY, later)
    own = earlier * PERIOD_S
    assert match(KEY, own, digits, now_s=later * PERIOD_S) == TailMatch("live", later)
    assert match(KEY, own, digits, now_s=earlier * PERIOD_S) == TailMatch("live", earlier)
