"""How long a source is asked, and when it is left alone.

Knows the times and counts of one deployment, and after how many failures in a row nobody should
wait any more for what will not come. After its rest one caller tries; the others go on being sent
away until that one has an answer.
"""

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """A waiting teacher has an answer within about `budget_s`, whatever the source does.

    Within it there are up to `attempts` of `attempt_s` each, pauses growing from `first_pause_s`
    to `longest_pause_s` between them. After `failures` in a row the source rests for `rest_s`.
    """

    connect_s: float = 2.0
    attempt_s: float = 5.0
    budget_s: float = 8.0
    attempts: int = 4
    first_pause_s: float = 0.2
    longest_pause_s: float = 1.0
    connections: int = 20
    failures: int = 5
    rest_s: float = 30.0


class Breaker:
    """Counts failures in a row, for all threads of a process."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._failures = 0
        self._resting_until = 0.0

    def wait_s(self) -> float:
        """Seconds to wait before the source may be asked; 0 admits the caller now."""
        with self._lock:
            if self._failures < self._patience.failures:
                return 0.0
            wait_s = self._resting_until - time.monotonic()
            if wait_s > 0:
                return wait_s
            # This caller tries for all; should it never report, the next one does after a rest.
            self._resting_until = time.monotonic() + self._patience.rest_s
            return 0.0

    def succeeded(self) -> None:
        """The source gave an answer."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """The source gave none, or none of any use."""
        with self._lock:
            self._failures += 1
            self._resting_until = time.monotonic() + self._patience.rest_s
