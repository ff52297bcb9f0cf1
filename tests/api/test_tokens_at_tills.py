"""A partner's access token beside till keys: the same verdicts, at a till that it names."""

import uuid

import httpx
import pytest
from sqlalchemy import select

from app.db import Database
from app.identity.clients import Scope
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
