"""Codes for one purchase from afar: drawn on the card page, shown at the same door."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import select

from app.db import Database
from app.partners import Partner
from app.verification.model import WebshopCode
from demo.browser import Browser
from demo.shop import gist
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import ROUTE, bearer, refused, verdict

DRAW = "/card/webshop-codes"
GOOD = {"valid": True, "reason": "ok", "grade": "live", "repeat": False, "holder": None}


def draw(service: Service, teacher: Browser, **asked: Any) -> httpx.Response:
    return service.http.post(DRAW, data=asked, headers=service.as_teacher(teacher))


def partner_id(service: Service, database: Database, shop: str) -> str:
    with database.reading() as session:
        name = service.deployment.shops[shop].name
        return str(session.scalars(select(Partner.id).where(Partner.name == name)).one())


def test_a_code_is_good_once_and_for_a_quarter_of_an_hour(service: Service, clock: Clock) -> None:
    teacher = service.with_card()
    drawn = draw(service, teacher)
    assert drawn.status_code == 201
    code = drawn.json()["code"]
    assert (datetime.fromisoformat(drawn.json()["expires_at"]) - clock()).seconds == 900
    late = draw(service, teacher).json()["code"]
    shop, other = service.till("bookshop"), service.till()
    typed = f" {code[:4].lower()}-{code[4:]}\n"
    assert gist(shop.scan(typed, channel="webshop")) == GOOD
    assert gist(shop.scan(code, channel="webshop")) == GOOD | {"repeat": True}
    assert gist(other.scan(code, channel="webshop")) == refused("already_used")
    clock.advance(seconds=121)
    assert gist(shop.scan(code, channel="webshop")) == refused("already_used")
    clock.advance(seconds=900 - 121)
    assert gist(other.scan(late, channel="webshop")) == GOOD
    expired = draw(service, teacher).json()["code"]
    clock.advance(seconds=901)
    assert gist(other.scan(expired, channel="webshop")) == refused("expired")


def test_a_code_for_one_partner_is_unknown_to_every_other(
    service: Service, database: Database
) -> None:
    bookshop = partner_id(service, database, "bookshop")
    code = draw(service, service.with_card(), partner_id=bookshop).json()["code"]
    assert gist(service.till().scan(code, channel="webshop")) == refused("unknown_card")
    assert gist(service.till("bookshop").scan(code, channel="webshop")) == GOOD


def test_a_lost_card_takes_its_codes_with_it(service: Service) -> None:
    teacher = service.with_card()
    code = draw(service, teacher).json()["code"]
    teacher.open("/card/lost")
    assert teacher.press("/card/report-lost").is_success
    assert gist(service.till().scan(code, channel="webshop")) == refused("not_valid")


def test_a_code_needs_a_card_and_a_partner_that_is_one(service: Service) -> None:
    teacher = service.logged_in()
    problem_of(draw(service, teacher), "not-eligible", 403)
    teacher.open("/card")
    teacher.press("/card")
    nobody = "019ab000-0000-7000-8000-000000000000"
    problem_of(draw(service, teacher, partner_id=nobody), "not-found", 404)
    problem_of(draw(service, teacher, partner_id="1"), "malformed-request", 422)


def test_codes_are_kept_as_fingerprints_and_go_when_they_are_past(
    service: Service, database: Database, clock: Clock
) -> None:
    teacher = service.with_card()
    code = draw(service, teacher).json()["code"]
    clock.advance(minutes=16)
    draw(service, teacher)
    with database.reading() as session:
        kept = session.scalars(select(WebshopCode)).all()
    assert len(kept) == 1
    assert code.encode() not in kept[0].code_sha256


def test_one_code_raced_at_two_services_is_accepted_once(
    service: Service, elsewhere: Service
) -> None:
    code = draw(service, service.with_card()).json()["code"]
    tills = [
        (one.http, bearer(one, shop))
        for one in (service, elsewhere)
        for shop in ("museum", "bookshop")
    ]
    tills *= 4
    start = threading.Barrier(len(tills))

    def show(till: tuple[httpx.Client, dict[str, str]]) -> str:
        http, key = till
        start.wait()
        answer = http.post(ROUTE, json={"presentation": code, "channel": "webshop"}, headers=key)
        found = verdict(answer)
        return "repeat" if found["repeat"] else str(found["reason"])

    with ThreadPoolExecutor(len(tills)) as threads:
        counted = Counter(threads.map(show, tills))
    assert counted == {"ok": 1, "repeat": 7, "already_used": 8}
