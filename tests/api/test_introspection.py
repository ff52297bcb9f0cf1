"""Access tokens of the government's own server at the push: asked about at every use (RFC 7662)."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from app.client_authentication import ClientSecret
from app.identity.introspection import machine_in
from app.identity.registration import Registration
from demo.deployment import CLIENT_ID
from demo.identity_provider.machines import MACHINES
from tests.api.problem import problem_of
from tests.api.stage import Service

SEQUENCE = "/api/v1/epd/sequence"
OWN, OTHER = MACHINES


def token(
    service: Service,
    *,
    machine: str = OWN.client_id,
    scope: str = "epd:read epd:write",
    audience: str = CLIENT_ID,
) -> dict[str, str]:
    """The headers of a machine with a fresh token of the simulated government."""
    form = {"grant_type": "client_credentials", "scope": scope, "audience": audience}
    at = f"{service.deployment.addresses.identity_provider}/op/v1/token"
    answer = httpx.post(at, data=form, auth=(machine, f"demo-secret-of-{machine}"))
    return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


@pytest.fixture
def provider_fails(service: Service) -> Iterator[None]:
    control = f"{service.deployment.addresses.identity_provider}/_control"
    httpx.post(control, json={"lie": "introspect-error"}).raise_for_status()
    yield
    httpx.post(control, json={"lie": None}).raise_for_status()


def test_a_machine_of_the_agreed_organisation_is_let_in(service: Service) -> None:
    answer = service.http.get(SEQUENCE, headers=token(service))
    assert (answer.status_code, answer.json()["laatsteReeksnummer"]) == (200, 0)


def test_its_scopes_count(service: Service) -> None:
    answer = service.http.get(SEQUENCE, headers=token(service, scope="epd:write"))
    problem_of(answer, "forbidden", 403)
    assert "epd:read" in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked", [{"machine": OTHER.client_id}, {"audience": "another-application"}]
)
def test_neither_another_organisation_nor_a_token_for_somebody_else_is_let_in(
    service: Service, asked: dict[str, str]
) -> None:
    answer = service.http.get(SEQUENCE, headers=token(service, **asked))
    problem_of(answer, "unauthenticated", 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_is_worth_nothing_after_its_hour(service: Service) -> None:
    headers = token(service)
    service.clock.advance(minutes=59)
    assert service.http.get(SEQUENCE, headers=headers).status_code == 200
    service.clock.advance(minutes=2)
    assert service.http.get(SEQUENCE, headers=headers).status_code == 401


@pytest.mark.parametrize("text", ["nobody-was-ever-given-this-one", "x", "a b", "é" * 20])
def test_what_nobody_was_given_opens_nothing(service: Service, text: str) -> None:
    headers = {"authorization": f"Bearer {text}".encode()}
    answer = service.http.get(SEQUENCE, headers=headers)
    problem_of(answer, "unauthenticated", 401)


@pytest.mark.usefixtures("provider_fails")
def test_a_server_that_cannot_be_asked_loses_nothing(service: Service) -> None:
    answer = service.http.get(SEQUENCE, headers=token(service))
    problem_of(answer, "unavailable", 503)
    assert "Nothing was taken in" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AGREED = Registration(
    issuer="https://log-in.example/op",
    client_id="lerarenkaart",
    authentication=ClientSecret("x"),
    redirect_uri="",
    post_logout_redirect_uri="",
    accepted_acr=frozenset({"any"}),
    machine_organisations=frozenset({"OVO003323"}),
)
HONEST = {
    "active": True,
    "iss": "https://log-in.example/op",
    "aud": "lerarenkaart",
    "client_id": "epd-machine",
    "scope": "epd:read epd:write partners:all",
    "exp": NOW.timestamp() + 60,
    "vo_orgcode": "OVO003323",
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"aud": ["another", "lerarenkaart"]},
        {"iss": AGREED.issuer},
        {"exp": "2026-11-24T10:01:00Z"},
        {"exp": "2026-11-24T10:01:00"},
    ],
)
def test_an_answer_that_vouches_is_believed_for_the_scopes_of_the_personnel_file(
    change: dict[str, object],
) -> None:
    caller = machine_in(HONEST | change, AGREED, now=NOW)
    assert caller is not None
    assert (caller.client_id, caller.partner_id) == ("epd-machine", None)
    assert caller.scopes == {"epd:read", "epd:write"}


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"active": "true"},
        {"active": 1},
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": None},
        {"aud": "lerarenkaart-test"},
        {"exp": NOW.timestamp()},
        {"exp": "2026-11-24T10:00:00Z"},
        {"exp": "soon"},
        {"exp": None},
        {"exp": True},
        {"exp": 1e300},
        {"client_id": ""},
        {"client_id": 7},
        {"scope": ["epd:read"]},
        {"vo_orgcode": "OVO009999"},
        {"vo_orgcode": ["OVO003323"]},
        {"vo_orgcode": None},
    ],
)
def test_an_answer_that_does_not_vouch_is_worth_nothing(change: dict[str, object]) -> None:
    assert machine_in(HONEST | change, AGREED, now=NOW) is None
