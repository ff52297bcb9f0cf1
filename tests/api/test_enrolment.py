"""POST /api/v1/tills/enrol: a device becomes a till, once for each code."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.verification import enrolment, partners
from app.verification.model import Enrolment, TillKey
from demo.shop import Till
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import verdict

ROUTE = "/api/v1/tills/enrol"


@pytest.fixture
def code(service: Service, database: Database, clock: Clock) -> str:
    """A code for the museum's till."""
    return new_code(service, database, clock)


def new_code(service: Service, database: Database, clock: Clock, *, test: bool = False) -> str:
    def work(session: Session) -> str:
        museum = partners.partner_named(session, service.deployment.shops["museum"].name)
        till = partners.till_named(session, museum.id, "1")
        return enrolment.new_code(session, till, test=test, now=clock())

    return database.transact(work)


def enrol(service: Service, typed: str) -> httpx.Response:
    return service.http.post(ROUTE, json={"code": typed})


def test_a_code_gives_a_key_of_the_till_it_was_made_for(service: Service, code: str) -> None:
    answer = enrol(service, f" {code[:5].lower()}-{code[5:10]} {code[10:]}\n")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    shop = service.deployment.shops["museum"]
    assert (found["partner"], found["till"]) == (shop.name, "1")
    assert answer.headers["cache-control"] == "no-store"
    assert found["till_key"].startswith("lk_live_")
    till = Till(service.address, shop.name, found["till_key"])
    assert verdict(till.scan("", till_id=found["till_id"]))["reason"] == "malformed"
    till.close()


def test_a_code_for_the_sandbox_gives_a_key_for_the_sandbox(
    service: Service, database: Database, clock: Clock
) -> None:
    answer = enrol(service, new_code(service, database, clock, test=True))
    assert answer.json()["till_key"].startswith("lk_test_")


def test_nobody_learns_what_is_wrong_with_a_code(
    service: Service, database: Database, clock: Clock, code: str
) -> None:
    used, late = code, new_code(service, database, clock)
    assert enrol(service, used).status_code == 201
    clock.advance(hours=24)
    shown = {
        "used": used,
        "past its day": late,
        "unknown": "E000000000000000"[:15],
        "mistyped": late[:-1],
        "a card number": "1234567896",
        "nothing": "",
        "not ASCII": "\N{WAVING HAND SIGN}" * 15,
    }
    told = {
        name: problem_of(enrol(service, text), "forbidden", 403) for name, text in shown.items()
    }
    assert len({document["detail"] for document in told.values()}) == 1


def test_a_stopped_partner_enrols_nobody(
    service: Service, database: Database, clock: Clock, code: str
) -> None:
    def stop(session: Session) -> None:
        name = service.deployment.shops["museum"].name
        partners.partner_named(session, name).stopped_at = clock()

    database.transact(stop)
    problem_of(enrol(service, code), "forbidden", 403)
    with database.reading() as session:
        assert session.scalars(select(Enrolment)).one().used_at is None


def test_guesses_are_limited_for_each_network(service: Service) -> None:
    statuses = [enrol(service, "E00000").status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]


def test_a_code_raced_by_many_devices_makes_one_till(
    service: Service, elsewhere: Service, database: Database, code: str
) -> None:
    devices = [service, elsewhere] * 4
    start = threading.Barrier(len(devices))

    def race(one: Service) -> int:
        start.wait()
        return enrol(one, code).status_code

    with ThreadPoolExecutor(len(devices)) as threads:
        outcomes = sorted(threads.map(race, devices))
    assert outcomes == [201] + [403] * 7
    with database.reading() as session:
        # Two shops with a live and a test key each, and this one.
        assert len(session.scalars(select(TillKey)).all()) == 5
