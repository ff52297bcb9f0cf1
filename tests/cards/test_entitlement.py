"""The rules of docs/entitlement.md, each with a name, and their shape over all inputs."""

import calendar
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cards.card_year import BRUSSELS, NEXT_YEAR_FROM_MONTH, belgian_day, card_year
from app.cards.entitlement import (
    ENDING_LEAVES,
    GRACE_DAYS,
    SUMMER_BRIDGE_FROM,
    SUMMER_BRIDGE_UNTIL,
    TRANSITIONS,
    CardStatus,
    Employment,
    Entitlement,
    EntitlementReason,
    Interruption,
    PersonnelStatus,
    Policy,
    StaffCategory,
    decide,
    issue_year,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "entitlement.md"
POLICY = Policy()
DAY = timedelta(days=1)
MONTHS = list(calendar.month_name)


def employment(begin: str, end: str | None = None, **more: object) -> Employment:
    """An assignment of a teacher in a secondary school."""
    return Employment(
        institution="012345",
        main_structure="311",
        category=StaffCategory.TEACHING,
        begin=date.fromisoformat(begin),
        end=date.fromisoformat(end) if end else None,
        **more,
    )


def leave(kind: str, begin: str, end: str | None = None, *, full: bool = True) -> Interruption:
    """Leave of the whole person, full unless said otherwise."""
    return Interruption(
        kind=kind,
        full=full,
        begin=date.fromisoformat(begin),
        end=date.fromisoformat(end) if end else None,
    )


def judge(
    *employments: Employment, on: str, policy: Policy = POLICY, **more: object
) -> Entitlement:
    """The answer for these assignments on a day."""
    status = PersonnelStatus(employments=employments, **more)
    return decide(status, on=date.fromisoformat(on), policy=policy)


def test_a_running_assignment_entitles() -> None:
    teaching = employment("2019-09-01")
    answer = judge(teaching, on="2026-11-23")
    assert answer.entitled
    assert answer.reason is EntitlementReason.EMPLOYED
    assert answer.since == date(2019, 9, 1)
    assert answer.until is None
    assert answer.review_on is None
    assert answer.employment is teaching


@pytest.mark.parametrize("on", ["2026-09-01", "2027-03-31"])
def test_an_assignment_entitles_on_its_first_and_on_its_last_day(on: str) -> None:
    answer = judge(employment("2026-09-01", "2027-03-31"), on=on)
    assert answer.reason is EntitlementReason.EMPLOYED
    assert (answer.since, answer.until) == (date(2026, 9, 1), date(2027, 3, 31))
    assert answer.review_on == date(2027, 4, 1)


def test_assignments_that_join_are_one_run_of_employment() -> None:
    answer = judge(
        employment("2026-09-01", "2026-12-20"),
        employment("2026-12-21", "2027-02-28"),
        on="2026-10-01",
    )
    assert (answer.since, answer.until) == (date(2026, 9, 1), date(2027, 2, 28))


def test_an_assignment_in_the_future_does_not_entitle_yet_and_is_reviewed_on_its_first_day() -> (
    None
):
    answer = judge(employment("2027-01-08"), on="2026-11-23")
    assert not answer.entitled
    assert answer.reason is EntitlementReason.NOT_EMPLOYED
    assert answer.since is None
    assert answer.review_on == date(2027, 1, 8)


def test_somebody_without_any_assignment_is_not_entitled() -> None:
    answer = judge(on="2026-11-23")
    assert answer == Entitlement(EntitlementReason.NOT_EMPLOYED, None, None, None)
    assert not answer.entitled


def test_one_hour_a_week_is_enough() -> None:
    answer = judge(employment("2026-09-01", volume=Fraction(1, 22)), on="2026-11-23")
    assert answer.reason is EntitlementReason.EMPLOYED


def test_a_period_that_ends_before_it_begins_never_was() -> None:
    never = employment("2026-11-24", "2026-11-20")
    assert judge(never, on="2026-11-22").reason is EntitlementReason.NOT_EMPLOYED
    assert judge(never, on="2026-11-30").reason is EntitlementReason.NOT_EMPLOYED


def test_an_assignment_on_an_institutions_list_entitles() -> None:
    listed = employment("2026-09-01")
    answer = judge(on="2026-11-23", listed_by_institution=(listed,))
    assert answer.entitled
    assert answer.reason is EntitlementReason.LISTED_BY_INSTITUTION
    assert answer.employment is listed


def test_epd_goes_before_an_institutions_list() -> None:
    known = employment("2026-09-01")
    answer = judge(known, on="2026-11-23", listed_by_institution=(employment("2026-01-01"),))
    assert answer.reason is EntitlementReason.EMPLOYED
    assert answer.employment is known


@pytest.mark.parametrize("end", ["2026-06-15", "2026-06-30", "2026-08-31", "2026-09-29"])
def test_an_assignment_that_ends_from_15_june_on_counts_until_30_september(end: str) -> None:
    ended = employment("2025-09-01", end)
    answer = judge(ended, on="2026-09-30")
    assert answer.entitled
    assert answer.reason is EntitlementReason.SUMMER_BRIDGE
    assert answer.since == date.fromisoformat(end) + DAY
    assert answer.until == date(2026, 9, 30)
    assert answer.employment is ended


def test_an_assignment_that_ends_on_14_june_is_not_bridged() -> None:
    answer = judge(employment("2025-09-01", "2026-06-14"), on="2026-06-15")
    assert answer.reason is EntitlementReason.GRACE
    assert answer.until == date(2026, 7, 14)


def test_after_the_bridge_a_missing_successor_starts_the_grace() -> None:
    answer = judge(employment("2025-09-01", "2026-06-30"), on="2026-10-01")
    assert answer.reason is EntitlementReason.GRACE
    assert (answer.since, answer.until) == (date(2026, 10, 1), date(2026, 10, 30))


def test_a_successor_in_september_ends_the_bridge_without_a_gap() -> None:
    answer = judge(
        employment("2025-09-01", "2026-06-30"), employment("2026-09-01"), on="2026-08-01"
    )
    assert answer.reason is EntitlementReason.SUMMER_BRIDGE
    assert answer.until == date(2026, 8, 31)


def test_an_ordinary_end_starts_the_grace() -> None:
    ended = employment("2026-09-01", "2026-11-20")
    first, last, over = (judge(ended, on=on) for on in ("2026-11-21", "2026-12-20", "2026-12-21"))
    assert first.reason is last.reason is EntitlementReason.GRACE
    assert first.entitled
    assert (first.since, first.until) == (date(2026, 11, 21), date(2026, 12, 20))
    assert over.reason is EntitlementReason.NOT_EMPLOYED
    assert over.since == date(2026, 12, 21)


@pytest.mark.parametrize("end", ["2026-09-30", "2026-10-01", "2026-12-31"])
def test_an_end_from_30_september_on_gets_the_grace_only(end: str) -> None:
    answer = judge(employment("2026-01-01", end), on=str(date.fromisoformat(end) + DAY))
    assert answer.reason is EntitlementReason.GRACE
    assert answer.until == date.fromisoformat(end) + timedelta(days=30)


def test_without_the_bridge_a_summer_end_is_an_ordinary_end() -> None:
    policy = Policy(summer_bridge=False)
    answer = judge(employment("2025-09-01", "2026-06-30"), on="2026-07-01", policy=policy)
    assert answer.reason is EntitlementReason.GRACE
    assert answer.until == date(2026, 7, 30)


def test_without_grace_the_entitlement_ends_with_the_assignment() -> None:
    policy = Policy(grace_days=0)
    answer = judge(employment("2026-09-01", "2026-11-20"), on="2026-11-21", policy=policy)
    assert answer.reason is EntitlementReason.NOT_EMPLOYED


@pytest.mark.parametrize("kind", sorted(ENDING_LEAVES))
def test_full_leave_that_excludes_ends_the_entitlement_at_once(kind: str) -> None:
    answer = judge(
        employment("2010-09-01"), on="2026-11-23", interruptions=(leave(kind, "2026-11-23"),)
    )
    assert not answer.entitled
    assert answer.reason is EntitlementReason.EXCLUDED_LEAVE
    assert answer.since == date(2026, 11, 23)


@pytest.mark.parametrize("kind", sorted(ENDING_LEAVES))
def test_the_same_leave_in_part_changes_nothing(kind: str) -> None:
    part = leave(kind, "2026-09-01", full=False)
    answer = judge(employment("2010-09-01"), on="2026-11-23", interruptions=(part,))
    assert answer.reason is EntitlementReason.EMPLOYED


def test_full_leave_of_another_kind_changes_nothing() -> None:
    ill = leave("ZIEKTEVERLOF", "2026-09-01")
    answer = judge(employment("2010-09-01"), on="2026-11-23", interruptions=(ill,))
    assert answer.reason is EntitlementReason.EMPLOYED


def test_whoever_comes_back_from_excluding_leave_is_entitled_again() -> None:
    away = leave("LOOPBAANONDERBREKING", "2025-09-01", "2026-08-31")
    before = judge(employment("2010-09-01"), on="2026-08-31", interruptions=(away,))
    after = judge(employment("2010-09-01"), on="2026-09-01", interruptions=(away,))
    assert before.reason is EntitlementReason.EXCLUDED_LEAVE
    assert before.review_on == date(2026, 9, 1)
    assert after.reason is EntitlementReason.EMPLOYED


def test_excluding_leave_goes_before_an_institutions_list() -> None:
    away = leave("TBS_58_PLUS", "2026-01-01")
    answer = judge(
        on="2026-11-23", listed_by_institution=(employment("2020-01-01"),), interruptions=(away,)
    )
    assert answer.reason is EntitlementReason.EXCLUDED_LEAVE


def test_an_assignment_that_ended_in_excluding_leave_gives_neither_bridge_nor_grace() -> None:
    away = leave("LOOPBAANONDERBREKING", "2025-09-01", "2026-06-30")
    answer = judge(employment("2025-09-01", "2026-06-30"), on="2026-07-01", interruptions=(away,))
    assert answer.reason is EntitlementReason.NOT_EMPLOYED


def test_a_category_off_the_list_does_not_entitle() -> None:
    policy = Policy(categories=frozenset({StaffCategory.TEACHING}))
    cook = employment("2020-09-01")
    cook = replace(cook, category=StaffCategory.TRADES)
    answer = judge(cook, on="2026-11-23", policy=policy)
    assert not answer.entitled
    assert answer.reason is EntitlementReason.EXCLUDED_CATEGORY
    assert answer.employment is cook


def test_a_category_off_the_list_gives_neither_bridge_nor_grace() -> None:
    policy = Policy(categories=frozenset())
    answer = judge(employment("2025-09-01", "2026-06-30"), on="2026-07-01", policy=policy)
    assert answer.reason is EntitlementReason.NOT_EMPLOYED


def test_grace_from_teaching_goes_before_a_category_off_the_list() -> None:
    policy = Policy(categories=frozenset({StaffCategory.TEACHING}))
    office = replace(employment("2026-11-01"), category=StaffCategory.ADMINISTRATIVE)
    answer = judge(employment("2026-09-01", "2026-10-31"), office, on="2026-11-23", policy=policy)
    assert answer.reason is EntitlementReason.GRACE


def test_death_ends_the_entitlement_on_that_day() -> None:
    alive = judge(employment("2010-09-01"), on="2026-11-22", deceased_on=date(2026, 11, 23))
    dead = judge(employment("2010-09-01"), on="2026-11-23", deceased_on=date(2026, 11, 23))
    assert alive.until == date(2026, 11, 22)
    assert not dead.entitled
    assert dead.reason is EntitlementReason.DECEASED
    assert (dead.since, dead.until) == (date(2026, 11, 23), None)


@pytest.mark.parametrize("reason", EntitlementReason)
def test_every_reason_stands_in_the_document_with_its_answer(reason: EntitlementReason) -> None:
    row = re.search(rf"\| `{reason}` \| (yes|no) \|", DOCUMENT.read_text(encoding="utf-8"))
    assert row
    assert Entitlement(reason, None, None, None).entitled is (row[1] == "yes")


def test_an_open_end_written_as_the_last_day_of_the_calendar_is_no_end() -> None:
    answer = judge(employment("2010-09-01", "9999-12-31"), on="2026-11-23")
    assert answer.until is None


def test_grace_reaches_no_further_than_the_calendar() -> None:
    answer = judge(employment("2010-09-01", "9999-12-20"), on="9999-12-31")
    assert answer.reason is EntitlementReason.GRACE
    assert answer.until is None


def test_the_numbers_in_the_document_are_the_constants() -> None:
    text = re.sub(r"\s+", " ", DOCUMENT.read_text(encoding="utf-8"))
    bridge = re.search(
        r"ends on or after \*\*(\d+) (\w+)\*\* counts until \*\*(\d+) (\w+)\*\*", text
    )
    grace = re.search(r"goes on for \*\*(\d+) days\*\*", text)
    december = re.search(r"From \*\*1 (\w+)\*\* a card is issued", text)
    assert bridge
    assert grace
    assert december
    assert (MONTHS.index(bridge[2]), int(bridge[1])) == SUMMER_BRIDGE_FROM
    assert (MONTHS.index(bridge[4]), int(bridge[3])) == SUMMER_BRIDGE_UNTIL
    assert int(grace[1]) == GRACE_DAYS == POLICY.grace_days
    assert MONTHS.index(december[1]) == NEXT_YEAR_FROM_MONTH
    assert {kind for kind in ENDING_LEAVES if f"`{kind}`" in text} == ENDING_LEAVES


def test_the_table_of_transitions_in_the_document_is_the_one_in_force() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    written = {CardStatus(was): set(re.findall(r"`(\w+)`", becomes)) for was, becomes in rows}
    assert written == TRANSITIONS


def test_no_status_follows_revoked_and_none_follows_itself() -> None:
    assert TRANSITIONS[CardStatus.REVOKED] == frozenset()
    assert all(status not in following for status, following in TRANSITIONS.items())


def test_a_card_year_is_the_calendar_year_in_belgian_time() -> None:
    year = card_year(2027)
    assert year.year == 2027
    assert year.valid_from.astimezone(UTC) == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert year.valid_until.astimezone(UTC) == datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC)


