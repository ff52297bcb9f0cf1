"""The worker process: everything that becomes due by itself, each kind in a thread of its own.

Any number of workers may run: what is due stands in the database, and two of them share it. A
job that fails is written down and tried again.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog

from app import metrics
from app.deployment import Deployment
from app.jobs import Clock, Job, all_jobs

# How long a batch that is under way when a worker is told to stop may still take. Whoever is
# outside may answer later than that, or never.
LAST_BATCH_S = 4.0

log = structlog.get_logger()


def run(deployment: Deployment, *, clock: Clock, stop: threading.Event | None = None) -> None:
    """Work until `stop` is set; without it, until nothing is due."""
    with ExitStack() as open_:
        settings = deployment.settings
        open_.enter_context(metrics.served(settings.metrics_host, settings.metrics_port))
        jobs = all_jobs(deployment, open_, clock)
        if stop is None:
            while sum([job.run() for job in jobs]):
                pass
            return
        threads = [threading.Thread(target=repeat, args=(job, stop), name=job.name) for job in jobs]
        for thread in threads:
            thread.start()
        log.info("worker-started", jobs=[job.name for job in jobs])
        for thread in threads:
            thread.join()
        log.info("worker-stopped")


def repeat(job: Job, stop: threading.Event) -> None:
    """Do one batch after the other; between batches is where a worker ends."""
    while not stop.is_set():
        try:
            busy = job.run()
            metrics.worked(job.name, well=True)
        except Exception:
            # The job's thread must outlive a database or a file that is away for a while.
            log.exception("job-failed", job=job.name)
            metrics.worked(job.name, well=False)
            busy = 0
        if not busy:
            stop.wait(job.period_s)


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """What is set by the signals that otherwise end a process at once.

    A process that is still there some seconds later is left as it is: every job takes it that a
    worker may die at any moment, and another worker goes on where this one was.
    """
    stop = threading.Event()

    def told(*_: object) -> None:
        stop.set()
        last = threading.Timer(LAST_BATCH_S, _leave)
        last.daemon = True
        last.start()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, told) for number in signals}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _leave() -> None:
    late = {each.name for each in threading.enumerate() if not each.daemon}
    log.warning("worker-left", jobs=sorted(late - {threading.main_thread().name}))
    sys.stderr.flush()
    os._exit(0)
