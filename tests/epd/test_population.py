"""The cast plays its parts on every day, under numbers that belong to nobody."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.be import ssn

from app.cards.entitlement import EntitlementReason, Policy, decide
from app.epd.messages import Snapshot, read_answer
from demo.population import CAST, ORDINARY_DAY, Person, by_key, cast, synthetic_insz

ALWAYS = {
    "permanent": EntitlementReason.EMPLOYED,
    "on-leave": EntitlementReason.EXCLUDED_LEAVE,
    "left": EntitlementReason.NOT_EMPLOYED,
    "deceased": EntitlementReason.DECEASED,
    "replaced": EntitlementReason.EMPLOYED,
    "partial-leave": EntitlementReason.EMPLOYED,
    "clb": EntitlementReason.EMPLOYED,
    "university": EntitlementReason.EMPLOYED,
    "diacritics": EntitlementReason.EMPLOYED,
}
days = st.dates(date(2024, 1, 1), date(2035, 12, 31))


def reason(person: Person, on: date) -> EntitlementReason:
    """How our rules judge somebody of the cast."""
    snapshot = read_answer(json.dumps(person.record).encode())
    assert isinstance(snapshot, Snapshot)
    return decide(snapshot.status, on=on, policy=Policy()).reason


@given(days)
def test_everybody_plays_the_same_part_on_every_day(on: date) -> None:
    for key, expected in ALWAYS.items():
        assert reason(by_key(key, on=on), on) is expected
    assert by_key("unknown", on=on).record is None


@given(days)
def test_the_summer_teacher_is_in_the_bridge_in_season_and_in_grace_outside(on: date) -> None:
    in_season = date(on.year, 6, 16) <= on <= date(on.year, 9, 30)
    expected = EntitlementReason.SUMMER_BRIDGE if in_season else EntitlementReason.GRACE
    assert reason(by_key("summer", on=on), on) is expected


@given(days)
def test_the_teacher_in_grace_is_in_grace_whenever_anybody_can_be(on: date) -> None:
    nobody_can = date(on.year, 7, 15) <= on <= date(on.year, 9, 30)
    expected = EntitlementReason.SUMMER_BRIDGE if nobody_can else EntitlementReason.GRACE
    assert reason(by_key("grace", on=on), on) is expected


def test_the_cast_is_complete() -> None:
    assert {person.key for person in CAST} == {*ALWAYS, "summer", "grace", "unknown"}


def test_only_the_files_move_with_the_day() -> None:
    for today, tomorrow in zip(CAST, cast(ORDINARY_DAY + timedelta(days=1)), strict=True):
        assert (today.key, today.insz, today.family_name) == (
            tomorrow.key,
            tomorrow.insz,
            tomorrow.family_name,
        )
        if today.record and tomorrow.record:
            assert today.record["versie"] < tomorrow.record["versie"]


def test_every_number_is_valid_unlike_the_others_and_beyond_the_registers_counters() -> None:
    numbers = [person.insz for person in CAST]
    numbers += [person.replaced_by for person in CAST if person.replaced_by]
    assert len(set(numbers)) == len(numbers)
    assert all(ssn.is_valid(number) for number in numbers)
    assert all(990 <= int(number[6:9]) <= 998 for number in numbers)


@given(st.dates(date(1940, 1, 1), date(2008, 12, 31)), st.integers(990, 998), st.booleans())
def test_every_generated_number_is_valid(born: date, counter: int, bis: bool) -> None:  # noqa: FBT001 - hypothesis fills it
    number = synthetic_insz(born, counter, bis=bis)
    assert ssn.guess_type(number) == ("bis" if bis else "nn")
    assert ssn.get_birth_date(number) == born


@pytest.mark.parametrize("counter", [1, 989, 999])
def test_no_number_is_made_that_somebody_might_have(counter: int) -> None:
    with pytest.raises(ValueError, match="synthetic"):
        synthetic_insz(date(1984, 2, 29), counter)


def test_everybody_has_a_label_in_four_languages() -> None:
    assert all(set(person.label) == {"nl", "fr", "en", "de"} for person in CAST)
