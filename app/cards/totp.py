"""Time-based one-time passwords (RFC 6238) as Google Wallet shows them. Pure.

Knows the window in which the digits of a tail are live, and what digits outside it tell.
Keys come from `token.TokenKey.totp_key`; nothing is stored (docs/card-token.md, section 3).
"""

import hmac
from dataclasses import dataclass
from typing import Final, Literal

PERIOD_S: Final = 30
DIGITS: Final = 8
# Steps by server time: a phone may be late by two and early by one.
WINDOW: Final = range(-2, 2)


@dataclass(frozen=True, slots=True)
class TailMatch:
    """What the digits of a tail are worth, and the step that they belong to.

    live: right for a step in the window. stale: right for the moment that the tail itself
    names, so a screenshot or a phone whose clock is off. wrong: right for neither, no step.
    """

    result: Literal["live", "stale", "wrong"]
    step: int | None


def totp(key: bytes, step: int, digits: int = DIGITS) -> str:
    """Compute the value of one step (SHA-1, T0 = 0), padded with zeros to `digits`."""
    mac = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def match(key: bytes, seconds: int, digits: str, *, now_s: int) -> TailMatch:
    """Judge the seconds and digits of a tail by server time in whole Unix seconds.

    Every step is always computed and compared, so that the time taken tells nothing. Should
    the digits be right for two steps, the later one counts: it uses up both.
    """
    live = None
    for step in (now_s // PERIOD_S + late for late in WINDOW):
        if _is_value(key, step, digits):
            live = step
    claimed = seconds // PERIOD_S
    by_own_clock = _is_value(key, claimed, digits)
    if live is not None:
        return TailMatch("live", live)
    return TailMatch("stale", claimed) if by_own_clock else TailMatch("wrong", None)


def _is_value(key: bytes, step: int, digits: str) -> bool:
    return hmac.compare_digest(totp(key, step), digits)
