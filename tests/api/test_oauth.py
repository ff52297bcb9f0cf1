"""The token endpoint: who gets a token, what for, how often, and when it is worth nothing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import Depends
from sqlalchemy import func, select

from app.api.limits import RATES
from app.api.oauth import requires
from app.client_authentication import ASSERTION_TYPE, ClientKey, ClientSecret, prove
from app.identity import clients
from app.identity.access_tokens import Caller
from app.identity.clients import Scope
from app.identity.expiry import delete_expired
from app.identity.model import AccessToken, SpentAssertion
from tests.api.oauth import EC_KEY, GRANT, RSA_KEY, Registered, ask, bearer, register, transact
from tests.api.problem import problem_of
from tests.api.stage import Service

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
INVALID = {
    "error": "invalid_client",
    "error_description": "The client is not known, or its proof does not hold.",
}


@pytest.fixture
def client(service: Service) -> Registered:
    """A client that may send and read."""
    return register(service)


def guard(service: Service) -> str:
    """Add a route that wants a scope; its answer is what it knows of the caller."""
    allowed = Depends(requires(Scope.EPD_WRITE))

    def who(caller: Caller = allowed) -> dict[str, Any]:
        return {"client": caller.client_id, "scopes": sorted(caller.scopes)}

    service.app.add_api_route("/api/guarded", who)
    return "/api/guarded"


@pytest.fixture
def guarded(service: Service) -> str:
    """The address of such a route."""
    return guard(service)


def assertion(
    service: Service, client: Registered, *, key: Any = None, **changes: Any
) -> dict[str, str]:
    """The form fields of `private_key_jwt`; a claim that is None is left out."""
    moment = int(service.clock().timestamp())
    headers = {"kid": client.rsa_kid} | changes.pop("headers", {})
    headers = {name: value for name, value in headers.items() if value is not None}
    algorithm = changes.pop("algorithm", "RS256")
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": f"{service.address}/oauth2/token",
        "jti": "a-number-used-once",
        "iat": moment,
        "exp": moment + 300,
    } | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    text = jwt.encode(kept, key or RSA_KEY, algorithm=algorithm, headers=headers)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}


def token_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    token: dict[str, Any] = answer.json()
    assert token.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
    return token


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) is (status == 401)


def test_a_client_gets_a_token_with_its_secret_in_header_or_body(
    service: Service, client: Registered
) -> None:
    in_header = token_of(ask(service, auth=(client.client_id, client.secret)))
    in_body = token_of(ask(service, client_id=client.client_id, client_secret=client.secret))
    assert in_header["scope"] == in_body["scope"] == "epd:read epd:write"
    assert in_header["access_token"] != in_body["access_token"]


def test_what_our_own_client_proves_elsewhere_holds_here(
    service: Service, client: Registered
) -> None:
    audience = service.address
    for means in (
        ClientSecret(client.secret),
        ClientKey(RSA_KEY, client.rsa_kid, audience),
    ):
        proof = prove(client.client_id, means, now=service.clock())
        answer = service.http.post("/oauth2/token", data=GRANT | proof.form, headers=proof.headers)
        token_of(answer)


def test_an_assertion_buys_one_token(service: Service, client: Registered) -> None:
    form = assertion(service, client)
    token_of(ask(service, **form))
    refused(ask(service, **form), "invalid_client", 401)
    token_of(ask(service, **assertion(service, client, jti="another")))


def test_every_kind_of_key_signs_with_its_own_algorithms(
    service: Service, client: Registered
) -> None:
    ec_headers = {"kid": client.ec_kid}
    token_of(
        ask(
            service,
            **assertion(
                service, client, key=EC_KEY, algorithm="ES256", headers=ec_headers, jti="1"
            ),
        )
    )
    token_of(ask(service, **assertion(service, client, algorithm="PS256", jti="2")))
    without_kid = assertion(service, client, headers={"kid": None}, jti="3")
    token_of(ask(service, **without_kid, client_id=client.client_id))


FAULTS: list[dict[str, Any]] = [
    {"aud": "https://elsewhere.example/oauth2/token"},
    {"aud": None},
    {"iss": "somebody-else"},
    {"sub": "somebody-else"},
    {"jti": None},
    {"jti": ""},
    {"jti": "x" * 257},
    {"jti": 7},
    {"exp": None},
    {"exp": True},
    {"exp": "soon"},
    {"iat": float("inf")},
    {"headers": {"kid": "another"}},
    {"headers": {"jku": "https://evil.example/keys"}},
    {"headers": {"crit": ["b64"], "b64": True}},
    {"key": STRANGER},
    {"key": "a secret of more than thirty-two bytes", "algorithm": "HS256"},
    {"key": EC_KEY, "algorithm": "ES256"},
]


def test_an_assertion_with_one_fault_buys_nothing(service: Service, client: Registered) -> None:
    for changes in FAULTS:
        answer = ask(service, **assertion(service, client, **changes))
        assert (changes, answer.status_code, answer.json()) == (changes, 401, INVALID)
    token_of(ask(service, **assertion(service, client)))


def test_an_assertion_counts_within_its_time_and_ten_minutes(
    service: Service, client: Registered
) -> None:
    moment = int(service.clock().timestamp())
    for iat, exp, status in (
        (0, 600, 200),
        (-700, -59, 200),
        (-700, -61, 401),
        (0, 661, 401),
        (61, 300, 401),
    ):
        form = assertion(service, client, iat=moment + iat, exp=moment + exp, jti=str(exp))
        assert (iat, exp, ask(service, **form).status_code) == (iat, exp, status)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "....", "e30.e30.", "é.é.é", "x" * 9000])
def test_what_is_no_assertion_buys_nothing(service: Service, client: Registered, text: str) -> None:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    if text:
        refused(ask(service, **form), "invalid_client", 401)
    refused(ask(service, **form, client_id=client.client_id), "invalid_client", 401)


def test_a_stranger_and_a_wrong_secret_hear_the_same(service: Service, client: Registered) -> None:
    answers = [
        ask(service, auth=(client.client_id, client.secret[:-1])),
        ask(service, auth=("stranger", client.secret)),
        ask(service, client_id=client.client_id, client_secret="x"),
        ask(service),
    ]
    for answer in answers:
        refused(answer, "invalid_client", 401)
        assert answer.json() == INVALID


def test_a_header_that_proves_nothing_is_refused(service: Service) -> None:
    for value in ("Basic", "Basic !!!", "Basic YQ==", "Bearer x", "Basic /w=="):
        answer = service.http.post("/oauth2/token", data=GRANT, headers={"authorization": value})
        refused(answer, "invalid_client", 401)


def test_two_proofs_at_once_are_refused(service: Service, client: Registered) -> None:
    auth = (client.client_id, client.secret)
    refused(ask(service, auth=auth, client_secret=client.secret), "invalid_request")
    refused(ask(service, auth=auth, **assertion(service, client)), "invalid_request")
    refused(ask(service, auth=auth, client_id="another"), "invalid_request")


def test_what_is_no_request_for_a_token_is_refused(service: Service) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for content, error in (
        ("", "invalid_request"),
        ("scope=epd:read", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("&".join(f"a{n}=1" for n in range(40)), "invalid_request"),
        ("grant_type=client_credentials&x=\u00e9", "invalid_request"),
    ):
        answer = service.http.post("/oauth2/token", content=content.encode(), headers=headers)
        refused(answer, error)


def test_a_secret_in_the_address_or_in_json_is_refused(
    service: Service, client: Registered
) -> None:
    form = GRANT | {"client_id": client.client_id, "client_secret": client.secret}
    refused(service.http.post("/oauth2/token", params=form), "invalid_request")
    refused(service.http.post("/oauth2/token", params=form, data=form), "invalid_request")
    refused(service.http.post("/oauth2/token", json=form), "invalid_request")


def test_a_client_gets_no_scope_that_it_may_not_have(service: Service) -> None:
    client = register(service, "reader", Scope.EPD_READ)
    auth = (client.client_id, client.secret)
    assert token_of(ask(service, auth=auth, scope="epd:read"))["scope"] == "epd:read"
    for scope in ("epd:write", "epd:read epd:write", "everything"):
        refused(ask(service, auth=auth, scope=scope), "invalid_scope")


def test_a_token_opens_what_its_scope_says(
    service: Service, client: Registered, guarded: str
) -> None:
    headers = bearer(service, client)
    answer = service.http.get(guarded, headers=headers)
    assert answer.json() == {"client": "epd-sync", "scopes": ["epd:read", "epd:write"]}
    narrow = bearer(service, client, scope="epd:read")
    problem_of(service.http.get(guarded, headers=narrow), "forbidden", 403)


@pytest.mark.parametrize(
    "text", ["", "Bearer", "Bearer x", f"Bearer lk_access_{'a' * 43}", "Basic eDp5"]
)
def test_what_is_no_token_opens_nothing(service: Service, guarded: str, text: str) -> None:
    answer = service.http.get(guarded, headers={"authorization": text} if text else {})
    problem_of(answer, "unauthenticated", 401)


def test_a_till_key_is_no_token(service: Service, guarded: str) -> None:
    key = service.deployment.shops["museum"].live_key
    answer = service.http.get(guarded, headers={"authorization": f"Bearer {key}"})
    problem_of(answer, "unauthenticated", 401)


def test_a_token_ends_by_itself_and_leaves_no_row(
    service: Service, client: Registered, guarded: str
) -> None:
    headers = bearer(service, client)
    token_of(ask(service, **assertion(service, client)))
    service.clock.advance(minutes=14, seconds=59)
    assert service.http.get(guarded, headers=headers).status_code == 200
    service.clock.advance(seconds=1)
    problem_of(service.http.get(guarded, headers=headers), "unauthenticated", 401)
    later = service.clock() + timedelta(seconds=1)
    assert transact(service, lambda session: delete_expired(session, now=later)) == 3
    left = transact(
        service,
        lambda session: [
            session.scalar(select(func.count()).select_from(table))
            for table in (AccessToken, SpentAssertion)
        ],
    )
    assert left == [0, 0]


def test_a_revoked_client_is_refused_at_the_next_request_of_every_process(
    service: Service, elsewhere: Service, client: Registered, guarded: str
) -> None:
    guard(elsewhere)
    headers = bearer(service, client)
    assert elsewhere.http.get(guarded, headers=headers).status_code == 200
    transact(service, lambda session: clients.revoke(session, "epd-sync", now=service.clock()))
    for one in (service, elsewhere):
        assert one.http.get(guarded, headers=headers).status_code == 401
        refused(ask(one, auth=("epd-sync", client.secret)), "invalid_client", 401)


def test_a_revoked_key_takes_only_its_own_tokens_along(
    service: Service, client: Registered, guarded: str
) -> None:
    by_secret = bearer(service, client)
    by_key = token_of(ask(service, **assertion(service, client)))["access_token"]
    transact(
        service,
        lambda session: clients.revoke(
            session, "epd-sync", credential=client.rsa_kid, now=service.clock()
        ),
    )
    assert service.http.get(guarded, headers=by_secret).status_code == 200
    refused_headers = {"authorization": f"Bearer {by_key}"}
    problem_of(service.http.get(guarded, headers=refused_headers), "unauthenticated", 401)
    refused(ask(service, **assertion(service, client, jti="new")), "invalid_client", 401)


def test_somebody_who_guesses_is_stopped(service: Service) -> None:
    for _ in range(RATES["refused-client"].amount):
        refused(ask(service, auth=("epd-sync", "guess")), "invalid_client", 401)
    answer = ask(service, auth=("epd-sync", "guess"))
    assert problem_of(answer, "too-many-requests", 429)
    assert answer.headers["retry-after"] == "60"


def test_no_secret_and_no_token_stands_in_a_log(
    service: Service, client: Registered, logs: Sequence[Mapping[str, Any]], guarded: str
) -> None:
    headers = bearer(service, client)
    service.http.get(guarded, headers=headers)
    ask(service, auth=(client.client_id, client.secret + "x"))
    written = str(logs)
    assert "token-granted" in written
    assert client.secret not in written
    assert headers["authorization"].removeprefix("Bearer ") not in written


def test_the_endpoint_describes_itself_to_oauth_libraries(service: Service) -> None:
    found = service.http.get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == service.address
    assert found["token_endpoint"] == f"{service.address}/oauth2/token"
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
