"""The simulated personnel file asks for everything that the contract asks for."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from demo import epd
from demo.population import CAST, by_key
from demo.serving import free_port, listening

INSZ = by_key("permanent").insz
QUESTION = {"insz": INSZ, "peildatum": "2026-11-24", "wettelijkeContext": "LERARENKAART"}
GRANT = {"grant_type": "client_credentials", "scope": epd.SCOPE}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """A client of the simulator."""
    port = free_port()
    with (
        listening(epd.create_app(CAST), port),
        httpx.Client(base_url=f"http://localhost:{port}") as http,
    ):
        yield http


@pytest.fixture(scope="module")
def token(http: httpx.Client) -> str:
    """A token that is good for all questions here."""
    auth = (epd.CLIENT_ID, epd.CLIENT_SECRET)
    answer: dict[str, Any] = http.post(epd.TOKEN_PATH, data=GRANT, auth=auth).json()
    assert answer["token_type"] == "Bearer"
    return str(answer["access_token"])


@pytest.fixture
def headers(token: str) -> dict[str, str]:
    """All that the contract asks for."""
    return {
        "authorization": f"Bearer {token}",
        "x-correlation-id": str(uuid.uuid4()),
        "x-magda-enduser-id": "lerarenkaart-web",
        "accept-language": "nl",
    }


def test_a_question_in_order_is_answered(http: httpx.Client, headers: dict[str, str]) -> None:
    answer = http.post(epd.STATUS_PATH, json=QUESTION, headers=headers)
    assert answer.status_code == 200
    assert answer.json() == by_key("permanent").record
    assert answer.headers["x-correlation-id"] == headers["x-correlation-id"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"authorization": "Bearer made-up"}, 401),
        ({"authorization": ""}, 401),
        ({"content-type": "text/json"}, 415),
        ({"accept-language": "en"}, 400),
        ({"x-magda-enduser-id": ""}, 400),
        ({"x-magda-enduser-id": f"user-{INSZ}"}, 400),
        ({"x-correlation-id": ""}, 400),
        ({"x-correlation-id": "1"}, 400),
        ({"x-correlation-id": str(uuid.UUID(int=1)).upper() + "x"}, 400),
    ],
)
def test_a_header_out_of_order_is_refused(
    http: httpx.Client, headers: dict[str, str], change: dict[str, str], status: int
) -> None:
    answer = http.post(epd.STATUS_PATH, json=QUESTION, headers=headers | change)
    assert answer.status_code == status
    assert INSZ not in answer.text


def test_a_correlation_id_counts_once(http: httpx.Client, headers: dict[str, str]) -> None:
    statuses = [
        http.post(epd.STATUS_PATH, json=QUESTION, headers=headers).status_code for _ in range(2)
    ]
    assert statuses == [200, 400]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"insz": "84022999511"}, 400, "20002"),
        ({"insz": 84022999609}, 400, None),
        ({"peildatum": "24/11/2026"}, 400, None),
        ({"wettelijkeContext": "NIEUWSGIERIG"}, 403, "40001"),
        ({"naam": "Peeters"}, 400, None),
    ],
)
def test_a_question_out_of_order_is_refused(
    http: httpx.Client,
    headers: dict[str, str],
    change: dict[str, object],
    status: int,
    code: str | None,
) -> None:
    answer = http.post(epd.STATUS_PATH, json=QUESTION | change, headers=headers)
    assert answer.status_code == status
    assert answer.json().get("code") == code
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "secret", "error"),
    [
        ({"grant_type": "password"}, epd.CLIENT_SECRET, "unsupported_grant_type"),
        ({"scope": "everything"}, epd.CLIENT_SECRET, "invalid_scope"),
        ({}, "wrong", "invalid_client"),
    ],
)
def test_a_grant_out_of_order_is_refused(
    http: httpx.Client, change: dict[str, str], secret: str, error: str
) -> None:
    answer = http.post(epd.TOKEN_PATH, data=GRANT | change, auth=(epd.CLIENT_ID, secret))
    assert answer.json() == {"error": error}


def test_an_unknown_fault_is_refused(http: httpx.Client) -> None:
    answer = http.post("/_control", json={"faults": [{"kind": "gremlins"}]})
    assert answer.status_code == 422
