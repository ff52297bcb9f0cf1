"""How a benchmark measures: ratios of two things that ran in turns on the same machine.

A ratio taken round by round survives a machine that is busy, slow or small; an absolute does
not. Work bound by the processor is counted in its own CPU seconds, those of
subprocesses included; only what is about waiting or threads is counted by the clock.
"""

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
# So rarely is the clock looked at; a look costs about a microsecond.
_CALLS_PER_LOOK = 8


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the report. `ratio` is the median of `runs`, which are one per round."""

    name: str
    ratio: float
    bar: float
    runs: list[float]
    note: str
    # Whether the bar is a ceiling (of memory, of a delay) and not a floor.
    ceiling: bool = False

    @property
    def holds(self) -> bool:
        """Whether the ratio is on the good side of the bar."""
        return self.ratio <= self.bar if self.ceiling else self.ratio >= self.bar


def measured(
    name: str, bar: float, runs: list[float], note: str, *, ceiling: bool = False
) -> Measurement:
    """Make the line of a benchmark from its rounds."""
    return Measurement(name, statistics.median(runs), bar, runs, note, ceiling)


def cpu_s() -> float:
    """Return the CPU seconds of this process and of the subprocesses it waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def rate(call: Callable[[T], object], inputs: Iterator[T], seconds: float) -> float:
    """Return calls per CPU second, taken over `seconds` of them; each input is used once."""
    begun = cpu_s()
    for done, one in enumerate(inputs, start=1):
        call(one)
        if done % _CALLS_PER_LOOK == 0 and (spent := cpu_s() - begun) >= seconds:
            return done / spent
    raise ValueError("the inputs ran out before the time")


def throughput(calls: list[Iterator[Callable[[], object]]], seconds: float) -> float:
    """Return calls per second by the clock, one thread for each iterator of calls."""
    counts = [0] * len(calls)
    ends = time.monotonic() + seconds

    def work(thread: int) -> None:
        for call in calls[thread]:
            call()
            counts[thread] += 1
            if time.monotonic() >= ends:
                return

    threads = [Thread(target=work, args=(number,)) for number in range(len(calls))]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)
