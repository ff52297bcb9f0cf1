"""How long a till waits while a full snapshot of the personnel file comes in, and without it.

Tills ask at a steady pace, each answer timed from the moment at which it was due, so that a
service that stands still is not let off. The snapshot comes as it always does: parts over HTTP to
the process that answers the tills, carried out by a worker beside it. On PostgreSQL, in turns.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from sqlalchemy import select

from app.cards.keyring import KeyRing
from app.client_authentication import load_client_key
from app.db import Database
from app.epd.push.contract import read_batch
from app.epd.push.model import Run, RunState
from bench.epd import bodies, settle_in
from bench.measure import Measurement, measured
from bench.shopfloor import ShopFloor
from bench.torture.service import honest
from bench.torture.till import Till, crowd
from bench.verification import Contender, contender, floors
from demo.deployment import SYNC_CLIENT_ID
from demo.serving import process
from demo.sync_job import SyncJob
from demo.world import wall_clock

_BAR = 3.0
_EVERYBODY, _QUICK = 228_000, 10_000
_ROUNDS = 3
_TILLS = 4
# Of each till; together a busy morning of the whole country.
_EVERY_S = 0.1
# So that a hundredth of the answers is several.
_AT_LEAST_S = 15.0
_WORKER = ["-c", "from app.cli import main; main()", "worker"]


def verify_p99_during_snapshot(rounds: int, seconds: float) -> Measurement:
    """Compare the slowest hundredth of the tills' answers during a snapshot and without it."""
    del rounds
    people = _QUICK if seconds < 1 else _EVERYBODY
    with floors("postgresql") as (floor,), contender(floor, honest) as ours:
        deployment = floor.deployment
        with closing(Database(deployment.database_url)) as database:
            settle_in(database, KeyRing(deployment.directory / "keys"), people)
            runs = [_round(ours, database, people, number) for number in range(_ROUNDS)]
    note = f"{people} persons, 2 % changed: p99 of tills meanwhile per p99 without"
    return measured("verify_p99_during_snapshot", _BAR, runs, note, ceiling=True)


def _round(ours: Contender, database: Database, people: int, number: int) -> float:
    batches = {str(read_batch(body).batch_id): body for body in bodies(people, number)}
    with _asking(ours) as without:
        time.sleep(_AT_LEAST_S)
    with _asking(ours) as meanwhile:
        _snapshot(ours, database, batches)
    return _p99(meanwhile) / _p99(without)


def _snapshot(ours: Contender, database: Database, batches: dict[str, bytes]) -> None:
    """Push a whole snapshot and wait until the last person is in line."""
    deployment = ours.floor.deployment
    key = deployment.credentials.sync_key.read_bytes()
    means = load_client_key(key, key_id="", audience=deployment.addresses.service)
    address = f"http://localhost:{ours.port}"
    log = deployment.directory / "worker.log"
    with (
        process(_WORKER, environment=deployment.environment, log=log),
        closing(SyncJob(address, SYNC_CLIENT_ID, means, wall_clock)) as job,
    ):
        for batch_id, body in batches.items():
            job.send(body, headers={"idempotency-key": batch_id}).raise_for_status()
        while not _is_over(database):
            time.sleep(0.2)


def _is_over(database: Database) -> bool:
    with database.reading() as session:
        states = set(session.scalars(select(Run.state)))
    if RunState.PARKED in states:
        raise ValueError("the brake holds this snapshot: it takes cards")
    return states == {RunState.DONE}


@contextmanager
def _asking(ours: Contender) -> Iterator[list[float]]:
    """Tills that ask at their pace; the seconds that each answer took, as they come."""
    took_s: list[float] = []
    key = ours.floor.deployment.shops["museum"].live_key
    next_code = _codes(ours.floor)
    with ExitStack() as open_:
        tills = [open_.enter_context(closing(Till(ours.port, key))) for _ in range(_TILLS)]
        begun_s = time.monotonic()
        due_s = [begun_s + _EVERY_S * number / _TILLS for number in range(_TILLS)]

        def ask(number: int, over: threading.Event) -> None:
            code = next_code()
            if over.wait(max(0.0, due_s[number] - time.monotonic())):
                return
            answer = tills[number].present(code)
            took_s.append(answer.answered_at_s - due_s[number])
            if not (answer.is_verdict and answer.document["valid"]):
                raise ValueError(f"an answer that nobody wants: {answer.status}")
            due_s[number] += _EVERY_S

        with crowd(_TILLS, ask):
            yield took_s


def _codes(floor: ShopFloor) -> Callable[[], str]:
    shown, turn = floor.shown(), threading.Lock()

    def next_code() -> str:
        with turn:
            return next(shown)

    return next_code


def _p99(took_s: list[float]) -> float:
    return statistics.quantiles(took_s, n=100)[-1]
