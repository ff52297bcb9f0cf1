"""kill -9 of the service and of the database while shops scan.

Every till presents codes that count once, asks again when the connection breaks as real
tills do, and writes down what it was told. What was told must be in the tables afterwards,
once.
"""

import math
import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import psycopg

from bench.postgresql import server
from bench.torture.audit import SOUND, audit
from bench.torture.scenario import Bar, Figures, Run, Scenario
from bench.torture.service import commits_later, honest
from bench.torture.site import LiveCodes, Site, site
from bench.torture.teachers import log_in, teachers
from bench.torture.till import Answer, Unanswered, crowd

TILLS = 6
LONGEST_LIFE_S = 1.0
RETRY_S = 0.03
# A service that has not answered by then does not come back.
GIVEN_UP_S = 30.0
MOST = SOUND | {"wrong_verdicts": 0, "other_answers": 0, "serving_again_s": 5}
# A commit that waits for nobody, and a writer that is in no hurry: lost with the server's memory.
CARELESS = ("synchronous_commit=off", "wal_writer_delay=10s", "wal_writer_flush_after=1GB")


class Scanning:
    """Tills that scan without a pause, and what they were told."""

    def __init__(self, run: Run, site: Site) -> None:
        self.verdicts: list[dict[str, Any]] = []
        self.acknowledged: list[Answer] = []
        self.killed_at_s: list[float] = []
        self.refused = 0
        self.other_answers = 0
        self._run = run
        self._codes = LiveCodes(site)
        self._tills = site.tills()

    def scan(self, number: int, over: threading.Event) -> None:
        """Present one fresh code until it was answered."""
        code = self._codes.fresh()
        while not over.is_set():
            try:
                answer = self._tills[number].present(code)
            except Unanswered:
                time.sleep(RETRY_S)
                continue
            if answer.is_verdict:
                self._told(answer)
                return
            self.refused += answer.asks_for_patience
            self.other_answers += not answer.asks_for_patience
            time.sleep(RETRY_S)

    def killed(self) -> None:
        """Note that something has just died."""
        self.killed_at_s.append(time.monotonic())
        self._run.journal.note("killed")

    def goes_on(self) -> bool:
        """Wait until a check asked after the last death was answered; False when none is."""
        moment_s = self.killed_at_s[-1] if self.killed_at_s else 0.0
        given_up_at_s = time.monotonic() + GIVEN_UP_S
        while self._first_after(moment_s) == math.inf and time.monotonic() < given_up_at_s:
            time.sleep(RETRY_S)
        return self._first_after(moment_s) < math.inf

    def figures(self, site: Site) -> Figures:
        """What came of it, by comparison with the tables."""
        again_s = [self._first_after(moment_s) - moment_s for moment_s in self.killed_at_s]
        return audit(site, self.verdicts) | {
            "wrong_verdicts": sum(not verdict["valid"] for verdict in self.verdicts),
            "other_answers": self.other_answers,
            "serving_again_s": round(max(again_s, default=math.inf), 2),
            "kills": len(self.killed_at_s),
            "acknowledged": len(self.verdicts),
            "asked_to_wait": self.refused,
        }

    def _told(self, answer: Answer) -> None:
        verdict = answer.document
        self._run.journal.note(
            "acknowledged", id=verdict["verification_id"], valid=verdict["valid"]
        )
        self.verdicts.append(verdict)
        self.acknowledged.append(answer)

    def _first_after(self, moment_s: float) -> float:
        after = (one.answered_at_s for one in self.acknowledged if one.asked_at_s > moment_s)
        return min(after, default=math.inf)


def kill_web_during_scans(run: Run) -> Figures:
    """`kill -9` of the service process at random moments, started again each time."""
    variant = commits_later if run.planted else honest
    kills = run.rounds(10)
    with site(run, cards=400 + 400 * kills) as place:
        scanning = Scanning(run, place)
        with ExitStack() as last, crowd(TILLS, scanning.scan):
            for _ in range(kills):
                with place.serving(variant) as service:
                    scanning.goes_on()
                    time.sleep(run.chance.uniform(0, LONGEST_LIFE_S))
                    service.kill()
                    service.wait()
                    scanning.killed()
            last.enter_context(place.serving(variant))
            scanning.goes_on()
        return scanning.figures(place)


def kill_database_during_scans(run: Run) -> Figures:
    """`kill -9` of every process of PostgreSQL but the postmaster, which recovers from the log.

    Shared memory goes with them: what was not on disk is gone, as after the death of the
    postmaster itself. Meanwhile a teacher looks at the card page.
    """
    kills = run.rounds(10)
    pages: list[Answer] = []
    with (
        server(*CARELESS if run.planted else ()) as url,
        site(replace(run, database_url=url), cards=400 + 800 * kills) as place,
    ):
        scanning = Scanning(run, place)
        browser, line = log_in(place, *teachers(1)), place.till(0)

        def look(_: int, __: threading.Event) -> None:
            with suppress(Unanswered):
                pages.append(browser.open(line, "/card"))
            time.sleep(RETRY_S)

        with psycopg.connect(url) as connection:
            connection.execute("CHECKPOINT")  # cards and keys are not what may be lost
        with place.serving(), crowd(TILLS, scanning.scan), crowd(1, look):
            while len(scanning.killed_at_s) < kills and scanning.goes_on():
                time.sleep(run.chance.uniform(0, LONGEST_LIFE_S))
                _kill_postgresql(url)
                scanning.killed()
            scanning.goes_on()
        return scanning.figures(place) | {"other_pages": _neither_shown_nor_patient(pages)}


def _kill_postgresql(url: str) -> None:
    with psycopg.connect(url) as connection:
        pids = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]
    for pid in pids:
        with suppress(ProcessLookupError):  # one may follow another of its own accord
            os.kill(pid, signal.SIGKILL)


def _neither_shown_nor_patient(pages: list[Answer]) -> int:
    return sum(page.status != HTTPStatus.OK and not page.asks_for_patience for page in pages)


KILL_WEB = Scenario(
    kill_web_during_scans, Bar(MOST, {"kills": 10, "acknowledged": 500}), caught_as="lost"
)
KILL_DATABASE = Scenario(
    kill_database_during_scans,
    Bar(MOST | {"other_pages": 0}, {"kills": 10, "acknowledged": 500, "asked_to_wait": 10}),
    caught_as="lost",
    grounds=("postgresql",),
)