def test_the_belgian_day_begins_before_the_day_in_utc() -> None:
    assert belgian_day(datetime(2026, 12, 31, 23, tzinfo=UTC)) == date(2027, 1, 1)
    assert belgian_day(datetime(2026, 7, 1, 21, 59, tzinfo=UTC)) == date(2026, 7, 1)


def test_a_moment_without_a_zone_falls_on_no_day() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        belgian_day(datetime(2026, 11, 23))  # noqa: DTZ001 - the fault under test


def test_until_30_november_a_card_is_issued_for_the_present_year() -> None:
    at_work = judge(employment("2020-09-01"), on="2026-11-30")
    now = datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)
    assert issue_year(at_work, now=now) == card_year(2026)


def test_from_1_december_a_card_is_issued_for_the_next_year_and_valid_at_once() -> None:
    at_work = judge(employment("2020-09-01"), on="2026-12-01")
    now = datetime(2026, 11, 30, 23, tzinfo=UTC)
    year = issue_year(at_work, now=now)
    assert year.year == 2027
    assert year.valid_from == now
    assert year.valid_until == datetime(2027, 12, 31, 23, 59, 59, tzinfo=BRUSSELS)


def test_in_december_somebody_in_grace_stays_in_the_present_year() -> None:
    in_grace = judge(employment("2026-09-01", "2026-11-20"), on="2026-12-02")
    assert issue_year(in_grace, now=datetime(2026, 12, 2, 9, tzinfo=UTC)).year == 2026


