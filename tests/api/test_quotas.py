"""How many checks one may ask for: told with every verdict, and 429 when it was too many."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.api.quotas import CHECKS_OF_A_CODE, Quotas, code_of
from demo.shop import Till
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import verdict


def left(fields: str) -> dict[str, tuple[int, int]]:
    """Remaining checks and seconds, by quota; nothing else stands in the field."""
    items = [re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', item) for item in fields.split(", ")]
    return {item[1]: (int(item[2]), int(item[3])) for item in items if item is not None}


def test_every_verdict_tells_what_is_left(service: Service, clock: Clock) -> None:
    clock.advance(seconds=15)
    first, second = (service.till().scan("nothing").headers for _ in range(2))
    assert (
        first["ratelimit-policy"]
        == '"address";q=12000;w=60, "partner";q=12000;w=60, "card";q=120;w=60'
    )
    assert left(first["ratelimit"]) == {
        "address": (11999, 45),
        "partner": (11999, 45),
        "card": (119, 45),
    }
    assert left(second["ratelimit"])["address"] == (11998, 45)


def test_one_code_without_end_is_asked_to_wait_and_others_are_not(
    service: Service, clock: Clock
) -> None:
    till = service.till(test=True)
    # Whose key it is, the process learns with the first check.
    assert verdict(till.scan("another code"))
    for _ in range(CHECKS_OF_A_CODE):
        assert till.scan("a code").status_code == 200
    answer = till.scan("a code")
    problem_of(answer, "too-many-requests", 429)
    assert answer.headers["retry-after"] == "60"
    assert left(answer.headers["ratelimit"])["card"] == (0, 60)
    assert verdict(till.scan("another code"))
    assert verdict(service.till("bookshop", test=True).scan("a code"))
    clock.advance(seconds=60)
    assert verdict(till.scan("a code"))


def test_a_burst_of_ten_times_the_quota_hears_nothing_but_verdicts_and_requests_to_wait(
    service: Service, serve: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LERARENKAART_CHECKS_PER_MINUTE", "12")
    assert callable(serve)
    narrow: Service = serve(service.deployment, second=True)
    key = narrow.deployment.shops["museum"].live_key

    def show(number: int) -> tuple[int, bool]:
        till = Till(narrow.address, "museum", key)
        answer = till.scan(f"code {number}")
        till.close()
        return answer.status_code, "retry-after" in answer.headers

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(show, range(120)))
    assert sorted(set(answers)) == [(200, False), (429, True)]
    assert answers.count((200, False)) == 12


def test_a_code_is_the_same_one_in_another_place_and_with_other_digits() -> None:
    body = "A" * 146
    texts = (f"HTTPS://KAART.EXAMPLE/1{body}/0123456789/01234567", f"/1{body}")
    assert {code_of(text) for text in texts} == {body}
    assert code_of("7KM3PX9Q2D") == "7KM3PX9Q2D"


def test_what_was_counted_is_forgotten_with_its_minute(clock: Clock) -> None:
    quotas = Quotas(5)
    for number in range(50):
        quotas.take({"address": number}, now=clock())
    clock.advance(minutes=1)
    assert left(quotas.take({"address": 1}, now=clock())["ratelimit"]) == {"address": (4, 60)}
    assert len(quotas._taken) == 1  # noqa: SLF001 - its memory is what this is about
