"""What can be counted from outside: figures for those who watch, on a port of their own.

Knows every metric, its name and its labels; hides the client library. A label has a value from a
list that we wrote: a route and never an address, a reason and never a person. Counting never
fails and never waits; where no port is set, nobody looks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache

from prometheus_client import Counter, Gauge, Histogram, start_http_server

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

_REQUESTS = Counter(
    "lerarenkaart_requests", "Answers of the web process.", ["method", "route", "status"]
)
_TOOK = Histogram(
    "lerarenkaart_request_seconds", "How long answers took.", ["route"], buckets=SECONDS
)
_VERDICTS = Counter("lerarenkaart_verdicts", "Verdicts given, repeats included.", ["reason"])
_BATCH = Histogram(
    "lerarenkaart_verification_batch", "Verifications that shared a transaction.", buckets=SIZES
)
_RUNS = Counter("lerarenkaart_job_runs", "Batches of a job of the worker.", ["job", "outcome"])
_RAN_AT = Gauge("lerarenkaart_job_succeeded_at_seconds", "When a job last went well.", ["job"])
_FIGURES = {
    "lagging": Gauge("lerarenkaart_deliveries_lagging", "Passes that wallets have not yet."),
    "oldest_s": Gauge("lerarenkaart_deliveries_oldest_seconds", "Age of the oldest of these."),
    "parked": Gauge("lerarenkaart_deliveries_parked", "Passes given up until somebody looks."),
    "epd_age_s": Gauge("lerarenkaart_epd_news_age_seconds", "Age of the last news of anybody."),
    "fence_up": Gauge("lerarenkaart_restore_fence_up", "1 while no card is valid."),
}
_CERTIFICATE = Gauge(
    "lerarenkaart_certificate_ends_at_seconds", "The last moment of a certificate.", ["name"]
)


@contextmanager
def served(host: str, port: int | None) -> Iterator[None]:
    """Serve the figures of this process at `/metrics`; without a port do nothing."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, addr=host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answered(method: str, route: str, status: int, took_s: float) -> None:
    """One request of the web process; `route` is the pattern."""
    count, took = _series(method if method in METHODS else "other", route, status)
    count.inc()
    took.observe(took_s)


def judged(reasons: list[str]) -> None:
    """The verdicts of one transaction."""
    _BATCH.observe(len(reasons))
    for reason in reasons:
        _VERDICTS.labels(reason).inc()


@cache  # finding a series by its labels costs more than counting in it
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return _REQUESTS.labels(method, route, str(status)), _TOOK.labels(route)


def worked(job: str, *, well: bool) -> None:
    """One batch of a job."""
    _RUNS.labels(job, "done" if well else "failed").inc()
    if well:
        _RAN_AT.labels(job).set_to_current_time()


def figure(**values: float) -> None:
    """What the tables say at this moment, by the names of `_FIGURES`."""
    for name, value in values.items():
        _FIGURES[name].set(value)


def certificate(name: str, *, ends_at: datetime) -> None:
    """When a certificate ends."""
    _CERTIFICATE.labels(name).set(ends_at.timestamp())
