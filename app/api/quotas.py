"""How many checks a partner, an address and one code may bring in a minute, and what is left of it.

Counts whole minutes in the memory of this process, which costs a verdict nothing; behind several
processes a quota is that of each. Speaks the fields of draft-ietf-httpapi-ratelimit-headers-10.
Only the event loop calls it.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from datetime import datetime

from starlette.exceptions import HTTPException

WINDOW_S = 60
# One code, a screenshot say, at the tills of one partner; a code that rotates is another one soon.
CHECKS_OF_A_CODE = 120
# The 146 characters after the address; a number as typed is shorter, and a tail changes.
CODE_LENGTH = 146


class Quotas:
    """The checks of the present minute, by who brought them."""

    def __init__(self, checks_per_minute: int) -> None:
        self._quotas = {
            "address": checks_per_minute,
            "partner": checks_per_minute,
            "card": CHECKS_OF_A_CODE,
        }
        self._policy = ", ".join(
            f'"{name}";q={quota};w={WINDOW_S}' for name, quota in self._quotas.items()
        )
        self._minute = 0
        self._taken: Counter[tuple[str, Hashable]] = Counter()

    def take(self, askers: Mapping[str, Hashable], *, now: datetime) -> dict[str, str]:
        """Count one check and say what is left; 429 with the same fields when it is too many.

        A check that is refused so is not counted.
        """
        minute, second = divmod(int(now.timestamp()), WINDOW_S)
        if minute != self._minute:
            self._minute = minute
            self._taken.clear()
        left = {name: self._quotas[name] - self._taken[name, who] for name, who in askers.items()}
        reset_s = WINDOW_S - second
        if min(left.values()) <= 0:
            raise HTTPException(
                429, headers=self._fields(left, reset_s) | {"retry-after": str(reset_s)}
            )
        for asker in askers.items():
            self._taken[asker] += 1
        return self._fields({name: rest - 1 for name, rest in left.items()}, reset_s)

    def _fields(self, left: Mapping[str, int], reset_s: int) -> dict[str, str]:
        told = ", ".join(f'"{name}";r={rest};t={reset_s}' for name, rest in left.items())
        return {"ratelimit-policy": self._policy, "ratelimit": told}


def code_of(text: str) -> str:
    """What stays the same of a presented text while it is the same code."""
    return text.partition("/1")[2][:CODE_LENGTH] or text
