"""How long Google's keys are kept, and who is asked again when."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.responses import Response

from app.errors import Unavailable
from app.passes.google.ecv2 import Envelope, UnknownSigner, verify
from app.passes.google.root_keys import GoogleKeys
from demo.google_account import ISSUER_ID
from demo.google_callbacks import Callbacks

Answer = dict[str, Any]


class Endpoint:
    """The address of the keys: answers what it is told, and counts."""

    def __init__(self, document: bytes) -> None:
        self.answer: Answer = {
            "content": document,
            "headers": {"cache-control": "public, max-age=3600"},
        }
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        self.asked += 1
        await Response(**self.answer)(scope, receive, send)


@pytest.fixture
def google_signs(now: datetime) -> Callbacks:
    """The signer at Google's."""
    return Callbacks(issuer_id=ISSUER_ID, clock=lambda: now)


@pytest.fixture
def endpoint(google: Any, google_signs: Callbacks) -> Endpoint:
    """Where Google publishes its keys."""
    endpoint = Endpoint(json.dumps(google_signs.keys()).encode())
    google.stage.app = endpoint
    return endpoint


@pytest.fixture
def keys(google: Any, endpoint: Endpoint) -> Iterator[GoogleKeys]:
    """Our copy of them."""
    assert endpoint.asked == 0
    with closing(GoogleKeys(google.url)) as keys:
        yield keys


def test_keys_are_fetched_once_and_kept(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime
) -> None:
    (first,) = keys.roots(now=now)
    assert keys.roots(now=now + timedelta(minutes=29)) == (first,)
    assert endpoint.asked == 1


def test_from_half_their_age_on_a_look_is_taken_that_may_fail(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime
) -> None:
    kept = keys.roots(now=now)
    endpoint.answer = {"status_code": 500}
    assert keys.roots(now=now + timedelta(minutes=31)) == kept
    assert endpoint.asked == 2


def test_beyond_their_age_old_keys_are_not_used(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime
) -> None:
    keys.roots(now=now)
    endpoint.answer = {"status_code": 500}
    with pytest.raises(Unavailable):
        keys.roots(now=now + timedelta(minutes=60))


@pytest.mark.parametrize(
    ("headers", "kept_s"),
    [
        ({"cache-control": "max-age=3600", "age": "3000"}, 600),
        ({"cache-control": "public,MAX-AGE=7200, must-revalidate"}, 7200),
        ({"cache-control": "no-store"}, 60),
        ({"cache-control": "s-maxage=9000"}, 60),
        ({"cache-control": "max-age=999999999"}, 7 * 86_400),
        ({"cache-control": "max-age=600", "age": "soon"}, 600),
        ({}, 60),
    ],
)
def test_they_are_kept_as_long_as_google_says(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime, headers: dict[str, str], kept_s: int
) -> None:
    endpoint.answer["headers"] = headers
    kept = keys.roots(now=now)
    endpoint.answer = {"status_code": 500}
    assert keys.roots(now=now + timedelta(seconds=kept_s - 1)) == kept
    with pytest.raises(Unavailable):
        keys.roots(now=now + timedelta(seconds=kept_s + 11))


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 500},
        {"status_code": 302, "headers": {"location": "/elsewhere"}},
        {"content": b"<html>"},
        {"content": b'{"keys": []}'},
        {"content": b" " * 70_000},
    ],
)
def test_an_answer_without_keys_is_unavailable(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime, answer: Answer
) -> None:
    endpoint.answer = answer
    with pytest.raises(Unavailable):
        keys.roots(now=now)


def test_nobody_waits_for_the_same_failure_again(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime
) -> None:
    endpoint.answer = {"status_code": 500}
    for _ in range(5):
        with pytest.raises(Unavailable):
            keys.roots(now=now)
    assert endpoint.asked == 1


def test_those_who_come_together_ask_once(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime
) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: keys.roots(now=now), range(8)))
    assert endpoint.asked == 1
    assert all(answer == answers[0] for answer in answers)


def test_an_unknown_signer_has_us_look_early_but_once_a_minute(
    keys: GoogleKeys, endpoint: Endpoint, now: datetime
) -> None:
    keys.roots(now=now)
    for seconds in range(0, 60, 7):
        keys.newer_roots(now=now + timedelta(seconds=seconds))
    assert endpoint.asked == 1
    for seconds in range(60, 120, 7):
        keys.newer_roots(now=now + timedelta(seconds=seconds))
    assert endpoint.asked == 2


def test_keys_that_google_changed_are_found_at_the_early_look(
    keys: GoogleKeys,
    endpoint: Endpoint,
    google_signs: Callbacks,
    now: datetime,
) -> None:
    def check(find: Callable[..., Any], at: datetime) -> None:
        envelope = Envelope.parse(google_signs.signed("c", "o", "save"))
        verify(envelope, find(now=at), recipient=ISSUER_ID, now=at)

    check(keys.roots, now)
    google_signs.new_keys()
    endpoint.answer["content"] = json.dumps(google_signs.keys()).encode()
    with pytest.raises(UnknownSigner):
        check(keys.roots, now + timedelta(minutes=2))
    check(keys.newer_roots, now + timedelta(minutes=2))
    check(keys.roots, now + timedelta(minutes=2))
