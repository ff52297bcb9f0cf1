"""Scans made without a network, uploaded later: recorded once, judged as of their moment."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import func, select

from app.cards import lifecycle
from app.cards.model import Card, WalletPass
from app.db import Database
from app.verification.model import Scan
from demo.shop import gist
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import ACCEPTED, ROUTE, bearer, refused, verdict


def upload(
    service: Service, code: str, at: datetime, *, nonce: uuid.UUID | None = None, **asked: Any
) -> httpx.Response:
    offline = {"scanned_at": at.isoformat(), "nonce": str(nonce or uuid.uuid4())}
    question = {"presentation": code, "channel": "scanner", "offline": offline} | asked
    return service.http.post(ROUTE, json=question, headers=bearer(service))


def test_an_upload_is_judged_as_of_its_moment_and_moves_nothing(
    service: Service, clock: Clock, database: Database
) -> None:
    teacher = service.with_card()
    web, apple = service.web_codes(teacher)[0], service.apple_code(teacher)
    google, paper = service.google_code(teacher), service.printed()[0]
    scanned_at = clock()
    clock.advance(days=2)
    told = [verdict(upload(service, code, scanned_at)) for code in (web, apple, google, paper)]
    assert [(one["valid"], one["grade"], one["carrier"]) for one in told] == [
        (True, "live", "web"),
        (True, "recent", "apple"),
        (True, "static", "google"),
        (True, "static", "paper"),
    ]
    assert {one["checked_at"] for one in told} == {"2026-11-24T10:00:00Z"}
    assert all(one["holder"] == {"initials": "AP"} for one in told)
    with database.reading() as session:
        untouched = select(WalletPass.last_accepted, WalletPass.rotation_due_at).distinct()
        assert session.execute(untouched).all() == [(None, None)]
        for scan in session.scalars(select(Scan)):
            assert (scan.at, scan.uploaded_at) == (scanned_at, clock())


def test_the_same_upload_is_recorded_once_however_often_it_comes(
    service: Service, clock: Clock, database: Database
) -> None:
    code, scanned_at, nonce = service.web_codes(service.with_card())[0], clock(), uuid.uuid4()
    first = verdict(upload(service, code, scanned_at, nonce=nonce))
    clock.advance(days=6)
    again = verdict(upload(service, code, scanned_at, nonce=nonce))
    assert (again["verification_id"], again["valid"], again["repeat"]) == (
        first["verification_id"],
        True,
        True,
    )
    other = upload(service, "WIFI:S:thuis;;", scanned_at, nonce=nonce)
    problem_of(other, "conflict", 409)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Scan)) == 1


def test_one_upload_raced_at_two_services_is_recorded_once(
    service: Service, elsewhere: Service, database: Database
) -> None:
    code, nonce = service.web_codes(service.with_card())[0], uuid.uuid4()
    at, services = service.clock(), [service, elsewhere] * 4
    start = threading.Barrier(len(services))

    def race(one: Service) -> dict[str, Any]:
        start.wait()
        return verdict(upload(one, code, at, nonce=nonce))

    with ThreadPoolExecutor(len(services)) as threads:
        told = list(threads.map(race, services))
    assert {(one["valid"], one["verification_id"]) for one in told} == {
        (True, told[0]["verification_id"])
    }
    assert sorted(one["repeat"] for one in told) == [False] + [True] * 7
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Scan)) == 1


def test_an_upload_uses_up_no_code_and_counts_none_that_was_counted(
    service: Service, clock: Clock
) -> None:
    first, second, *_ = service.web_codes(service.with_card())
    scanned_at = clock()
    assert gist(service.till("bookshop").scan(first)) == ACCEPTED
    assert gist(upload(service, first, scanned_at)) == refused("already_used")
    clock.advance(seconds=30)
    assert verdict(upload(service, second, clock()))["valid"]
    # The holder stands at another till with the very code that this phone has seen.
    assert gist(service.till("bookshop").scan(second)) == ACCEPTED


def test_a_later_code_of_the_card_says_nothing_about_the_one_before(
    service: Service, clock: Clock
) -> None:
    first, second, *_ = service.web_codes(service.with_card())
    scanned_at = clock()
    clock.advance(seconds=30)
    assert gist(service.till("bookshop").scan(second)) == ACCEPTED
    assert gist(upload(service, first, scanned_at)) == ACCEPTED


def test_the_same_code_twice_within_two_minutes_is_one_use(service: Service, clock: Clock) -> None:
    code = service.web_codes(service.with_card())[0]
    one = verdict(upload(service, code, clock()))
    clock.advance(seconds=20)
    other = verdict(upload(service, code, clock()))
    assert (other["verification_id"], other["repeat"]) == (one["verification_id"], True)


def test_a_card_counts_as_it_stood_at_the_moment_of_the_scan(
    service: Service, clock: Clock, database: Database
) -> None:
    teacher = service.with_card()
    apple, active_at = service.apple_code(teacher), clock()

    def change(verb: Any) -> datetime:
        clock.advance(hours=1)
        database.transact(
            lambda session: verb(
                session, session.scalars(select(Card)).one(), why="office", now=clock()
            )
        )
        clock.advance(minutes=1)
        return clock()

    suspended_at, resumed_at = change(lifecycle.suspend), change(lifecycle.resume)
    revoked_at = change(lifecycle.revoke)
    moments = [active_at, suspended_at, resumed_at, revoked_at]
    told = [verdict(upload(service, apple, at)) for at in moments]
    assert [one["reason"] for one in told] == ["ok", "not_valid", "ok", "not_valid"]
    # Nothing of it has revived the card.
    assert gist(service.till().scan(apple)) == refused("not_valid")


def test_a_google_code_without_its_tail_is_as_stale_as_online(service: Service) -> None:
    body = service.google_code(service.with_card()).rsplit("/", 2)[0]
    assert gist(upload(service, body, service.clock())) == refused("stale_code")


def test_the_window_of_a_web_code_is_the_same_as_online(service: Service, clock: Clock) -> None:
    code, shown_at = service.web_codes(service.with_card())[1], clock() + timedelta(seconds=30)
    clock.advance(hours=1)
    told = [
        verdict(upload(service, code, shown_at + timedelta(seconds=after)))["reason"]
        for after in (-6, -5, 120, 90, 91)
    ]
    assert told == ["not_yet_valid", "ok", "expired", "ok", "expired"]


def test_a_scan_from_the_future_or_too_long_ago_is_not_kept(
    service: Service, clock: Clock, database: Database
) -> None:
    codes, scanned_at = service.web_codes(service.with_card()), clock()
    ahead = scanned_at + timedelta(seconds=61)
    problem_of(upload(service, codes[2], ahead), "conflict", 409)
    # A little ahead is now: the codes of the next minutes are on the phone already.
    ahead = scanned_at + timedelta(seconds=60)
    assert verdict(upload(service, codes[2], ahead))["reason"] == "not_yet_valid"
    clock.advance(days=7, seconds=1)
    problem_of(upload(service, codes[0], scanned_at), "conflict", 409)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Scan)) == 1


def test_what_cannot_be_checked_offline_is_not_counted_later(
    service: Service, clock: Clock
) -> None:
    service.with_card()
    number = service.printed()[1]
    assert gist(upload(service, number, clock())) == refused("unknown_card")
    assert gist(upload(service, "WIFI:S:thuis;;", clock())) == refused("malformed")


def test_an_upload_says_when_and_under_which_name(service: Service, clock: Clock) -> None:
    good = {"scanned_at": clock().isoformat(), "nonce": str(uuid.uuid4())}
    for offline in (
        {},
        {"scanned_at": good["scanned_at"]},
        {"nonce": good["nonce"]},
        good | {"nonce": "1"},
        good | {"scanned_at": "2026-11-24T10:00:00"},
        good | {"scanned_at": "yesterday"},
        good | {"more": 1},
    ):
        question = {"presentation": "", "channel": "scanner", "offline": offline}
        answer = service.http.post(ROUTE, json=question, headers=bearer(service))
        problem_of(answer, "malformed-request", 422)
