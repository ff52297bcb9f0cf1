"""Every answer of APNs, and every way in which none comes."""

import json
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.passes.apple.apns import KEPT, Apns, Fate, PushAnswer, classify
from demo.apns import Fault, World, listening

GONE_SINCE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
GONE_SINCE_MS = int(GONE_SINCE.timestamp() * 1000)
TOKEN = "a1" * 32


def _once(fault: Fault) -> Callable[[str, int], Fault | None]:
    return lambda _, nth: fault if nth == 1 else None


def test_a_push_is_what_apple_asks_for(
    connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    assert connect().push([TOKEN], now=now) == [PushAnswer(Fate.ACCEPTED)]
    (push,) = world.pushes
    assert (push.token, push.body, push.headers[":method"]) == (TOKEN, b"{}", "POST")
    assert push.headers["apns-topic"] == world.topic
    assert push.headers["apns-push-type"] == "background"
    assert push.headers["apns-priority"] == "5"
    assert push.headers["apns-expiration"] == str(int((now + KEPT).timestamp()))


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (
            Fault(410, "Unregistered", GONE_SINCE_MS),
            PushAnswer(Fate.GONE, "410 Unregistered", GONE_SINCE),
        ),
        (Fault(410, "ExpiredToken"), PushAnswer(Fate.GONE, "410 ExpiredToken")),
        (Fault(400, "BadDeviceToken"), PushAnswer(Fate.GONE, "400 BadDeviceToken")),
        (Fault(400, "DeviceTokenNotForTopic"), PushAnswer(Fate.GONE, "400 DeviceTokenNotForTopic")),
        (Fault(400, "BadTopic"), PushAnswer(Fate.MISCONFIGURED, "400 BadTopic")),
        (Fault(400, "MissingTopic"), PushAnswer(Fate.MISCONFIGURED, "400 MissingTopic")),
        (Fault(403, "BadCertificate"), PushAnswer(Fate.MISCONFIGURED, "403 BadCertificate")),
        (Fault(413, "PayloadTooLarge"), PushAnswer(Fate.MISCONFIGURED, "413 PayloadTooLarge")),
        (Fault(429, "TooManyRequests"), PushAnswer(Fate.LATER, "429 TooManyRequests")),
        (Fault(500, "InternalServerError"), PushAnswer(Fate.LATER, "500 InternalServerError")),
        (Fault(503, "Shutdown"), PushAnswer(Fate.LATER, "503 Shutdown")),
    ],
    ids=lambda value: value.reason if isinstance(value, Fault) else "",
)
def test_an_answer_is_read_for_what_it_asks_of_us(
    fault: Fault, answer: PushAnswer, connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    world.decide = _once(fault)
    client = connect()
    assert client.push([TOKEN], now=now) == [answer]
    assert client.push([TOKEN], now=now) == [PushAnswer(Fate.ACCEPTED)]
    assert world.connections == 1


@pytest.mark.parametrize("trouble", ["goaway", "disconnect", "lost-reply", "silence"])
def test_a_push_without_an_answer_is_one_for_later_and_the_next_finds_a_connection(
    trouble: str, connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    world.decide = _once(Fault(trouble=trouble))
    client = connect(answer_s=0.3)
    (answer,) = client.push([TOKEN], now=now)
    assert answer.fate is Fate.LATER
    assert client.push([TOKEN], now=now) == [PushAnswer(Fate.ACCEPTED)]


def test_many_pushes_share_one_connection_and_answers_keep_the_order_of_the_tokens(
    connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    tokens = [f"{n:064x}" for n in range(100)]
    world.decide = lambda token, _: Fault(429, "TooManyRequests") if token in tokens[::7] else None
    answers = connect().push(tokens, now=now)
    assert [answer.fate for answer in answers] == [
        Fate.LATER if token in tokens[::7] else Fate.ACCEPTED for token in tokens
    ]
    assert world.connections == 1


def test_no_push_follows_an_answer_that_blames_us(
    connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    world.decide = lambda *_: Fault(403, "BadCertificate")
    answers = connect(pushes_per_s=20.0).push([f"{n:064x}" for n in range(20)], now=now)
    assert {answer.fate for answer in answers} == {Fate.MISCONFIGURED}
    assert len(answers) == 20
    assert len(world.pushes) < 5


def test_pushes_keep_their_pace(connect: Callable[..., Apns], world: World, now: datetime) -> None:
    begun = datetime.now(UTC)  # noqa: TID251 - real time is what is measured
    connect(pushes_per_s=50.0).push([f"{n:064x}" for n in range(11)], now=now)
    assert datetime.now(UTC) - begun >= timedelta(seconds=0.2)  # noqa: TID251 - as above
    assert len(world.pushes) == 11


def test_a_token_that_is_no_token_cannot_lead_the_push_elsewhere(
    connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    (answer,) = connect().push(["../../4/other?x=#"], now=now)
    assert answer == PushAnswer(Fate.GONE, "400 BadDeviceToken")
    assert world.pushes[0].headers[":path"].startswith("/3/device/..%2F")


def test_a_server_that_no_root_vouches_for_gets_no_push(
    connect: Callable[..., Apns], world: World, now: datetime
) -> None:
    (answer,) = connect(root_file=None).push([TOKEN], now=now)
    assert answer == PushAnswer(Fate.LATER, "ConnectError")
    assert world.pushes == []


def test_the_simulator_serves_nobody_without_the_certificate_of_the_pass(
    trust: Any, world: World
) -> None:
    anonymous = ssl.create_default_context(cafile=trust.root)
    with listening(world, tls=trust.tls) as url:
        port = int(url.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            anonymous.wrap_socket(raw, server_hostname="localhost") as tls,
            suppress(ssl.SSLError),  # an alert, or just the end of the connection
        ):
            assert tls.recv(1) == b""
    assert world.connections == 0


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"reason": 5}', b'{"timestamp": "x"}', b'{"timestamp": 1e99}']
)
def test_a_body_that_is_not_apples_never_decides_anything(body: bytes) -> None:
    assert classify(502, body) == PushAnswer(Fate.LATER, "502")
    assert classify(410, body) == PushAnswer(Fate.GONE, "410")


def test_a_moment_beyond_all_calendars_is_none() -> None:
    body = json.dumps({"reason": "Unregistered", "timestamp": 10**30}).encode()
    assert classify(410, body) == PushAnswer(Fate.GONE, "410 Unregistered")
