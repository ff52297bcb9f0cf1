"""How fast we may call somebody: a thread's turn comes at even intervals.

Knows one rate for the threads of one process. Measured on the monotonic clock, since a
clock that is set back must not stop all calls for as long.
"""

import math
import threading
import time


class Pace:
    """At most `per_s` calls a second, after a start of at most `burst` at once."""

    def __init__(self, per_s: float, *, burst: int = 1) -> None:
        self._interval_s = 1 / per_s
        self._lead_s = (burst - 1) * self._interval_s
        self._guard = threading.Lock()
        self._next = -math.inf

    def wait(self, *, until: float) -> bool:
        """Sleep until it is our turn; False, at once, when that is after `until` (monotonic)."""
        with self._guard:
            moment = time.monotonic()
            turn = max(self._next, moment - self._lead_s)
            if turn > until:
                return False
            self._next = turn + self._interval_s
        time.sleep(max(0.0, turn - moment))
        return True
