"""What may be asked at the verification endpoint, how much of it and how slowly."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
from sqlalchemy import select

from app.api.envelope import MAX_BODY_BYTES
from app.db import Database
from app.verification.model import Scan
from tests.api.problem import problem_of
from tests.api.stage import Service
from tests.api.verdicts import ROUTE, bearer, verdict

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
            "a wrong channel": "body.channel: not as described",
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


def test_a_megabyte_is_refused_whatever_is_said_of_its_length(service: Service) -> None:
    def in_pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield b"A" * 16_384

    for content in (b"A" * 1_048_576, in_pieces()):
        headers = bearer(service) | {"content-type": "application/json"}
        answer = service.http.post(ROUTE, content=content, headers=headers)
        problem_of(answer, "too-large", 413)


def test_a_megabyte_that_is_only_announced_is_not_waited_for(service: Service) -> None:
    service.hurry(body_timeout_s=1.0)
    with by_hand(service) as line:
        line.sendall(head(service, length=1_048_576))
        problem_of(read_from(line), "too-large", 413)


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
