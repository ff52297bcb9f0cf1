"""What is told to those who watch: on its own port, of a list of words, with rules that fit it."""

import ast
import io
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest

from app import figures, log, metrics, worker
from app.api.deps import clock as wall_clock
from app.db import Database
from app.deployment import Deployment as Running
from app.jobs import Job
from app.settings import Settings
from app.verification.verdict import Reason
from demo.deployment import Deployment
from demo.serving import free_port
from tests.api.conftest import clock, deployment, logs, serve, service, surroundings
from tests.api.stage import Service

__all__ = ["clock", "deployment", "logs", "serve", "service", "surroundings"]

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "deploy" / "alerts.yml").read_text("utf-8")


def told(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text: str = answer.read().decode()
    return text


def value(name: str, /, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_and_verdicts_are_counted_by_route_and_reason(service: Service) -> None:
    route = "/api/v1/verifications"
    labels = {"method": "POST", "route": route, "status": "200"}
    before = value("lerarenkaart_requests_total", **labels)
    malformed = value("lerarenkaart_verdicts_total", reason="malformed")
    service.till().scan("this is no code")
    assert value("lerarenkaart_requests_total", **labels) == before + 1
    assert value("lerarenkaart_verdicts_total", reason="malformed") == malformed + 1
    # A method is a word of a stranger.
    service.http.request("PROPFIND", "/c/1234567")
    assert "PROPFIND" not in generate_latest().decode()
    assert "1234567" not in generate_latest().decode()


def test_figures_are_on_their_own_port_and_on_none_unless_asked() -> None:
    port = free_port()
    with metrics.served("127.0.0.1", port):
        assert "lerarenkaart_requests_total" in told(port)
    with pytest.raises(OSError, match="refused"):
        told(port)
    with metrics.served("127.0.0.1", None), pytest.raises(OSError, match="refused"):
        told(port)


def test_a_worker_tells_how_its_jobs_went_and_what_the_tables_say(
    database: Database, deployment: Deployment
) -> None:
    settings = Settings(**{k.lower(): v for k, v in deployment.settings.items()})
    worker.run(Running.load(settings, now=wall_clock()), clock=wall_clock)
    ends_at = value("lerarenkaart_certificate_ends_at_seconds", name="WWDR certificate")
    assert ends_at > wall_clock().timestamp()
    with database.reading() as session:
        figures.gather(session, now=wall_clock())
    assert value("lerarenkaart_restore_fence_up") == 0
    runs = {"job": "seal", "outcome": "failed"}
    stop = Once()
    before = value("lerarenkaart_job_runs_total", **runs)
    worker.repeat(Job("seal", _fail, period_s=0), stop)  # type: ignore[arg-type]
    assert value("lerarenkaart_job_runs_total", **runs) == before + 1


class Once:
    """Stops after one round."""

    def __init__(self) -> None:
        self._rounds = 0

    def is_set(self) -> bool:
        self._rounds += 1
        return self._rounds > 1

    def wait(self, _period_s: float) -> None:
        """Not at all."""


def _fail() -> int:
    raise OSError("away")


def test_every_rule_looks_at_a_figure_that_there_is_and_nothing_goes_unwatched() -> None:
    named = set(re.findall(r"lerarenkaart_\w+", RULES))
    families = {f.name for f in REGISTRY.collect() if f.name.startswith("lerarenkaart_")}
    told_as = {f: {f, f"{f}_total", f"{f}_bucket"} for f in families}
    assert named <= set().union(*told_as.values())
    unwatched = {f for f, names in told_as.items() if not names & named}
    # Figures for a picture, not for an alarm.
    assert unwatched == {"lerarenkaart_deliveries_lagging", "lerarenkaart_verification_batch"}
    jobs = set(re.findall(r'job="([\w-]+)"', RULES))
    source = (ROOT / "app" / "jobs.py").read_text("utf-8")
    assert all(f'"{job}"' in source for job in jobs)
    (reasons,) = re.findall(r'reason=~"([\w|]+)"', RULES)
    assert set(reasons.split("|")) <= set(Reason)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the log wrote, as this process configured it."""
    stream = io.StringIO()
    before = structlog.get_config()
    log.configure(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)


def test_a_field_of_no_list_is_dropped_and_named(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    structlog.get_logger().info("event", name="Annelies Peeters", count=3, insz="84022999510")
    (line,) = lines()
    assert line["dropped"] == ["insz", "name"]
    assert line["count"] == 3
    assert "Annelies" not in str(line)


def test_every_field_that_is_logged_is_on_the_list() -> None:
    used = {
        keyword.arg
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
        for keyword in node.keywords
        if keyword.arg
    }
    assert len(used) > 20
    assert used - log.FIELDS == set()


def test_figures_cannot_be_seen_from_outside() -> None:
    """The proxy of the example lets nobody through to them."""
    proxy = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    assert "metrics" not in re.sub(r"#.*", "", proxy)
