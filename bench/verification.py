"""What a verification costs beside an endpoint that does nothing, and beside the ordinary way.

Every service runs in a process of its own under the same server, all are up during the whole
measurement and are loaded in turns; what counts is requests per CPU second of the web process.
Ours checks a till key, limits, signature and digits, judges and commits a scan before it answers.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from fastapi import FastAPI
from sqlalchemy import make_url, update
from sqlalchemy.orm import Session

from app.cards.model import WalletPass
from app.main import State
from bench.load import LENGTH
from bench.measure import Measurement, measured
from bench.ordinary import empty, row_per_request
from bench.postgresql import server
from bench.shopfloor import ShopFloor, shop_floor
from bench.torture.service import honest
from demo.serving import free_port, running

CONNECTIONS = 32
# More than any machine answers in a second, so that no crowd runs out of requests.
MOST_PER_CPU_S = 4_000
CARDS = 12_000
WRITE_EVERY_S = 0.02
WRITTEN_ROWS = 20
BARE = 0.75
ORDINARY = 4.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A running service and where its requests come from."""

    floor: ShopFloor
    port: int
    process: "subprocess.Popen[bytes]"

    def per_cpu_second(self, seconds: float) -> float:
        """Load it for a while; raises when an answer is not as it should be."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "requests"
            with path.open("wb") as file:
                for one in self.floor.requests(int(seconds * MOST_PER_CPU_S), self.port):
                    file.write(LENGTH.pack(len(one)) + one)
            begun = cpu_s_of(self.process.pid)
            told = subprocess.run(
                [
                    *(sys.executable, "-m", "bench.load", path),
                    *(str(self.port), str(seconds), str(CONNECTIONS)),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            spent = cpu_s_of(self.process.pid) - begun
        answers: dict[str, int] = json.loads(told.stdout)
        if set(answers) != {"200 good"}:
            raise ValueError(f"answers that nobody wants: {answers}")
        return answers["200 good"] / spent


def verify_postgresql_vs_empty_endpoint(rounds: int, seconds: float) -> Measurement:
    """Compare verification on PostgreSQL with an endpoint that does nothing."""
    with floors("postgresql") as (floor,), ExitStack() as open_:
        ours, bare = (open_.enter_context(contender(floor, app)) for app in (honest, empty))
        runs = ratios(ours, bare, rounds, seconds)
    note = "requests per web CPU second, of an empty FastAPI endpoint"
    return measured("verify_postgresql_vs_empty_endpoint", BARE, runs, note)


def verify_sqlite_vs_empty_endpoint(rounds: int, seconds: float) -> Measurement:
    """Compare verification on SQLite, beside other writers, with an endpoint that does nothing."""
    with floors("sqlite") as (floor,), ExitStack() as open_:
        apps = (beside_writers, empty)
        ours, bare = (open_.enter_context(contender(floor, app)) for app in apps)
        runs = ratios(ours, bare, rounds, seconds)
    note = "as above, beside a writer in the same process"
    return measured("verify_sqlite_vs_empty_endpoint", BARE, runs, note)


def verify_vs_row_per_request(rounds: int, seconds: float) -> Measurement:
    """Compare verification with one read and one insert for each request, on PostgreSQL."""
    with floors("postgresql") as (floor,), ExitStack() as open_:
        apps = (honest, row_per_request)
        ours, ordinary = (open_.enter_context(contender(floor, app)) for app in apps)
        runs = ratios(ours, ordinary, rounds, seconds)
    note = "of an ORM read and an insert for each request, without key, limits and signature"
    return measured("verify_vs_row_per_request", ORDINARY, runs, note)


def ratios(ours: Contender, other: Contender, rounds: int, seconds: float) -> list[float]:
    """Load both in turns; the first turn of each warms up and does not count."""
    for one in (ours, other):
        one.per_cpu_second(min(seconds, 0.5))
    return [ours.per_cpu_second(seconds) / other.per_cpu_second(seconds) for _ in range(rounds)]


@contextmanager
def floors(*grounds: str, cards: int = CARDS) -> Iterator[list[ShopFloor]]:
    """A shop floor on each kind of database; PostgreSQL writes through to the disk."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="bench-")))
        found = []
        for ground in grounds:
            url = f"sqlite:///{folder}/cards.sqlite3"
            if ground == "postgresql":
                url = _postgresql(open_.enter_context(server()))
            found.append(open_.enter_context(shop_floor(folder / ground, url, cards=cards)))
        yield found


@contextmanager
def contender(floor: ShopFloor, app: Callable[[], FastAPI]) -> Iterator[Contender]:
    """One service process on a floor, from its first answer on."""
    port, log = free_port(), floor.deployment.directory / f"{app.__name__}.log"
    # One till asks for thousands here.
    environment = floor.deployment.environment | {"LERARENKAART_CHECKS_PER_MINUTE": "1000000000"}
    name = f"{app.__module__}:{app.__name__}"
    with running(name, port, environment=environment, log=log) as process:
        yield Contender(floor, port, process)


def cpu_s_of(pid: int) -> float:
    """CPU seconds that a process has used so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beside_writers() -> FastAPI:
    """The product, and in its process a thread that keeps changing passes as routes do."""
    app = honest()
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        over = threading.Event()
        async with opened(app) as state:
            assert state is not None  # noqa: S101 - as `create_app` made it
            house = state["house"]
            database = house.database

            def write() -> None:
                while not over.wait(WRITE_EVERY_S):
                    database.transact(_change_some_passes)

            writer = threading.Thread(target=write)
            writer.start()
            try:
                yield {"house": house}
            finally:
                over.set()
                writer.join()

    app.router.lifespan_context = lifespan
    return app


def _change_some_passes(session: Session) -> Any:  # noqa: ANN401 - nobody looks
    chosen = WalletPass.pass_number > time.monotonic_ns() % 2**63
    some = session.query(WalletPass.id).where(chosen).limit(WRITTEN_ROWS)
    return session.execute(
        update(WalletPass)
        .where(WalletPass.id.in_(some.scalar_subquery()))
        .values(revision=WalletPass.revision + 1)
        .execution_options(synchronize_session=False)
    )


def _postgresql(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE bench")
    return make_url(url).set(database="bench").render_as_string(hide_password=False)
