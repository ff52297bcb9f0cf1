"""A partner's access token beside till keys: the same verdicts, at a till that it names.

And what can be done with them afterwards: seen, signed for, counted and taken back.
"""

import uuid

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import fence
from app.db import Database
from app.identity.clients import Scope
from app.verification import partners
from app.verification.model import Till
from tests.api.oauth import ask, register
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import ROUTE, verdict


@pytest.fixture
def tills(database: Database, service: Service) -> dict[str, Till]:
    """The till of each shop."""
    names = {shop.name: key for key, shop in service.deployment.shops.items()}
    with database.reading() as session:
        return {names[till.partner.name]: till for till in session.scalars(select(Till))}


def token(service: Service, *scopes: Scope, partner_id: uuid.UUID | None) -> str:
    client = register(service, f"client-{uuid.uuid4().hex[:8]}", *scopes, partner_id=partner_id)
    text: str = ask(service, auth=(client.client_id, client.secret)).json()["access_token"]
    return text


def check(service: Service, token: str, text: str, **more: str) -> httpx.Response:
    question = {"presentation": text, "channel": "box_office"} | more
    headers = {"authorization": f"Bearer {token}"}
    return service.http.post(ROUTE, json=question, headers=headers)


def test_a_token_verifies_at_a_till_of_its_partner(
    service: Service, tills: dict[str, Till]
) -> None:
    code = service.web_codes(service.with_card())[0]
    museum = tills["museum"]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    told = verdict(check(service, text, code, till_id=str(museum.id)))
    assert (told["reason"], told["grade"]) == ("ok", "live")
    # The till is the same, whatever it proves itself with.
    again = verdict(service.till().scan(code))
    assert (again["repeat"], again["verification_id"]) == (True, told["verification_id"])


def test_a_token_that_names_no_till_or_not_its_own_gets_no_verdict(
    service: Service, tills: dict[str, Till]
) -> None:
    museum, bookshop = tills["museum"], tills["bookshop"]
    good = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    problem_of(check(service, good, ""), "malformed-request", 422)
    for till_id in (str(bookshop.id), str(uuid.uuid4())):
        problem_of(check(service, good, "", till_id=till_id), "forbidden", 403)
    at_museum = {"till_id": str(museum.id)}
    other_scope = token(service, Scope.EPD_READ, partner_id=museum.partner_id)
    problem_of(check(service, other_scope, "", **at_museum), "forbidden", 403)
    nobody = token(service, Scope.VERIFICATIONS_WRITE, partner_id=None)
    problem_of(check(service, nobody, "", **at_museum), "forbidden", 403)
    unknown = "lk_access_" + "A" * 43
    problem_of(check(service, unknown, "", **at_museum), "unauthenticated", 401)


def test_a_token_past_its_quarter_of_an_hour_is_refused(
    service: Service, tills: dict[str, Till], clock: Clock
) -> None:
    museum = tills["museum"]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    assert verdict(check(service, text, "", till_id=str(museum.id)))
    clock.advance(minutes=15)
    answer = check(service, text, "", till_id=str(museum.id))
    problem_of(answer, "unauthenticated", 401)


def test_behind_a_fence_a_token_gets_no_verdict_either(
    service: Service, database: Database, tills: dict[str, Till], clock: Clock
) -> None:
    museum = tills["museum"]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    database.transact(lambda session: fence.put_up(session, why="a copy", now=clock()))
    answer = check(service, text, "", till_id=str(museum.id))
    problem_of(answer, "unavailable", 503)
    assert int(answer.headers["retry-after"]) > 0


