"""RFC 6238 with SHA-1, T0 = 0 and steps of 30 s: the tail of a Google code. Pure.

Knows the window in which a tail counts and that a phone's own timestamp is only a hint;
hides truncation and comparison. Every step of the window is computed and compared in
constant time, so that an answer's delay tells nothing about the digits.
"""

import hmac
from dataclasses import dataclass
from typing import Literal

PERIOD_S = 30
DIGITS = 8
# Steps by server time in which a tail is live (docs/card-token.md, section 3).
WINDOW = range(-2, 2)


@dataclass(frozen=True, slots=True)
class TailMatch:
    """What digits are worth: live in a step, stale (right once, or soon), or wrong."""

    result: Literal["live", "stale", "wrong"]
    step: int | None = None


def totp(key: bytes, step: int, digits: int = DIGITS) -> str:
    """The value of one step, left-padded with zeros (RFC 4226, section 5.3)."""
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def match(key: bytes, seconds: int, digits: str, *, now_s: int) -> TailMatch:
    """Judge the digits that a phone showed with its own Unix seconds, at the server's."""
    step_now = now_s // PERIOD_S
    live = [
        step_now + ahead
        for ahead in WINDOW
        if hmac.compare_digest(totp(key, step_now + ahead), digits)
    ]
    own = seconds // PERIOD_S
    stale = hmac.compare_digest(totp(key, own), digits)
    if live:
        return TailMatch("live", live[-1])
    return TailMatch("stale", own) if stale else TailMatch("wrong")
