"""The published vectors about time, grades, drift and single use, against the real recorder."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.cards.entitlement import CardStatus
from app.verification.verdict import Grade, Verdict
from app.verification.verify import Superseded
from tests.verification.counter import Counter, vectors


@pytest.mark.parametrize("case", vectors("window"))
def test_a_window_vector_is_judged_as_published(
    case: dict[str, Any], make_counter: Callable[[Superseded], Counter]
) -> None:
    given = case["input"]
    counter = make_counter(given.get("superseded", "soft"))
    counter.place(given["text"], **_circumstances(given))
    verdict = counter.show(
        given["text"],
        counter.key(),
        at=given["server_time"],
        min_grade=Grade(given.get("min_grade", "static")),
    )
    _compare(verdict, case["expect"])


@pytest.mark.parametrize("case", [*vectors("drift"), *vectors("single_use")])
def test_a_row_of_presentations_is_judged_as_published(
    case: dict[str, Any], counter: Counter
) -> None:
    shown = case["input"]["presentations"]
    places: dict[int, object] = {}
    for one in shown:
        number = counter.opened(one["text"])[1].pass_number
        if number not in places:
            places[number] = counter.place(one["text"])
    keys: dict[tuple[str, str], Any] = {}
    verdicts: list[Verdict] = []
    for one, expected in zip(shown, case["expect"]["outcomes"], strict=True):
        who = (one.get("partner", "A"), one.get("till", "1"))
        keys[who] = keys.get(who) or counter.key(*who)
        verdicts.append(counter.show(one["text"], keys[who], at=one["server_time"]))
        _compare(verdicts[-1], expected)
        if "same_as" in expected:
            same = verdicts[expected["same_as"]]
            assert verdicts[-1].verification_id == same.verification_id
            assert verdicts[-1].checked_at == same.checked_at


def _compare(verdict: Verdict, expected: dict[str, Any]) -> None:
    assert verdict.valid is expected["accepted"]
    assert verdict.reason == expected["reason"]
    if "grade" in expected:
        assert verdict.grade == expected["grade"]
    if "advice" in expected:
        assert list(verdict.advice) == expected["advice"]
    if "repeat" in expected:
        assert verdict.repeat is expected["repeat"]


def _circumstances(given: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {"status": CardStatus(given.get("card_status", "active"))}
    if given.get("pass_status") == "revoked":
        changes["revoked_at"] = datetime(2026, 1, 2, tzinfo=UTC)
    downloads = given.get("acknowledged", [])
    if "devices" in given:
        # What every device has: the least of their newest generations, at the last to get there.
        newest = [max(d["downloads"], key=lambda x: x["generation"]) for d in given["devices"]]
        downloads = [min(newest, key=lambda x: x["generation"])]
    if downloads:
        changes["confirmed_generation"] = downloads[0]["generation"]
        changes["confirmed_at"] = datetime.fromtimestamp(downloads[0]["at"], UTC)
    return changes
