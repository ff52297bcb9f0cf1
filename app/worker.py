"""The worker process: everything that becomes due by itself, each kind in a thread of its own.

Any number of workers may run: what is due stands in the database, and two of them share it. A
job that fails is written down and tried again.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog

from app import metrics
from app.deployment import Deployment
from app.jobs import Clock, Job, all_jobs

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
    """What is set by the signals that otherwise end a process at once."""
    stop = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
