"""POST /api/v1/verifications: the one door for every code."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import keyring
from app.cards.model import Card, WalletPass
from app.db import Database
from app.verification.model import Scan
from demo.deployment import SHOPS
from demo.shop import gist
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import ACCEPTED, ROUTE, bearer, refused, verdict


def test_an_accepted_live_code_tells_exactly_this(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    found = verdict(service.till().scan(code))
    assert found | {"verification_id": "", "end_user_message": {}} == {
        "verification_id": "",
        "valid": True,
        "reason": "ok",
        "grade": "live",
        "carrier": "web",
        "holder": {"initials": "AP"},
        "expires_on": "2026-12-31",
        "advice": [],
        "checked_at": "2026-11-24T10:00:00Z",
        "repeat": False,
        "test": False,
        "end_user_message": {},
    }


def test_a_refusal_has_the_same_shape_and_tells_nothing_of_the_holder(service: Service) -> None:
    found = verdict(service.till().scan("WIFI:S:thuis;;"))
    assert found | {"verification_id": "", "end_user_message": {}} == {
        "verification_id": "",
        "valid": False,
        "reason": "malformed",
        "grade": None,
        "carrier": None,
        "holder": None,
        "expires_on": None,
        "advice": [],
        "checked_at": "2026-11-24T10:00:00Z",
        "repeat": False,
        "test": False,
        "end_user_message": {},
    }


def test_every_carrier_is_read_at_the_same_door(service: Service) -> None:
    teacher, till = service.with_card(), service.till()
    apple, google = service.apple_code(teacher), service.google_code(teacher)
    web, (paper, number) = service.web_codes(teacher)[0], service.printed()
    shown = {"web": web, "apple": apple, "google": google, "paper": paper, None: number}
    answers = {carrier: verdict(till.scan(text)) for carrier, text in shown.items()}
    assert {answer["carrier"]: answer["grade"] for answer in answers.values()} == {
        "web": "live",
        "apple": "recent",
        "google": "live",
        "paper": "static",
        None: "static",
    }
    assert all(answer["valid"] and not answer["repeat"] for answer in answers.values())
    # Somebody who knows only the number does not learn the initials.
    holders = [answer["holder"] for answer in answers.values()]
    assert holders == [{"initials": "AP"}] * 4 + [None]


def test_initials_are_for_those_who_see_the_holder(service: Service, clock: Clock) -> None:
    codes = service.web_codes(service.with_card())
    channels = ("till", "box_office", "scanner", "event", "library", "webshop", "phone")
    holders = {}
    for channel, code in zip(channels, codes, strict=False):
        first = verdict(service.till().scan(code, channel=channel))
        assert verdict(service.till().scan(code, channel=channel)) == first | {"repeat": True}
        assert first["valid"]
        holders[channel] = first["holder"]
        clock.advance(seconds=30)
    in_person = {channel: {"initials": "AP"} for channel in channels[:5]}
    assert holders == in_person | {"webshop": None, "phone": None}


def test_a_repeat_within_two_minutes_is_the_same_verdict_and_later_a_second_use(
    service: Service, clock: Clock
) -> None:
    teacher, till = service.with_card(), service.till()
    code = service.apple_code(teacher)
    first = verdict(till.scan(code))
    clock.advance(seconds=120)
    assert verdict(till.scan(code)) == first | {"repeat": True}
    clock.advance(seconds=1)
    again = verdict(till.scan(code))
    assert (again["valid"], again["repeat"]) == (True, False)
    assert again["verification_id"] != first["verification_id"]


def test_a_live_code_counts_once_and_the_next_one_works(service: Service, clock: Clock) -> None:
    now, after_30_s, *_ = service.web_codes(service.with_card())
    assert gist(service.till().scan(now)) == ACCEPTED
    assert gist(service.till("bookshop").scan(now)) == refused("already_used")
    clock.advance(seconds=30)
    assert gist(service.till("bookshop").scan(after_30_s)) == ACCEPTED


def test_a_code_that_is_not_live_yet_or_not_any_more_is_refused(
    service: Service, clock: Clock
) -> None:
    strips = service.web_codes(service.with_card())
    assert gist(service.till().scan(strips[2])) == refused("not_yet_valid")
    clock.advance(seconds=91)
    assert gist(service.till().scan(strips[0])) == refused("expired")


def test_a_code_below_the_least_grade_is_refused_and_says_what_it_was(service: Service) -> None:
    code = service.apple_code(service.with_card())
    answer = service.till().scan(code, min_grade="live")
    assert gist(answer) == refused("grade_too_low") | {"grade": "recent"}


def test_a_card_reported_lost_is_refused_at_the_next_scan_of_any_code(service: Service) -> None:
    teacher, till = service.with_card(), service.till()
    shown = [
        service.apple_code(teacher),
        service.google_code(teacher),
        *service.printed(),
        service.web_codes(teacher)[0],
    ]
    teacher.open("/card/lost")
    assert teacher.press("/card/report-lost").is_success
    assert [gist(till.scan(code)) for code in shown] == [refused("not_valid")] * len(shown)
    assert gist(till.scan(service.web_codes(teacher)[0])) == ACCEPTED


def test_a_revoked_token_key_is_refused_at_the_next_scan(service: Service, clock: Clock) -> None:
    teacher = service.with_card()
    code = service.web_codes(teacher)[0]
    keyring.revoke(service.deployment.directory / "keys", "token", 1, now=clock())
    assert gist(service.till().scan(code)) == refused("unknown_key")
    assert gist(service.till().scan(service.web_codes(teacher)[0])) == ACCEPTED


def test_the_sandbox_does_not_know_live_cards(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    assert gist(service.till(test=True).scan(code)) == refused("unknown_card")
    assert gist(service.till().scan(code)) == ACCEPTED


def test_a_test_card_is_for_the_sandbox(service: Service, database: Database) -> None:
    service.with_card()

    def turn_into_a_test_card(session: Session) -> None:
        session.scalars(select(Card)).one().test = True

    database.transact(turn_into_a_test_card)
    for text in service.printed():
        told = [verdict(service.till(test=test).scan(text)) for test in (False, True)]
        assert [(one["valid"], one["reason"], one["test"]) for one in told] == [
            (False, "test_card", True),
            (True, "ok", True),
        ]


def test_a_forged_or_foreign_code_is_refused(service: Service, clock: Clock) -> None:
    code = service.web_codes(service.with_card())[0]
    authority, body = code.rsplit("/", 1)
    changed = body[:-20] + ("0" if body[-20] != "0" else "1") + body[-19:]
    till = service.till()
    shown = {
        "one character changed": (f"{authority}/{changed}", "bad_signature"),
        "another host": (f"HTTPS://KAART.EXAMPLE.EVIL/{body}", "foreign_code"),
        "our host as user information": (f"{authority}@EVIL.EXAMPLE/{body}", "foreign_code"),
        "half of it": (code[: len(code) // 2], "malformed"),
        "one character short": (code[:-1], "malformed"),
        "a query behind it": (f"{code}?a=1", "malformed"),
        "the body alone": (body[1:], "malformed"),
        "nothing": ("", "malformed"),
        "spaces": (" " * 1000, "malformed"),
        "zero characters": ("\0" * 300, "malformed"),
        "our code behind a zero": (f"\0{code}", "malformed"),
        "control characters": ("\x1b[2J\x7f\u202e", "malformed"),
        "an emoji": ("\N{WAVING HAND SIGN}", "malformed"),
        "another number": ("AAAAAAAAAA", "malformed"),
        "64 thousand characters": ("A" * 64_000, "malformed"),
    }
    reasons = {name: gist(till.scan(text)) for name, (text, _) in shown.items()}
    assert reasons == {name: refused(reason) for name, (_, reason) in shown.items()}
    clock.advance(minutes=-1)
    assert gist(till.scan(code)) == refused("not_yet_valid")


def test_every_verdict_is_on_record_before_it_is_answered(
    service: Service, database: Database
) -> None:
    code = service.web_codes(service.with_card())[0]
    till = service.till()
    told = [verdict(till.scan(text)) for text in (code, code, "nothing of ours")]
    with database.reading() as session:
        recorded = session.scalars(select(Scan).order_by(Scan.id)).all()
    assert [f"vrf_{scan.id}" for scan in recorded] == [
        told[0]["verification_id"],
        told[2]["verification_id"],
    ]
    assert [scan.reason for scan in recorded] == ["ok", "malformed"]


def test_an_earlier_verdict_can_be_asked_for_by_its_partner_alone(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    first = verdict(service.till().scan(code))
    address = f"{ROUTE}/{first['verification_id']}"
    again = verdict(service.http.get(address, headers=bearer(service)))
    unknown = {"holder": None, "expires_on": None}  # neither is stored
    assert again == first | unknown
    for headers, asked in (
        (bearer(service, "bookshop"), address),
        (bearer(service), f"{ROUTE}/vrf_019ab000-0000-7000-8000-000000000000"),
        (bearer(service), f"{ROUTE}/nothing-like-it"),
    ):
        problem_of(service.http.get(asked, headers=headers), "not-found", 404)
    problem_of(service.http.get(address), "unauthenticated", 401)


def test_one_live_code_raced_at_two_services_is_accepted_once(
    service: Service, elsewhere: Service, database: Database
) -> None:
    code = service.web_codes(service.with_card())[0]
    tills = [(one.http, bearer(one, shop)) for one in (service, elsewhere) for shop in SHOPS] * 8
    start = threading.Barrier(len(tills) + 1)

    def scan(till: tuple[httpx.Client, dict[str, str]]) -> str:
        http, key = till
        start.wait()
        answer = http.post(ROUTE, json={"presentation": code, "channel": "till"}, headers=key)
        found = gist(answer)
        return "repeat" if found["repeat"] else str(found["reason"])

    def hold_everybody_up(session: Session) -> None:
        # Both services look at the pass while neither can write, the one moment that matters.
        session.execute(select(WalletPass).with_for_update(key_share=True))
        start.wait()
        time.sleep(0.5)

    with ThreadPoolExecutor(len(tills)) as threads:
        outcomes = threads.map(scan, tills)
        database.transact(hold_everybody_up)
        counted = Counter(outcomes)
    assert counted.total() == 32
    # The till that was first may ask again; to every other the code is used.
    assert counted == {"ok": 1, "repeat": 15, "already_used": 16}
