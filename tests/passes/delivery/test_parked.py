"""Passes that were given up are seen, and tried again when a person says so."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from app.cards import lifecycle
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes import lease
from app.passes.lease import Outcome
from app.passes.parked import Parked, parked, release

COMMAND = [sys.executable, "-c", "from app.cli import main; main()", "pass"]


def _give_up(office: Any, reason: str = "400 BadTopic") -> None:
    def work(session: Any) -> None:
        batch = lease.take(session, Carrier.APPLE, limit=10, now=office.clock())
        never = [
            Outcome(one.pass_id, one.revision, failure=reason, final=True) for one in batch.due
        ]
        lease.settle(session, batch, never, now=office.clock())

    office.database.transact(work)


def _numbers(office: Any, passes: list[Any]) -> list[str]:
    with office.database.reading() as session:
        cards = [session.get_one(WalletPass, one).card_id for one in passes]
        return [session.get_one(Card, card).number for card in cards]


def _parked(office: Any) -> list[Parked]:
    with office.database.reading() as session:
        return parked(session)


def test_a_pass_that_was_given_up_is_shown_with_its_reason_and_since_when(office: Any) -> None:
    first = office.issue(1)
    began = office.clock()
    office.clock.advance(hours=1)
    second = office.issue(1)
    _give_up(office)
    one, two = _numbers(office, [*first, *second])
    assert _parked(office) == [
        Parked(one, "apple", "400 BadTopic", began),
        Parked(two, "apple", "400 BadTopic", office.clock()),
    ]


def test_a_card_that_changed_since_is_tried_by_itself_and_no_longer_shown(office: Any) -> None:
    (pass_id,) = office.issue(1)
    _give_up(office)
    office.change(lifecycle.suspend, pass_id, why="asked")
    assert _parked(office) == []
    assert office.database.transact(release) == 0


def test_what_a_person_releases_is_due_at_once_and_the_rest_stays(
    office: Any, to_apple: Callable[..., Any]
) -> None:
    passes = office.issue(3)
    _give_up(office)
    delivery = to_apple()
    assert delivery.run() == 0
    chosen = _numbers(office, passes[:1])
    assert office.database.transact(lambda session: release(session, chosen)) == 1
    assert (delivery.run(), delivery.run()) == (1, 0)
    assert office.lagging() == set(passes[1:])
    assert office.database.transact(release) == 2
    assert delivery.run() == 2
    assert _parked(office) == []


def test_what_fails_again_is_given_up_again(office: Any) -> None:
    office.issue(1)
    _give_up(office)
    office.database.transact(release)
    _give_up(office, "403 BadCertificate")
    assert [one.reason for one in _parked(office)] == ["403 BadCertificate"]


def test_the_command_line_shows_and_releases(
    office: Any, database: Database, database_url: str
) -> None:
    assert database
    passes = office.issue(2)
    _give_up(office)
    environment = {"LERARENKAART_DATABASE_URL": database_url, "LERARENKAART_ENVIRONMENT": "demo"}

    def say(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    shown = json.loads(say("parked", "--json").stdout)
    assert {row["card_number"] for row in shown} == set(_numbers(office, passes))
    assert say("release").returncode == 2
    assert "tried again: 1" in say("release", shown[0]["card_number"]).stdout
    assert "tried again: 1" in say("release", "--all").stdout
    assert _parked(office) == []
