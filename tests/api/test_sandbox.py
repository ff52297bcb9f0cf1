"""Test cards: every reason at a till with a test key, without a teacher anywhere."""

import re
from typing import Any

from sqlalchemy import select

from app.cards.model import Card
from app.db import Database
from app.verification.model import Scan
from app.verification.verdict import Reason
from tests.api.stage import Clock, Service
from tests.api.verdicts import verdict


def cards_of(service: Service) -> dict[str, dict[str, str]]:
    answer = service.http.get("/api/v1/sandbox/cards")
    assert answer.headers["cache-control"] == "no-store"
    return {card["reason"]: card for card in answer.json()["cards"]}


def test_the_test_cards_act_out_every_reason(service: Service, database: Database) -> None:
    cards, till = cards_of(service), service.till(test=True)
    assert set(cards) == set(Reason)
    for shown in ("printed", "live"):
        told = {reason: verdict(till.scan(card[shown])) for reason, card in cards.items()}
        assert {reason: one["reason"] for reason, one in told.items()} == {
            reason: str(reason) for reason in Reason
        }
        assert all(one["test"] and one["valid"] is (reason == "ok") for reason, one in told.items())
        grade = {"printed": "static", "live": "live"}[shown]
        assert (told["ok"]["grade"], told["ok"]["holder"]) == (grade, {"initials": "TK"})
    with database.reading() as session:
        assert session.scalars(select(Card)).all() == []
        scans = session.scalars(select(Scan)).all()
    assert len(scans) == 2 * len(Reason)
    assert all(scan.test and scan.card_id is None for scan in scans)


def test_a_till_with_a_live_key_refuses_every_test_card(service: Service) -> None:
    till = service.till()
    for card in cards_of(service).values():
        for text in (card["printed"], card["live"]):
            assert verdict(till.scan(text))["reason"] == "test_card"


def test_single_use_is_rehearsed_by_every_partner_alone(service: Service, clock: Clock) -> None:
    code = cards_of(service)["ok"]["live"]
    museum, bookshop = (service.till(shop, test=True) for shop in ("museum", "bookshop"))
    first = verdict(museum.scan(code))
    again = verdict(museum.scan(code))
    assert again["repeat"]
    assert again["verification_id"] == first["verification_id"]
    assert not verdict(bookshop.scan(code))["repeat"]
    strips = service.http.post("/sandbox/ok/strips").json()["strips"]
    clock.advance(seconds=61)
    assert verdict(museum.scan(strips[2]["code"]))["reason"] == "ok"
    assert verdict(museum.scan(strips[1]["code"]))["reason"] == "already_used"
    assert verdict(bookshop.scan(strips[1]["code"]))["reason"] == "ok"


def test_an_old_live_code_of_a_test_card_expires_and_a_printed_one_lasts_the_year(
    service: Service, clock: Clock
) -> None:
    before, till = cards_of(service), service.till(test=True)
    clock.advance(days=20)
    assert verdict(till.scan(before["ok"]["live"]))["reason"] == "expired"
    assert cards_of(service)["ok"]["printed"] == before["ok"]["printed"]
    assert verdict(till.scan(before["ok"]["printed"]))["reason"] == "ok"
    clock.advance(days=30)
    assert verdict(till.scan(before["ok"]["printed"]))["reason"] == "expired"
    assert verdict(till.scan(cards_of(service)["ok"]["printed"]))["reason"] == "ok"


def test_the_pages_show_every_test_card_in_four_languages(service: Service) -> None:
    for language in ("nl", "fr", "en", "de"):
        html = service.http.get("/sandbox", params={"lang": language}).text
        assert len(re.findall(r"<svg role=\"img\"", html)) == len(Reason)
    live = service.http.get("/sandbox/already_used").text
    assert 'data-strips="/sandbox/already_used/strips"' in live
    assert service.http.get("/sandbox/nonsense").status_code == 422
    strips: list[dict[str, Any]] = service.http.post("/sandbox/ok/strips").json()["strips"]
    assert len({strip["code"] for strip in strips}) == 20
    assert verdict(service.till(test=True).scan(strips[0]["code"]))["grade"] == "live"


def test_a_phone_camera_is_told_that_it_is_a_test_card(service: Service) -> None:
    code = cards_of(service)["not_valid"]["printed"]
    page = service.http.get("/1" + code.rpartition("/1")[2], params={"lang": "en"}).text
    assert "This card is not valid." in page
