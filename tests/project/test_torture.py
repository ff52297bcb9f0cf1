"""The torture harness in small: what it finds on the service, and on one broken on purpose.

`make torture` is the real thing; here a few kills and races show that it works.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bench.torture.kills import KILL_WEB
from bench.torture.races import LIMITS, ONE_LIVE_CODE, ONE_WEBSHOP_CODE
from bench.torture.scenario import Journal, Run, Scenario
from bench.torture.snapshot import KILL_WORKER


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Makes a short run: a kill or two, four races."""
    with ExitStack() as open_:

        def make(database_url: str, *, planted: bool = False) -> Run:
            journal = open_.enter_context(closing(Journal(tmp_path / "journal.jsonl")))
            log = tmp_path / "service.log"
            return Run(tmp_path, database_url, journal, log, planted=planted, effort=0.1)

        yield make


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Not migrated: the harness does that itself."""
    return f"sqlite:///{tmp_path / 'lerarenkaart.sqlite3'}"


def test_a_service_that_is_killed_has_lost_nothing_it_acknowledged(
    run: Callable[..., Run], sqlite_url: str
) -> None:
    measured = KILL_WEB.torture(run(sqlite_url))
    # How fast it serves again is for `make torture`, on a machine that does nothing else.
    broken = {figure for figure, limit in KILL_WEB.bar.most.items() if measured[figure] > limit}
    assert broken <= {"serving_again_s"}
    assert (measured["kills"], measured["acknowledged"] > 0) == (1, True)


def test_a_service_that_commits_after_it_answered_is_caught_when_it_is_killed(
    run: Callable[..., Run], sqlite_url: str
) -> None:
    assert KILL_WEB.torture(run(sqlite_url, planted=True))[KILL_WEB.caught_as] > 0


@pytest.mark.parametrize("race", [ONE_LIVE_CODE, ONE_WEBSHOP_CODE], ids=["live", "webshop"])
def test_of_many_tills_that_race_one_code_exactly_one_accepts_it(
    run: Callable[..., Run], database_url: str, race: Scenario
) -> None:
    measured = race.torture(run(database_url))
    assert not race.bar.broken_by(measured)
    assert measured["rounds"] == 4


def test_limits_are_exact_for_many_tills_at_two_processes(
    run: Callable[..., Run], database_url: str
) -> None:
    measured = LIMITS.torture(run(database_url))
    assert not LIMITS.bar.broken_by(measured), measured
    assert measured["rounds"] == 2


def test_a_snapshot_whose_workers_are_killed_leaves_every_person_whole(
    run: Callable[..., Run], sqlite_url: str
) -> None:
    # That half a chunk would be found is shown by `make torture`, as is all of it on PostgreSQL.
    measured = KILL_WORKER.torture(run(sqlite_url))
    assert not KILL_WORKER.bar.broken_by(measured), measured
    assert measured["kills"] > 0