def afterwards(
    service: Service, token: str, verification_id: str, **till: str
) -> dict[str, httpx.Response]:
    """Everything that is asked about a check later, of a token or (empty) of nobody."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    http, address = service.http, f"{ROUTE}/{verification_id}"
    return {
        "seen": http.get(address, headers=headers),
        "receipt": http.get(f"{address}/receipt", headers=headers),
        "counts": http.get(f"{ROUTE}/counts.csv", headers=headers),
        "taken back": http.post(f"{address}/void", headers=headers, params=till),
    }


@pytest.fixture
def checked(service: Service, tills: dict[str, Till]) -> str:
    """The verification id of a card that the museum accepted."""
    code = service.web_codes(service.with_card())[0]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=tills["museum"].partner_id)
    told = verdict(check(service, text, code, till_id=str(tills["museum"].id)))
    assert told["valid"]
    name: str = told["verification_id"]
    return name


def test_a_token_sees_signs_counts_and_takes_back_what_its_partner_checked(
    service: Service, tills: dict[str, Till], checked: str, clock: Clock
) -> None:
    museum = tills["museum"]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    clock.advance(minutes=10)
    answers = afterwards(service, text, checked, till_id=str(museum.id))
    told = verdict(answers["seen"])
    assert (told["verification_id"], told["reason"], told["holder"]) == (checked, "ok", None)
    assert answers["receipt"].headers["content-type"] == "application/jose"
    assert answers["counts"].text.splitlines()[1:] == ["2026-11-24;1;box_office;;1;0;0"]
    assert answers["taken back"].json()["voided_at"] == "2026-11-24T10:10:00Z"
    counted = afterwards(service, text, checked, till_id=str(museum.id))["counts"]
    assert counted.text.splitlines()[1:] == ["2026-11-24;1;box_office;;0;0;1"]


def test_nobody_and_a_token_that_counts_no_more_are_told_nothing_afterwards(
    service: Service, tills: dict[str, Till], checked: str
) -> None:
    for text in ("", "lk_access_" + "A" * 43):
        for answer in afterwards(service, text, checked, till_id=str(tills["museum"].id)).values():
            problem_of(answer, "unauthenticated", 401)


def test_a_token_for_something_else_is_told_nothing_afterwards(
    service: Service, tills: dict[str, Till], checked: str
) -> None:
    museum = tills["museum"]
    others = (
        token(service, Scope.EPD_READ, partner_id=museum.partner_id),
        token(service, Scope.VERIFICATIONS_WRITE, partner_id=None),
    )
    for text in others:
        for answer in afterwards(service, text, checked, till_id=str(museum.id)).values():
            problem_of(answer, "forbidden", 403)


def test_a_token_of_another_partner_finds_no_such_check(
    service: Service, tills: dict[str, Till], checked: str
) -> None:
    museum, bookshop = tills["museum"], tills["bookshop"]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=bookshop.partner_id)
    answers = afterwards(service, text, checked, till_id=str(bookshop.id))
    for name in ("seen", "receipt", "taken back"):
        problem_of(answers[name], "not-found", 404)
    assert answers["counts"].text.splitlines()[1:] == []
    at_museum = afterwards(service, text, checked, till_id=str(museum.id))
    problem_of(at_museum["taken back"], "forbidden", 403)


def test_a_token_takes_back_at_the_till_that_checked_and_within_ten_minutes_only(
    service: Service, database: Database, tills: dict[str, Till], checked: str, clock: Clock
) -> None:
    museum = tills["museum"]

    def second_till(session: Session) -> str:
        partner = partners.partner_named(session, service.deployment.shops["museum"].name)
        return str(partners.add_till(session, partner, "2", now=clock()).id)

    colleague = database.transact(second_till)
    clock.advance(minutes=10, seconds=1)
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)

    def take_back(**till: str) -> httpx.Response:
        return afterwards(service, text, checked, **till)["taken back"]

    problem_of(take_back(), "malformed-request", 422)
    problem_of(take_back(till_id=colleague), "not-found", 404)
    problem_of(take_back(till_id=str(museum.id)), "conflict", 409)


def test_a_till_key_and_a_token_take_back_each_others_checks_of_one_till(
    service: Service, tills: dict[str, Till], checked: str
) -> None:
    museum, bookshop = tills["museum"], tills["bookshop"]
    key = service.deployment.shops["museum"].live_key
    elsewhere = afterwards(service, key, checked, till_id=str(bookshop.id))["taken back"]
    problem_of(elsewhere, "forbidden", 403)
    assert afterwards(service, key, checked, till_id=str(museum.id))["taken back"].is_success
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    again = afterwards(service, text, checked, till_id=str(museum.id))["taken back"]
    assert again.is_success


def test_a_stopped_partner_and_a_fence_close_it_afterwards_too(
    service: Service, database: Database, tills: dict[str, Till], checked: str, clock: Clock
) -> None:
    museum = tills["museum"]
    text = token(service, Scope.VERIFICATIONS_WRITE, partner_id=museum.partner_id)
    at_till = {"till_id": str(museum.id)}
    database.transact(lambda session: fence.put_up(session, why="a copy", now=clock()))
    for answer in afterwards(service, text, checked, **at_till).values():
        problem_of(answer, "unavailable", 503)
    database.transact(fence.release)

    def stop(session: Session) -> None:
        stopped = partners.partner_of(session, museum.partner_id)
        partners.stop_partner(stopped, why="request", now=clock())

    database.transact(stop)
    for answer in afterwards(service, text, checked, **at_till).values():
        problem_of(answer, "forbidden", 403)