near = st.dates(date(2025, 1, 1), date(2027, 12, 31))
anywhere = st.one_of(near, near, near, st.dates(), st.sampled_from([date.min, date.max]))
employments = st.builds(
    Employment,
    institution=st.just("012345"),
    main_structure=st.just("311"),
    category=st.sampled_from(StaffCategory),
    begin=anywhere,
    end=st.none() | anywhere,
)
interruptions = st.builds(
    Interruption,
    kind=st.sampled_from([*sorted(ENDING_LEAVES), "ZIEKTEVERLOF"]),
    full=st.booleans(),
    begin=anywhere,
    end=st.none() | anywhere,
)
statuses = st.builds(
    PersonnelStatus,
    employments=st.lists(employments, max_size=4).map(tuple),
    interruptions=st.lists(interruptions, max_size=3).map(tuple),
    deceased_on=st.none() | st.none() | anywhere,
    listed_by_institution=st.lists(employments, max_size=2).map(tuple),
)
policies = st.builds(
    Policy,
    grace_days=st.integers(0, 400),
    summer_bridge=st.booleans(),
    categories=st.frozensets(st.sampled_from(StaffCategory), min_size=8),
)


@given(statuses, anywhere, policies)
@settings(max_examples=400, deadline=None)
def test_every_person_on_every_day_has_an_answer_whose_run_holds_and_then_changes(
    status: PersonnelStatus, on: date, policy: Policy
) -> None:
    answer = decide(status, on=on, policy=policy)
    if answer.until is not None:
        assert answer.until >= on
        assert decide(status, on=answer.until, policy=policy).reason is answer.reason
        assert decide(status, on=answer.review_on, policy=policy).reason is not answer.reason
    if answer.since is not None:
        assert answer.since <= on
        assert decide(status, on=answer.since, policy=policy).reason is answer.reason
        assert decide(status, on=answer.since - DAY, policy=policy).reason is not answer.reason


