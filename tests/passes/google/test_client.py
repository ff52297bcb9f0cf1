"""Our client against a simulated Google, over real HTTP, for every kind of answer."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cards.entitlement import CardStatus
from app.errors import NotFound, Unavailable
from app.passes.google.account import ServiceAccount
from app.passes.google.answer import GoogleRefused
from app.passes.google.client import GoogleWallet

Json = dict[str, Any]
Build = Callable[..., Json]
Connect = Callable[..., GoogleWallet]
Google = Any  # the simulator of conftest.py

TEMPORARY = ["quota-403", "429", "500", "503", "disconnect", "lost-reply", "half-reply", "silence"]


def held(google: Google) -> Json:
    """The one object that Google holds."""
    (thing,) = google.state()["objects"].values()
    return dict(thing)


def test_an_object_is_inserted(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    answer = wallet.put_object(shown(), now=now)
    assert held(google) == shown()
    assert answer["state"] == "ACTIVE"
    assert answer["hasUsers"] is False
    assert google.asked() == ["POST"]


def test_an_object_that_is_there_already_is_patched(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    wallet.put_object(shown(), now=now)
    wallet.put_object(shown(holder_name="An Peeters-Maes"), now=now)
    assert held(google) == shown(holder_name="An Peeters-Maes")
    assert google.asked() == ["POST", "POST", "PATCH"]


def test_a_patch_of_an_object_that_google_never_got_inserts_it(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    wallet.patch_object(shown(), now=now)
    assert held(google) == shown()
    assert google.asked() == ["PATCH", "POST"]


def test_a_revoked_object_loses_its_code_and_the_name(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    wallet.put_object(shown(), now=now)
    wallet.patch_object(shown(status=CardStatus.REVOKED), now=now)
    left = held(google)
    assert left["state"] == "INACTIVE"
    assert "rotatingBarcode" not in left
    assert "An Peeters" not in str(left)


def test_the_class_can_be_ensured_twice(
    wallet: GoogleWallet, google: Google, design: Json, now: datetime
) -> None:
    wallet.ensure_class(design, now=now)
    assert google.state()["classes"] == {design["id"]: design}
    assert google.asked() == ["POST", "PATCH"]


def test_what_google_holds_is_read_back_without_its_old_spelling(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    wallet.put_object(shown(), now=now)
    google.control(legacy_enums=True)
    answer = wallet.get_object(shown()["id"], now=now)
    assert shown().items() <= answer.items()


def test_an_object_that_is_not_there_is_not_found(
    wallet: GoogleWallet, shown: Build, now: datetime
) -> None:
    with pytest.raises(NotFound):
        wallet.get_object(shown()["id"], now=now)


@pytest.mark.parametrize("kind", TEMPORARY)
def test_a_passing_failure_costs_a_retry_and_changes_nothing_else(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime, kind: str
) -> None:
    wallet.put_object(shown(holder_name="Before"), now=now)
    google.control({"kind": kind})
    wallet.patch_object(shown(), now=now)
    assert google.asked() == ["PATCH", "PATCH"]
    assert held(google) == shown()


def test_a_lost_reply_to_an_insert_leads_to_a_patch_of_the_same_object(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "lost-reply"})
    wallet.put_object(shown(), now=now)
    assert google.asked() == ["POST", "POST", "PATCH"]
    assert held(google) == shown()


@pytest.mark.usefixtures("wallet")
@pytest.mark.parametrize("kind", ["quota-403", "503", "disconnect", "lost-reply", "silence"])
def test_a_failure_that_stays_is_unavailable_within_the_budget(
    connect: Connect, google: Google, shown: Build, now: datetime, kind: str
) -> None:
    google.control({"kind": kind, "times": 100})
    began = time.monotonic()
    with pytest.raises(Unavailable):
        connect(budget_s=2.0, read_timeout_s=0.1).put_object(shown(), now=now)
    assert time.monotonic() - began < 3
    assert len(google.asked()) >= 2


@pytest.mark.usefixtures("wallet")
@pytest.mark.parametrize("kind", ["latency", "drip"])
def test_an_answer_slower_than_the_budget_is_given_up(
    connect: Connect, google: Google, shown: Build, now: datetime, kind: str
) -> None:
    google.control({"kind": kind, "seconds": 3})
    began = time.monotonic()
    with pytest.raises(Unavailable):
        connect(budget_s=0.5).put_object(shown(), now=now)
    assert time.monotonic() - began < 1.5


def test_retry_after_is_waited_for_when_it_fits(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "429", "retry_after": "1"})
    began = time.monotonic()
    wallet.put_object(shown(), now=now)
    assert time.monotonic() - began >= 1
    assert google.asked() == ["POST", "POST"]


@pytest.mark.usefixtures("wallet")
def test_a_retry_after_of_nought_is_no_leave_to_hammer(
    connect: Connect, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "429", "retry_after": "0", "times": 99})
    with pytest.raises(Unavailable):
        connect(budget_s=3.0, requests_per_s=1000).put_object(shown(), now=now)
    assert 2 <= len(google.asked()) <= 8


@pytest.mark.parametrize("retry_after", ["120", "Tue, 24 Nov 2026 10:02:00 GMT"])
def test_retry_after_beyond_the_budget_is_passed_on_without_another_try(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime, retry_after: str
) -> None:
    google.control({"kind": "503", "retry_after": retry_after, "times": 2})
    with pytest.raises(Unavailable) as caught:
        wallet.put_object(shown(), now=now)
    assert caught.value.retry_after_s == 120
    assert google.asked() == ["POST"]


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [("400", 400, "invalid"), ("permission-403", 403, "permissionDenied")],
)
def test_a_final_no_is_not_repeated(
    wallet: GoogleWallet, google: Google, shown: Build, *, kind: str, status: int, reason: str
) -> None:
    google.control({"kind": kind, "times": 9})
    with pytest.raises(GoogleRefused) as caught:
        wallet.put_object(shown(), now=google.moment)
    assert (caught.value.status, caught.value.reason) == (status, reason)
    assert google.asked() == ["POST"]


def test_a_refusal_names_the_field_and_not_its_value(
    wallet: GoogleWallet, shown: Build, now: datetime
) -> None:
    broken = shown() | {"validTimeInterval": {"start": {"date": "secret words"}}}
    with pytest.raises(GoogleRefused) as caught:
        wallet.put_object(broken, now=now)
    assert caught.value.reason == "invalid validTimeInterval.start.date"


def test_an_object_without_its_class_is_refused(
    connect: Connect, shown: Build, now: datetime
) -> None:
    with pytest.raises(GoogleRefused) as caught:
        connect().put_object(shown(), now=now)
    assert (caught.value.status, caught.value.reason) == (404, "classNotFound")


def test_an_account_that_the_issuer_did_not_invite_is_refused(
    connect: Connect, google: Google, design: Json, now: datetime
) -> None:
    with pytest.raises(GoogleRefused) as caught:
        connect(ServiceAccount.load(google.stranger)).ensure_class(design, now=now)
    assert caught.value.reason == "permissionDenied"


def test_answers_that_contradict_each_other_end_as_unavailable(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    google.control(
        {"kind": "409", "method": "POST", "times": 9},
        {"kind": "404", "method": "PATCH", "times": 9},
    )
    with pytest.raises(Unavailable):
        wallet.put_object(shown(), now=now)
    assert google.asked() == ["POST", "PATCH", "POST"]


def test_a_token_that_google_forgot_is_replaced_once(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "401"})
    wallet.put_object(shown(), now=now)
    assert google.asked() == ["POST", "POST"]
    assert google.state()["grants"] == 2


def test_access_that_stays_refused_parks_nothing(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "401", "times": 9})
    with pytest.raises(Unavailable, match="access") as caught:
        wallet.put_object(shown(), now=now)
    assert google.asked() == ["POST", "POST"]
    assert isinstance(caught.value.__cause__, GoogleRefused)


def test_a_token_is_kept_and_renewed_ahead_of_its_end(
    wallet: GoogleWallet, google: Google, shown: Build, now: datetime
) -> None:
    for minutes in (0, 54):
        google.moment = now + timedelta(minutes=minutes)
        wallet.put_object(shown(), now=google.moment)
    assert google.state()["grants"] == 1
    google.moment = now + timedelta(minutes=56)
    wallet.put_object(shown(), now=google.moment)
    assert google.state()["grants"] == 2
    assert "401" not in google.asked()


@pytest.mark.usefixtures("wallet")
def test_sixteen_threads_fetch_one_token(
    connect: Connect, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "latency", "path": "/token", "seconds": 0.2}, requests_per_s=100)
    before = google.state()["grants"]
    fresh = connect(requests_per_s=1000)
    things = [shown(serial=f"pass-{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda thing: fresh.put_object(thing, now=now), things))
    assert google.state()["grants"] == before + 1
    assert len(google.state()["objects"]) == 16


def test_threads_that_wait_share_a_failure_of_the_token_endpoint(
    connect: Connect, google: Google, shown: Build, now: datetime
) -> None:
    google.control({"kind": "silence", "path": "/token", "times": 99})
    fresh = connect(budget_s=1.0, read_timeout_s=0.5)

    def attempt(number: int) -> type[Exception] | None:
        try:
            fresh.put_object(shown(serial=f"pass-{number}"), now=now)
        except Unavailable as failure:
            return type(failure)
        return None

    began = time.monotonic()
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(attempt, range(16))) == {Unavailable}
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("kind", ["500", "disconnect", "half-reply"])
def test_the_token_endpoint_may_stumble(
    connect: Connect, google: Google, design: Json, now: datetime, kind: str
) -> None:
    google.control({"kind": kind, "path": "/token"})
    connect().ensure_class(design, now=now)
    assert list(google.state()["classes"]) == [design["id"]]


@pytest.mark.parametrize(
    "grant",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"access_token": "x"}',
        b'{"access_token": "x", "expires_in": "?"}',
    ],
)
def test_a_grant_that_cannot_be_read_is_asked_for_again(
    connect: Connect, google: Google, design: Json, now: datetime, grant: bytes
) -> None:
    google.instead(grant)
    with pytest.raises(Unavailable):
        connect(budget_s=0.2).ensure_class(design, now=now)


def test_who_waits_for_another_s_token_gives_up_at_its_own_deadline(
    connect: Connect, google: Google, design: Json, now: datetime
) -> None:
    google.control({"kind": "500", "path": "/token"}, {"kind": "silence", "path": "/token"})
    shared = connect(budget_s=1.3)
    with ThreadPoolExecutor(2) as threads:
        # Stumbles at once, and comes back while the second is still fetching.
        first = threads.submit(shared.ensure_class, design, now=now)
        while not google.state()["requests"]:
            time.sleep(0.01)
        time.sleep(0.05)
        second = threads.submit(shared.ensure_class, design, now=now)
        failures = [first.exception(), second.exception()]
    assert [type(failure) for failure in failures] == [Unavailable, Unavailable]
    assert str(failures[0].__cause__) == "no access token yet"


def test_a_clock_that_is_off_is_a_matter_of_access_not_of_the_pass(
    connect: Connect, google: Google, design: Json, now: datetime
) -> None:
    with pytest.raises(Unavailable, match="access") as caught:
        connect().ensure_class(design, now=now + timedelta(hours=2))
    assert caught.value.retry_after_s == 60
    assert getattr(caught.value.__cause__, "reason", "") == "invalid_grant"
    assert google.asked() == []


@pytest.mark.usefixtures("wallet")
def test_google_is_never_asked_more_than_twenty_times_a_second(
    connect: Connect, google: Google, shown: Build, now: datetime
) -> None:
    polite = connect()
    polite.put_object(shown(), now=now)
    google.control()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: polite.patch_object(shown(), now=now), range(40)))
    state = google.state()
    assert state["peak_per_s"] <= 20
    assert len(google.asked()) == 40


def test_a_queue_longer_than_the_budget_is_turned_away_at_once(
    connect: Connect, google: Google, design: Json, now: datetime
) -> None:
    slow = connect(requests_per_s=0.1, budget_s=1.0)
    slow.ensure_class(design, now=now)
    for _ in range(2):  # insert and patch: with the first insert, all five of the start
        slow.ensure_class(design, now=now)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        slow.ensure_class(design, now=now)
    assert time.monotonic() - began < 0.9
    assert len(google.asked()) == 5


@pytest.mark.usefixtures("wallet")
def test_an_answer_without_end_is_cut_off(connect: Connect, shown: Build, now: datetime) -> None:
    long, endless = (
        [{"id": f"m{number}", "body": "x" * 1000} for number in range(count)]
        for count in (200, 300)
    )
    patient = connect(budget_s=0.5)
    patient.put_object(shown() | {"textModulesData": long}, now=now)
    with pytest.raises(Unavailable):
        patient.put_object(shown() | {"textModulesData": endless}, now=now)


def test_an_unreachable_google_is_unavailable(
    connect: Connect, google: Google, design: Json, now: datetime
) -> None:
    wallet = connect(budget_s=0.5)
    wallet.ensure_class(design, now=now)
    google.control({"kind": "disconnect", "times": 99, "path": "/"})
    with pytest.raises(Unavailable):
        wallet.ensure_class(design, now=datetime(2026, 11, 24, 10, 1, tzinfo=UTC))
