"""The made-up population is the same every time, nobody's, and lives through a school year."""

import json
from collections import Counter
from datetime import date
from itertools import islice

import pytest
from stdnum.be import ssn

from app.cards.entitlement import EntitlementReason, Policy, decide
from app.epd.messages import Snapshot, read_answer
from app.provinces import province
from demo import populace
from demo.populace import CHANNELS, PROVINCES, Member, changes, everybody, file_of, files

SAMPLE = 2_000
NOVEMBER = date(2026, 11, 24)


@pytest.fixture(scope="module")
def people() -> list[Member]:
    """The first few thousand."""
    return list(everybody(SAMPLE))


def snapshot(record: dict[str, object]) -> Snapshot:
    found = read_answer(json.dumps(record).encode())
    assert isinstance(found, Snapshot)
    return found


def test_the_same_seed_gives_the_same_people_and_another_gives_others(people: list[Member]) -> None:
    assert list(everybody(50)) == people[:50]
    assert [p.postcode for p in everybody(50, seed=1)] != [p.postcode for p in people[:50]]


def test_all_228_000_numbers_differ_belong_to_nobody_and_leave_the_cast_alone() -> None:
    numbers: set[str] = set()
    replaced = 0
    for place in range(populace.SIZE + 100):
        insz, became = populace._numbers(place)  # noqa: SLF001 - making whole people takes too long
        numbers.add(insz)
        if became is not None:
            replaced += 1
            numbers.add(became[1])
    assert len(numbers) == populace.SIZE + 100 + replaced
    assert replaced > 1_000
    assert all(990 <= int(number[6:9]) <= 998 for number in numbers)
    assert all(ssn.is_valid(number) for number in islice(sorted(numbers), 0, None, 997))
    # The cast's own numbers lie in that range, so they have to be passed over.
    assert populace.TAKEN & numbers
    assert not populace.TAKEN & {person.insz for person in everybody(SAMPLE)}


@pytest.mark.parametrize(
    ("name", "shares"),
    [("province", {p: n for p, (n, _) in PROVINCES.items()}), ("channel", CHANNELS)],
)
def test_they_are_spread_as_the_answer_to_parliament_says(
    people: list[Member], name: str, shares: dict[str, int]
) -> None:
    found = Counter(getattr(person, name) for person in people)
    total = sum(shares.values())
    for key, share in shares.items():
        assert abs(found[key] / SAMPLE - share / total) < 0.04, key


def test_everybody_lives_in_their_province(people: list[Member]) -> None:
    assert all(province(person.postcode, NOVEMBER) == person.province for person in people)


def test_every_file_is_one_that_the_contract_allows(people: list[Member]) -> None:
    for person in people[:300]:
        record = file_of(person, NOVEMBER)
        if record is not None:
            assert snapshot(record).insz.digits in {person.insz, *(person.became or ())}


def test_a_school_year_goes_by(people: list[Member]) -> None:
    def reasons(on: date, told: date) -> Counter[EntitlementReason]:
        """How the rules judge the files of one day on another."""
        records = (file_of(person, told) for person in people[:1_500])
        return Counter(
            decide(snapshot(record).status, on=on, policy=Policy()).reason
            for record in records
            if record is not None
        )

    june, july = date(2026, 6, 1), date(2026, 7, 15)
    september, november = date(2026, 9, 2), date(2026, 11, 15)
    assert reasons(june, june)[EntitlementReason.SUMMER_BRIDGE] == 0
    bridged = reasons(july, july)[EntitlementReason.SUMMER_BRIDGE]
    assert 0.15 < bridged / 1_500 < 0.30
    assert 0 < reasons(september, september)[EntitlementReason.SUMMER_BRIDGE] < bridged / 5
    left = reasons(november, november)
    assert left[EntitlementReason.NOT_EMPLOYED] > 0
    assert left[EntitlementReason.EXCLUDED_LEAVE] > 0


def test_changes_are_exactly_the_difference_of_two_snapshots() -> None:
    since, until, size = date(2026, 6, 1), date(2026, 10, 1), 400
    before = {record["opdrachten"][0]["opdrachtId"]: record for record in files(since, size)}
    after = {record["opdrachten"][0]["opdrachtId"]: record for record in files(until, size)}
    changed = {r["opdrachten"][0]["opdrachtId"]: r for r, _ in changes(since, until, size)}
    assert changed == {key: r for key, r in after.items() if before.get(key) != r}
    assert all(r["versie"] > before[key]["versie"] for key, r in changed.items() if key in before)


def test_a_bis_number_is_replaced_by_a_national_number() -> None:
    first = populace.RANGE - populace.RESERVE
    person = populace.member(first)
    assert person.became is not None
    on, new = person.became
    assert (ssn.guess_type(person.insz), ssn.guess_type(new)) == ("bis", "nn")
    before, after = (file_of(person, day) for day in (date(2026, 1, 31), on))
    assert before is not None
    assert after is not None
    assert (before["insz"], after["insz"]) == (person.insz, new)
