"""Every reason of docs/card-token.md, section 7, given over HTTP."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards import keyring
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.verification.verdict import Reason
from tests.api.stage import Clock, Service
from tests.api.verdicts import verdict


def test_every_reason_is_given_over_http(
    service: Service,
    serve: Callable[..., Service],
    clock: Clock,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    teacher, till = service.with_card(), service.till()
    told: dict[str, str] = {}

    def show(reason: str, text: str, shop: str = "museum", **asked: str) -> None:
        told[reason] = verdict(service.till(shop).scan(text, **asked))["reason"]

    web, next_web, *_, last_web = service.web_codes(teacher)
    apple, google = service.apple_code(teacher), service.google_code(teacher)
    paper, number = service.printed()
    body, seconds, digits = google.rsplit("/", 2)
    show("ok", web)
    show("already_used", web, "bookshop")
    show("not_yet_valid", last_web)
    show("malformed", "WIFI:S:thuis;;")
    show("foreign_code", "HTTPS://KAART.EXAMPLE.EVIL/1" + web.rpartition("/1")[2])
    show("bad_signature", web[:-20] + ("0" if web[-20] != "0" else "1") + web[-19:])
    show("unknown_card", "0000000000" if number != "0000000000" else "1111111118")
    show("stale_code", body)
    show("grade_too_low", apple, min_grade="live")
    for guess in range(20):
        wrong = f"{int(digits) + guess + 1:08}"[-8:]
        assert verdict(till.scan(f"{body}/{seconds}/{wrong}"))["reason"] == "bad_signature"
    show("suspended_check", google)
    clock.advance(seconds=121)
    show("expired", next_web)

    newer = update(WalletPass).where(WalletPass.carrier == Carrier.APPLE)
    newer = newer.values(confirmed_generation=2, confirmed_at=clock() - timedelta(seconds=901))
    database.transact(lambda session: session.execute(newer))
    monkeypatch.setenv("LERARENKAART_SUPERSEDED", "strict")
    strict = serve(service.deployment, second=True)
    older = strict.till().scan(apple.replace(service.address.upper(), "", 1))
    told["superseded"] = verdict(older)["reason"]

    def turn(*, test: bool) -> None:
        database.transact(lambda session: session.execute(update(Card).values(test=test)))

    turn(test=True)
    show("test_card", paper)
    turn(test=False)

    def revoke(session: Session) -> None:
        passed = select(WalletPass).where(WalletPass.carrier == Carrier.PAPER)
        session.scalars(passed).one().revoked_at = clock()

    database.transact(revoke)
    show("not_valid", paper)
    keyring.revoke(service.deployment.directory / "keys", "token", 1, now=clock())
    show("unknown_key", apple)
    assert told == {reason: reason for reason in Reason}


def test_an_older_apple_code_is_lowered_and_asks_for_an_identity_card_where_that_is_soft(
    service: Service, clock: Clock, database: Database
) -> None:
    apple = service.apple_code(service.with_card())
    newer = {"confirmed_generation": 2, "confirmed_at": clock()}
    database.transact(lambda session: session.execute(update(WalletPass).values(newer)))
    clock.advance(seconds=901)
    soft = verdict(service.till().scan(apple))
    assert (soft["valid"], soft["grade"], soft["advice"]) == (True, "static", ["check_id"])
