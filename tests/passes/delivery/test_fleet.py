"""A small fleet of devices through all that can go wrong; `make bench` runs the large one."""

from pathlib import Path

from app.db import Database
from bench import fleet
from bench.fleet import Fleet
from demo.apns import Fault, Push

GONE = Fault(410, "Unregistered")


def test_every_device_that_hears_ends_on_the_newest_version(
    tmp_path: Path, database_url: str
) -> None:
    result = fleet.run(tmp_path, database_url, pairs=25, seed=5, deaf=1)
    # Who hears nothing must be missed, and nobody else.
    assert result.lost == 1
    assert result.retried == 0
    assert result.kills > 0
    assert result.refused_share > 1 / 3


def _push(at_s: float, connection: int = 1, fault: Fault | None = GONE) -> Push:
    return Push("a1", {}, b"{}", connection, fault is None, fault, at_s)


def test_a_final_answer_that_is_asked_for_again_is_counted_unless_it_was_lost(
    database: Database,
) -> None:
    steady = Fleet(database, {}, {"a1"})
    assert steady.retried([_push(1)]) == 0
    assert steady.retried([_push(1), _push(5)]) == 1
    assert steady.retried([_push(1, fault=Fault(503)), _push(5)]) == 0
    cut = _push(1.1, fault=Fault(trouble="disconnect"))
    assert steady.retried([_push(1), cut, _push(5)]) == 0
    assert Fleet(database, {}, {"a1"}, kills=[2.0]).retried([_push(1), _push(15)]) == 0