@given(statuses, near, st.integers(0, 500), policies)
@settings(max_examples=400, deadline=None)
def test_no_answer_changes_inside_its_run(
    status: PersonnelStatus, on: date, later_days: int, policy: Policy
) -> None:
    answer = decide(status, on=on, policy=policy)
    later = on + timedelta(days=later_days)
    if answer.until is None or later <= answer.until:
        again = decide(status, on=later, policy=policy)
        assert (again.reason, again.since, again.until) == (
            answer.reason,
            answer.since,
            answer.until,
        )


@given(statuses, near, policies)
@settings(max_examples=300, deadline=None)
def test_a_kinder_policy_never_takes_an_entitlement_away(
    status: PersonnelStatus, on: date, policy: Policy
) -> None:
    kinder = replace(policy, grace_days=policy.grace_days + 10, summer_bridge=True)
    if decide(status, on=on, policy=policy).entitled:
        assert decide(status, on=on, policy=kinder).entitled


@given(statuses, near, policies, employments)
@settings(max_examples=300, deadline=None)
def test_one_more_employment_never_takes_an_entitlement_away(
    status: PersonnelStatus, on: date, policy: Policy, more: Employment
) -> None:
    richer = replace(status, employments=(*status.employments, more))
    if decide(status, on=on, policy=policy).entitled:
        assert decide(richer, on=on, policy=policy).entitled


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        ("2026-11-23", EntitlementReason.NOT_EMPLOYED),
        ("2026-11-24", EntitlementReason.GRANTED_BY_OFFICE),
        ("2027-02-22", EntitlementReason.GRANTED_BY_OFFICE),
        ("2027-02-23", EntitlementReason.NOT_EMPLOYED),
    ],
)
def test_a_right_by_hand_holds_between_its_days_and_has_no_grace(
    on: str, reason: EntitlementReason
) -> None:
    granted = PersonnelStatus(granted=(date(2026, 11, 24), date(2027, 2, 22)))
    judged = decide(granted, on=date.fromisoformat(on), policy=POLICY)
    assert judged.reason is reason
    if judged.entitled:
        assert judged.review_on == date(2027, 2, 23)


def test_a_right_by_hand_is_overruled_by_death_and_excluding_leave_and_is_not_needed_at_work() -> (
    None
):
    on = date(2026, 11, 24)
    granted = PersonnelStatus(granted=(on, on))
    for more, reason in (
        ({"deceased_on": on}, EntitlementReason.DECEASED),
        (
            {"interruptions": (leave("TBS_58_PLUS", "2026-01-01"),)},
            EntitlementReason.EXCLUDED_LEAVE,
        ),
        ({"employments": (employment("2026-09-01"),)}, EntitlementReason.EMPLOYED),
    ):
        assert decide(replace(granted, **more), on=on, policy=POLICY).reason is reason
