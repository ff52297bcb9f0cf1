"""Codes for one purchase from afar: drawn on the card page, shown at the same door."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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

DRAW, PAGE = "/api/v1/me/webshop-codes", "/card/webshop-codes"
GOOD = {"valid": True, "reason": "ok", "grade": "live", "repeat": False, "holder": None}


def draw(service: Service, teacher: Browser, **asked: Any) -> httpx.Response:
    return service.http.post(DRAW, params=asked, headers=service.as_teacher(teacher))


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


def shown(teacher: Browser) -> str:
    """The code on the page."""
    return re.sub(r"<[^>]+>", "", teacher.page.text.partition('id="code">')[2].partition("</p>")[0])


def test_the_page_shows_a_code_once_and_then_what_became_of_it(
    service: Service, clock: Clock
) -> None:
    teacher = service.with_card()
    assert "quarter of an hour" in teacher.open(f"{PAGE}?lang=en").text
    teacher.press(PAGE)
    code = shown(teacher)
    until = (clock() + timedelta(minutes=15)).astimezone(ZoneInfo("Europe/Brussels"))
    assert f"Good once, until {until:%H:%M}." in teacher.page.text
    assert step(teacher) == "good"
    assert code not in teacher.open(PAGE).text
    assert teacher.status == "Not used yet"
    assert gist(service.till("bookshop").scan(code, channel="webshop")) == GOOD
    assert step(teacher) == "used"
    teacher.open(PAGE)
    assert teacher.status == "Used"
    clock.advance(seconds=1)
    teacher.press(PAGE)
    assert shown(teacher) != code
    clock.advance(minutes=16)
    assert step(teacher) == "expired"
    teacher.open(PAGE)
    assert teacher.status == "Expired"


def step(teacher: Browser) -> object:
    page, answer = teacher.page, teacher.open(f"{PAGE}/step")
    teacher.page = page
    return answer.json()["step"]


def test_a_code_for_one_shop_is_chosen_on_the_page_by_its_name(
    service: Service, database: Database
) -> None:
    teacher = service.with_card()
    teacher.open(f"{PAGE}?lang=en")
    name = service.deployment.shops["bookshop"].name
    assert f">{name}</option>" in teacher.page.text
    teacher.press(PAGE, partner_id=partner_id(service, database, "bookshop"))
    assert f"Only at {name}." in teacher.page.text
    code = shown(teacher)
    assert gist(service.till().scan(code, channel="webshop")) == refused("unknown_card")
    teacher.open(PAGE)
    teacher.press(PAGE, partner_id="")
    assert gist(service.till().scan(shown(teacher), channel="webshop")) == GOOD


def test_who_draws_without_end_is_told_to_wait_on_a_page(service: Service) -> None:
    teacher = service.with_card()
    statuses = []
    for _ in range(11):
        teacher.open(f"{PAGE}?lang=en")
        statuses.append(teacher.press(PAGE).status_code)
    assert statuses == [200] * 10 + [429]
    assert "Try again in 1 minute" in teacher.page.text


def test_the_page_of_codes_needs_an_active_card(service: Service) -> None:
    teacher = service.logged_in()
    assert teacher.open(PAGE).status_code == 404
    assert step(teacher) is None


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
