"""kill -9 of web process and worker during a full snapshot of the personnel file.

The parts come over HTTP from the file's own job to a real service that dies at every one of them;
what was not acknowledged is sent again as it was. Each worker dies in the middle of a step and
another takes its place. In the end every person must be whole, and the tables those of a run in
one process that nobody disturbed.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import httpx
import msgspec
from sqlalchemy import select

from app.cards.entitlement import Policy
from app.client_authentication import load_client_key
from app.db import Base, Database
from app.epd.push.accept import CHUNK
from app.epd.push.model import Run as PushedRun
from app.epd.push.model import RunState
from app.epd.push.runs import Runs
from app.settings import PREFIX
from bench.epd import take_in
from bench.torture.scenario import Bar, Figures, Run, Scenario
from bench.torture.site import Service, Site, site
from bench.torture.staff import WHOLE, Staff, left
from demo.deployment import SYNC_CLIENT_ID
from demo.serving import process
from demo.sync_job import Batch, SyncJob
from demo.world import wall_clock

EVERYBODY = 228_000
HONEST = ["-c", "from app.cli import main; main()", "worker"]
CARELESS = ["-m", "bench.torture.careless_worker"]
# About as long as one step takes, so that a death falls anywhere in it.
LONGEST_STEP_S = 0.1
LOOK_EVERY_S = 0.05
# A small part is acknowledged sooner than this, most times.
LONGEST_REQUEST_S = 0.3
# Without a step in that time something is wrong that waiting does not mend. Long, because whom the
# snapshot left out follows the last chunk in steps that are not counted here.
PATIENCE_S = 600.0


class Stuck(Exception):
    """No worker goes on."""


def kill_worker_during_snapshot(run: Run) -> Figures:
    """`kill -9` of the worker at random moments of a full snapshot, started again each time."""
    kills = 1 + run.rounds(2)
    people = EVERYBODY if run.hours else CHUNK * (kills + 2)
    undisturbed_url = f"sqlite:///{run.folder / 'undisturbed.sqlite3'}"
    with (
        site(run, cards=0, till_count=0) as place,
        closing(Database(undisturbed_url)) as undisturbed,
    ):
        undisturbed.transact(lambda session: Base.metadata.create_all(session.connection()))
        staff = Staff(people, place.ring, wall_clock())
        for database in (place.database, undisturbed):
            staff.settle(database)
        _push(run, place, staff, undisturbed)
        at_work = sum(_killed_at_work(run, place, kills - done) for done in range(kills))
        with _working(run, place):
            _wait(place, lambda _: _is_over(place))
        _carry_out(undisturbed, staff)
        return staff.compare(place.database, undisturbed) | {"kills": at_work, "people": people}


def _push(run: Run, place: Site, staff: Staff, undisturbed: Database) -> None:
    """Send every part to a service that dies on it, and tell the other database the same."""
    parts = staff.records()
    unsure: list[Batch] = []  # at most one
    for number, numbers in enumerate(parts, start=1):
        with place.serving() as web, _job(place) as job:
            _send(job, unsure)
            batch = job.batch(staff.part(numbers), kind="VOLLEDIG", part=(number, len(parts)))
            take_in(undisturbed, place.ring, msgspec.json.encode(batch), wall_clock())
            death = threading.Timer(run.chance.uniform(0, LONGEST_REQUEST_S), web.kill)
            death.start()
            try:
                answer = str(job.send(batch).status_code)
            except httpx.TransportError as lost:
                answer = type(lost).__name__
            death.join()
            web.wait()
        unsure = [batch]
        run.journal.note("web-killed", part=number, answer=answer)
    with place.serving(), _job(place) as job:
        _send(job, unsure)


def _send(job: SyncJob, batches: list[Batch]) -> None:
    for batch in batches:
        job.send(batch).raise_for_status()


@contextmanager
def _job(place: Site) -> Iterator[SyncJob]:
    """The personnel file's own job, with its key."""
    address = place.deployment.addresses.service
    key = place.deployment.credentials.sync_key.read_bytes()
    means = load_client_key(key, key_id="", audience=address)
    with closing(SyncJob(address, SYNC_CLIENT_ID, means, wall_clock)) as job:
        yield job


def _killed_at_work(run: Run, place: Site, lives: int) -> bool:
    """One worker's life; whether there was still work when it ended."""
    before = _left(place)
    goal = before - run.chance.randint(1, max(1, before // (lives + 1)))
    with _working(run, place) as worker:
        _wait(place, lambda chunks: chunks <= max(0, goal))
        time.sleep(run.chance.uniform(0, LONGEST_STEP_S))
        at_work = not _is_over(place)
        worker.kill()
        worker.wait()
    run.journal.note("killed", left_before=before, left=_left(place), at_work=at_work)
    return at_work


@contextmanager
def _working(run: Run, place: Site) -> Iterator[Service]:
    """One worker that no brake stops: here more change than anybody would let pass."""
    environment = place.deployment.environment | {f"{PREFIX}MASS_CHANGE_BRAKE_PERCENT": "100"}
    command = CARELESS if run.planted else HONEST
    with process(command, environment=environment, log=run.log) as worker:
        yield worker


def _wait(place: Site, reached: Callable[[int], bool]) -> None:
    """Wait until so few chunks are left; `Stuck` when there is no progress."""
    chunks, moved_at_s = _left(place), time.monotonic()
    while not reached(chunks):
        if time.monotonic() - moved_at_s > PATIENCE_S + chunks:
            raise Stuck(f"{chunks} chunks are left")
        time.sleep(LOOK_EVERY_S)
        before, chunks = chunks, _left(place)
        if chunks != before:
            moved_at_s = time.monotonic()


def _left(place: Site) -> int:
    with place.database.reading() as session:
        return left(session)


def _is_over(place: Site) -> bool:
    with place.database.reading() as session:
        return all(state is RunState.DONE for state in session.scalars(select(PushedRun.state)))


def _carry_out(database: Database, staff: Staff) -> None:
    policy = Policy()
    runs = Runs(database, staff.ring, policy=policy, brake_percent=100, clock=wall_clock)
    while runs.run():
        pass


KILL_WORKER = Scenario(
    kill_worker_during_snapshot, Bar(WHOLE, {"kills": 2}), caught_as="half_applied"
)
