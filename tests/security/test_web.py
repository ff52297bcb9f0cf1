"""The service as somebody on the network meets it who means harm."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from app.api import deps
from app.cards.keyring import FILE_NAME
from tests.api.stage import Service

THREADS = 40  # that run everything of ours that waits


@pytest.mark.parametrize("path", ["/card/", "/problems/", "/logged-out/", "/healthz/"])
def test_no_answer_leads_to_the_host_that_was_sent(path: str, service: Service) -> None:
    answer = service.http.get(path, headers={"host": "evil.example"})
    assert "evil" not in answer.headers.get("location", "")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/no-such-page", "/card"])
def test_what_does_not_say_otherwise_is_kept_by_nobody(path: str, service: Service) -> None:
    assert service.http.get(path).headers["cache-control"] == "no-store"


def test_what_may_be_kept_still_says_so(service: Service) -> None:
    kept = service.http.get("/.well-known/jwks.json").headers["cache-control"]
    assert kept == "public, max-age=900"


@pytest.mark.parametrize(
    "path", ["/1NOCODE", "/.well-known/jwks.json", "/readyz", "/api/v1/verifications"]
)
def test_a_broken_key_ring_is_no_verdict_and_no_crash(path: str, service: Service) -> None:
    (service.deployment.directory / "keys" / FILE_NAME).write_text("{")
    scans = path.startswith("/api")
    answer = service.till().scan("1234") if scans else service.http.get(path)
    assert answer.status_code == 503


def test_a_database_that_is_gone_is_no_crash(service: Service) -> None:
    service.fail_with(OperationalError("SELECT 1", None, Exception("gone")))
    answer = service.http.get("/1NOCODE")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "gone" not in answer.text


def test_a_verdict_waits_for_nobody_who_waits_for_others(service: Service) -> None:
    over, waiting = threading.Event(), threading.Semaphore(0)

    def page() -> None:
        waiting.release()
        assert over.wait(30)

    async def now() -> datetime:
        await asyncio.sleep(0)
        return service.clock()

    service.app.add_api_route("/slow", page)
    service.app.dependency_overrides[deps.now] = now
    with ThreadPoolExecutor(THREADS) as people:
        asked = [people.submit(httpx.get, f"{service.address}/slow") for _ in range(THREADS)]
        try:
            assert all(waiting.acquire(timeout=10) for _ in asked)
            shop = service.deployment.shops["museum"]
            answers = [
                httpx.get(f"{service.address}/healthz", timeout=3),
                httpx.post(
                    f"{service.address}/api/v1/verifications",
                    json={"presentation": "no code", "channel": "till"},
                    headers={"authorization": f"Bearer {shop.live_key}"},
                    timeout=3,
                ),
            ]
        finally:
            over.set()
    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_digits_of_one_card_are_tried_no_more_often_than_at_a_till(service: Service) -> None:
    address = service.google_code(service.with_card())
    body, seconds = urlsplit(address).path.split("/")[1:3]
    guesses = [f"/{body if odd else body.lower()}/{seconds}/{odd:08}" for odd in range(21)]
    answers = [service.http.get(guess).status_code for guess in guesses]
    assert answers == [200] * 20 + [429]
    assert service.http.get(f"/{body}").status_code == 200
