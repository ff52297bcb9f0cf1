"""What a scenario is, the bar it is held against, and what one run of it gets.

A scenario runs twice on each database: honestly, and with a fault planted on purpose. Only
figures that the planted fault drives over the bar show that the honest ones mean something.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Ground = Literal["sqlite", "postgresql"]
Figures = dict[str, float]


class NotRun(Exception):
    """This machine cannot offer what the scenario needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What figures may be at most, and must be at least for a run to have shown anything."""

    most: Mapping[str, float]
    least: Mapping[str, float] = field(default_factory=dict)

    def broken_by(self, measured: Mapping[str, float]) -> bool:
        """Whether something went wrong that must not."""
        return any(measured[figure] > limit for figure, limit in self.most.items())

    def held_by(self, measured: Mapping[str, float]) -> bool:
        """Whether nothing went wrong although enough was tried."""
        tried = all(measured[figure] >= limit for figure, limit in self.least.items())
        return tried and not self.broken_by(measured)


class Journal:
    """What happened, as JSON lines on disk the moment it happens; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def note(self, event: str, **facts: object) -> None:
        """Add a line; `at_s` is on the machine's monotonic clock."""
        line = {"at_s": round(time.monotonic(), 4), "event": event} | facts
        with self._lock:
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """No more lines."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Run:
    """One run: an empty folder, an empty database, and how hard to try."""

    folder: Path
    database_url: str
    journal: Journal
    # Where the service's own log goes, beside the journal.
    log: Path
    planted: bool = False
    effort: float = 1
    # Sizes as in the field, which take hours.
    hours: bool = False
    chance: random.Random = field(default_factory=random.Random)

    def rounds(self, quick: int) -> int:
        """How often to try, where a quick run would try so often."""
        return max(1, round(quick * self.effort))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to torture the service."""

    torture: Callable[[Run], Figures]
    bar: Bar
    # The figure in which the planted fault must show.
    caught_as: str
    grounds: tuple[Ground, ...] = ("sqlite", "postgresql")

    @property
    def name(self) -> str:
        """The name in the report, before that of the database."""
        return self.torture.__name__
