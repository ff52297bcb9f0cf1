"""POST /api/v1/verifications: the one door for every code, and who may stand before it."""

import json
import re
import socket
import string
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api.envelope import MAX_BODY_BYTES
from app.cards import keyring
from app.db import Database
from app.verification import partners
from app.verification.model import Scan, Till
from demo.deployment import SHOPS
from demo.shop import gist
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service

ROUTE = "/api/v1/verifications"
TYPES = {
    "verification_id": str,
    "valid": bool,
    "reason": str,
    "grade": str | None,
    "carrier": str | None,
    "holder": dict | None,
    "expires_on": str | None,
    "advice": list,
    "checked_at": str,
    "repeat": bool,
    "test": bool,
    "end_user_message": dict,
}
ACCEPTED = {"valid": True, "reason": "ok", "grade": "live", "repeat": False, "holder": "AP"}


def refused(reason: str) -> dict[str, object]:
    return {"valid": False, "reason": reason, "grade": None, "repeat": False, "holder": None}


def bearer(service: Service, shop: str = "museum") -> dict[str, str]:
    return {"authorization": f"Bearer {service.deployment.shops[shop].live_key}"}


def verdict(answer: httpx.Response) -> dict[str, Any]:
    """The verdict in an answer, once its shape was checked."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert list(found) == list(TYPES)
    assert all(isinstance(found[name], kind) for name, kind in TYPES.items())
    assert re.fullmatch(r"vrf_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["verification_id"])
    assert list(found["end_user_message"]) == ["nl", "fr", "en", "de"]
    return found


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
    teacher.open("/card")
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


# Who may ask.


def authorizations(service: Service) -> dict[str, bytes | None]:
    """Everything that looks like a key and is none, by what is wrong with it."""
    good = service.deployment.shops["museum"].live_key
    stem, key_id, secret, checksum = good.rsplit("_", 3)
    other_secret = service.deployment.shops["bookshop"].live_key.rsplit("_", 3)[2]
    shown = {
        "empty": "",
        "the scheme alone": "Bearer",
        "another scheme": f"Basic {good}",
        "no scheme": good,
        "two keys": f"Bearer {good}, Bearer {good}",
        "a word too much": f"Bearer {good} now",
        "no checksum": f"Bearer {stem}_{key_id}_{secret}",
        "a wrong checksum": f"Bearer {stem}_{key_id}_{secret}_{checksum[::-1]}",
        "a typing error": f"Bearer {stem}_{key_id}_{secret[:-1]}-_{checksum}",
        "a key that is unknown": f"Bearer {checked(f'{stem}_{key_id[::-1]}_{secret}')}",
        "the secret of another": f"Bearer {checked(f'{stem}_{key_id}_{other_secret}')}",
        "live called test": f"Bearer {checked(f'lk_test_{key_id}_{secret}')}",
        "very long": "Bearer " + "A" * 8000,
    }
    return {"none": None, "not ASCII": b"Bearer lk_live_\xff\xe9"} | {
        name: text.encode() for name, text in shown.items()
    }


def checked(stem: str) -> str:
    """A key with the checksum that belongs to it, made here once more: CRC-32 in base 62."""
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    value = zlib.crc32(stem.encode())
    return f"{stem}_" + "".join(digits[value // 62**place % 62] for place in range(5, -1, -1))


def test_without_a_good_key_nobody_learns_anything(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    question = {"presentation": code, "channel": "till"}
    for name, value in authorizations(service).items():
        headers = {} if value is None else {b"authorization": value}
        answer = service.http.post(ROUTE, json=question, headers=headers)
        assert (name, answer.status_code) == (name, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        problem_of(answer, "unauthenticated", 401)
        assert "lk_live_" not in answer.text.replace("(lk_live_… or", "")
    assert gist(service.till().scan(code)) == ACCEPTED


def test_a_key_in_the_address_or_in_the_body_is_no_key(service: Service) -> None:
    key = service.deployment.shops["museum"].live_key
    question = {"presentation": "", "channel": "till"}
    for names in ("key", "access_token", "authorization"):
        answer = service.http.post(f"{ROUTE}?{names}={key}", json=question)
        problem_of(answer, "unauthenticated", 401)
        assert key not in answer.text
    problem_of(service.http.post(ROUTE, json=question | {"key": key}), "unauthenticated", 401)


def test_the_scheme_is_read_in_any_case(service: Service) -> None:
    key = service.deployment.shops["museum"].live_key
    answer = service.http.post(
        ROUTE,
        json={"presentation": "", "channel": "till"},
        headers={"authorization": f"bEARER  {key}"},
    )
    assert verdict(answer)["reason"] == "malformed"


def test_a_revoked_key_is_refused_at_the_next_request(
    service: Service, database: Database, clock: Clock
) -> None:
    till = service.till()
    assert verdict(till.scan(""))
    key_id = service.deployment.shops["museum"].live_key.split("_")[2]
    database.transact(lambda session: partners.revoke_key(session, key_id, now=clock()))
    problem_of(till.scan(""), "unauthenticated", 401)
    assert verdict(service.till(test=True).scan(""))


def test_a_stopped_partner_is_refused_at_the_next_request(
    service: Service, database: Database, clock: Clock
) -> None:
    till = service.till()
    assert verdict(till.scan(""))

    def stop(session: Session) -> None:
        name = service.deployment.shops["museum"].name
        partners.partner_named(session, name).stopped_at = clock()

    database.transact(stop)
    problem_of(till.scan(""), "unauthenticated", 401)
    assert verdict(service.till("bookshop").scan(""))


def test_a_key_speaks_for_its_own_till_only(service: Service, database: Database) -> None:
    with database.reading() as session:
        tills = {till.partner.name: str(till.id) for till in session.scalars(select(Till))}
    code = service.web_codes(service.with_card())[0]
    own, other = (tills[service.deployment.shops[key].name] for key in ("museum", "bookshop"))
    document = problem_of(service.till().scan(code, till_id=other), "forbidden", 403)
    assert other not in str(document)
    assert gist(service.till().scan(code, till_id=own)) == ACCEPTED


def test_typed_numbers_are_limited_for_each_key(service: Service) -> None:
    service.with_card()
    _, number = service.printed()
    till = service.till()
    assert [till.scan(number).status_code for _ in range(11)] == [200] * 10 + [429]
    answer = till.scan(number)
    problem_of(answer, "too-many-requests", 429)
    assert answer.headers["retry-after"] == "60"
    assert verdict(service.till("bookshop").scan(number))["valid"]
    assert verdict(till.scan("a scanned text is another matter"))


def test_refused_keys_are_limited_for_each_network(service: Service) -> None:
    stranger = {"authorization": "Bearer lk_live_guess"}
    question = {"presentation": "", "channel": "till"}
    answers = [service.http.post(ROUTE, json=question, headers=stranger) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert verdict(service.till().scan(""))


# What may be asked.

MARK = "CANARY-7F3A"
GOOD = {"presentation": MARK, "channel": "till"}


def raw(**fields: object) -> bytes:
    return json.dumps(GOOD | fields).encode()


UNREADABLE: dict[str, bytes] = {
    "an unknown field": raw(**{MARK: MARK}),
    "an unknown field without a name": raw(**{"": MARK}),
    "a wrong channel": raw(channel=MARK),
    "a wrong grade": raw(min_grade=MARK),
    "a till that is no number": raw(till_id=MARK),
    "no presentation": b'{"channel": "till"}',
    "no channel": b'{"presentation": "CANARY-7F3A"}',
    "presentation null": raw(presentation=None),
    "presentation a number": raw(presentation=84022999609),
    "presentation a list": raw(presentation=[MARK]),
    "half a surrogate pair as a field": raw(**{f"\udfff{MARK}": 1}),
    "nothing": b"",
    "null": b"null",
    "a list": b'["CANARY-7F3A"]',
    "text": b'"CANARY-7F3A"',
    "not JSON": MARK.encode(),
    "half of it": raw()[:-2],
    "twice": raw() * 2,
    "a byte order mark alone": b"\xff\xfe",
    "binary": bytes(range(128, 256)),
    "a zero byte in it": raw().replace(b"CANARY", b"CAN\0ARY"),
    "not a number": b'{"presentation": NaN, "channel": "till"}',
    "a number without end": b'{"presentation": ' + b"9" * 5000 + b"}",
    "brackets without end": b"[" * 60_000,
}
OTHER_TYPES: dict[str, str | None] = {
    "a form": "application/x-www-form-urlencoded",
    "plain text, as a page elsewhere may send": "text/plain",
    "XML": "application/xml",
    "none": None,
    "no media type at all": MARK,
}


def test_what_cannot_be_read_is_a_problem_that_repeats_nothing_of_it(
    service: Service, database: Database
) -> None:
    headers = bearer(service) | {"content-type": "application/json"}
    for name, body in UNREADABLE.items():
        answer = service.http.post(ROUTE, content=body, headers=headers)
        assert (name, answer.status_code) in {(name, 400), (name, 422)}
        problem_of(answer, "malformed-request", answer.status_code)
        said = f"{answer.text} {answer.headers}".lower()
        assert (name, "canary" in said, "8402" in said) == (name, False, False)
    with database.reading() as session:
        assert session.scalars(select(Scan)).all() == []


def test_a_problem_says_where_the_fault_is(service: Service) -> None:
    headers = bearer(service) | {"content-type": "application/json"}
    details = {
        name: service.http.post(ROUTE, content=UNREADABLE[name], headers=headers).json()["detail"]
        for name in ("an unknown field", "a wrong channel", "no presentation")
    }
    assert details == {
        name: f"The request is not as the contract says: {fault}."
        for name, fault in {
            "an unknown field": "body: extra forbidden",
            "a wrong channel": "body.channel: enum",
            "no presentation": "body.presentation: missing",
        }.items()
    }


def test_what_is_not_called_json_is_not_read(service: Service) -> None:
    for name, media_type in OTHER_TYPES.items():
        headers = bearer(service) | ({"content-type": media_type} if media_type else {})
        answer = service.http.post(ROUTE, content=raw(), headers=headers)
        assert (name, answer.status_code) == (name, 415)
        problem_of(answer, "unsupported-media-type", 415)
        assert "CANARY" not in answer.text


def test_half_a_surrogate_pair_is_at_most_a_code_that_is_not_ours(service: Service) -> None:
    body = raw(presentation="\ud800CANARY")
    headers = bearer(service) | {"content-type": "application/json"}
    answer = service.http.post(ROUTE, content=body, headers=headers)
    if answer.is_success:
        assert verdict(answer)["reason"] == "malformed"
    else:
        problem_of(answer, "malformed-request", 422)


def test_json_may_come_with_a_charset_or_as_a_dialect(service: Service) -> None:
    for media_type in ("application/json; charset=utf-8", "application/vnd.till+json"):
        headers = bearer(service) | {"content-type": media_type}
        assert verdict(service.http.post(ROUTE, content=raw(), headers=headers))


def test_another_method_is_refused_and_told_which_one_works(service: Service) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = service.http.request(method, ROUTE, headers=bearer(service))
        problem_of(answer, "method-not-allowed", 405)
        assert answer.headers["allow"] == "POST"


def test_a_number_that_the_till_gives_its_request_comes_back(service: Service) -> None:
    number = "0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77"
    for offered, kept in ((number, True), ("84022999609", False), ("", False)):
        headers = bearer(service) | {"x-request-id": offered}
        answer = service.http.post(ROUTE, headers=headers)
        assert (answer.headers["x-request-id"] == offered) is kept
        problem_of(answer, "unsupported-media-type", 415)


# How much and how slowly.


def test_a_megabyte_is_refused_whatever_is_said_of_its_length(service: Service) -> None:
    def in_pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield b"A" * 16_384

    for content in (b"A" * 1_048_576, in_pieces()):
        headers = bearer(service) | {"content-type": "application/json"}
        answer = service.http.post(ROUTE, content=content, headers=headers)
        problem_of(answer, "too-large", 413)


def test_a_body_of_exactly_the_cap_is_read_and_a_byte_more_is_not(service: Service) -> None:
    frame = len(raw(presentation=""))
    for length, status in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)):
        body = raw(presentation="A" * (length - frame))
        assert len(body) == length
        headers = bearer(service) | {"content-type": "application/json"}
        assert service.http.post(ROUTE, content=body, headers=headers).status_code == status


def test_a_body_that_does_not_come_is_not_waited_for(service: Service) -> None:
    service.hurry(body_timeout_s=0.2)
    with by_hand(service) as line:
        line.sendall(head(service, length=100) + raw()[:10])
        answer = read_from(line)
    problem_of(answer, "malformed-request", 408)


def test_a_body_that_trickles_is_not_waited_for_either(service: Service) -> None:
    service.hurry(body_timeout_s=0.3)
    begun = time.monotonic()
    with by_hand(service) as line:
        line.sendall(head(service, length=100))
        line.settimeout(0.1)
        answer = None
        while answer is None and time.monotonic() < begun + 5:
            line.sendall(b" ")
            with suppress(TimeoutError):
                answer = read_from(line)
    assert answer is not None, "the service still waits"
    problem_of(answer, "malformed-request", 408)


@contextmanager
def by_hand(service: Service) -> Iterator[socket.socket]:
    """A connection on which anything can be said."""
    host, port = service.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        yield line


def head(service: Service, *, length: int) -> bytes:
    lines = (
        f"POST {ROUTE} HTTP/1.1",
        "Host: localhost",
        f"Authorization: {bearer(service)['authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def read_from(line: socket.socket) -> httpx.Response:
    """The answer on a connection that spoke by hand."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += line.recv(65_536)
    top, _, body = said.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = [tuple(one.split(": ", 1)) for one in lines]
    while len(body) < int(dict(headers)["content-length"]):
        body += line.recv(65_536)
    peer = f"http://localhost:{line.getpeername()[1]}{ROUTE}"
    return httpx.Response(
        int(status.split()[1]), headers=headers, content=body, request=httpx.Request("POST", peer)
    )


# Who is first.


def test_one_live_code_raced_at_two_services_is_accepted_once(
    service: Service, elsewhere: Service
) -> None:
    code = service.web_codes(service.with_card())[0]
    tills = [(one.http, bearer(one, shop)) for one in (service, elsewhere) for shop in SHOPS] * 8
    start = threading.Barrier(len(tills))

    def scan(till: tuple[httpx.Client, dict[str, str]]) -> str:
        http, key = till
        start.wait()
        answer = http.post(ROUTE, json={"presentation": code, "channel": "till"}, headers=key)
        found = gist(answer)
        return "repeat" if found["repeat"] else str(found["reason"])

    with ThreadPoolExecutor(len(tills)) as threads:
        outcomes = Counter(threads.map(scan, tills))
    assert outcomes.total() == 32
    # The till that was first may ask again; to every other the code is used.
    assert outcomes == {"ok": 1, "repeat": 15, "already_used": 16}
