"""The simulated provider is strict: it gives nothing to whom a real one would give nothing."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.client_authentication import prove
from app.identity.registration import Registration

from .conftest import BROWSER, CALLBACK, NOW, SECRET, LogIn, Provider, browse, later

Form = dict[str, str]


def auth(visit: LogIn, **changed: str | None) -> httpx.Response:
    """The authentication request of ours, with parameters changed or left out."""
    url = httpx.URL(visit.begin())
    asked = {**dict(url.params), **changed}
    kept = {name: value for name, value in asked.items() if value is not None}
    return BROWSER.get(url.copy_with(query=None), params=kept)


@pytest.fixture
def redeem(visit: LogIn, registration: Registration) -> Callable[..., httpx.Response]:
    """Exchange a fresh code, with form fields or the proof changed."""
    url = visit.begin()
    code = dict(browse(url))["code"]

    def redeem(form: Form | None = None, by: Registration = registration) -> httpx.Response:
        proof = prove(by.client_id, by.authentication, now=NOW)
        assert visit.attempt is not None
        plain = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": visit.attempt.code_verifier,
        }
        return BROWSER.post(
            url.partition("/auth?")[0] + "/token",
            data=plain | proof.form | (form or {}),
            headers=proof.headers,
        )

    return redeem


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": None},
    ],
    ids=["client", "address-prefix", "address", "no-address"],
)
def test_a_request_from_nowhere_stays_on_the_provider_s_own_page(
    changed: dict[str, str | None], visit: LogIn
) -> None:
    answer = auth(visit, **changed)
    assert answer.status_code == 400
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile rrn"}, "invalid_scope"),
        ({"scope": "openid phone"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"acr_values": "urn:unknown"}, "invalid_request"),
    ],
)
def test_a_request_that_asks_for_the_wrong_thing_is_sent_back(
    changed: dict[str, str | None], error: str, visit: LogIn
) -> None:
    answer = auth(visit, **changed)
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


def test_a_right_exchange_gives_tokens_once(redeem: Callable[..., httpx.Response]) -> None:
    first, second = redeem(), redeem()
    assert (first.status_code, first.json()["token_type"]) == (200, "Bearer")
    assert (second.status_code, second.json()) == (400, {"error": "invalid_grant"})


def test_a_code_that_comes_twice_takes_its_access_token_back(
    redeem: Callable[..., httpx.Response], provider: Provider
) -> None:
    headers = {"Authorization": f"Bearer {redeem().json()['access_token']}"}
    address = f"{provider.issuer}/v1/userinfo"
    assert BROWSER.get(address, headers=headers).status_code == 200
    redeem()
    assert BROWSER.get(address, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code_verifier": "A" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"code": "A" * 43}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "by-key"}, "invalid_client"),
    ],
    ids=["verifier", "no-verifier", "address", "code", "grant-type", "two-clients"],
)
def test_an_exchange_that_does_not_fit_is_refused(
    form: Form, error: str, redeem: Callable[..., httpx.Response]
) -> None:
    assert redeem(form).json() == {"error": error}


def test_a_code_of_one_client_is_nothing_to_another(
    redeem: Callable[..., httpx.Response], keyed_registration: Registration
) -> None:
    assert redeem(by=keyed_registration).json() == {"error": "invalid_grant"}


def test_a_code_lives_half_a_minute(
    redeem: Callable[..., httpx.Response], provider: Provider
) -> None:
    provider.clock.now = later(seconds=31)
    assert redeem().json() == {"error": "invalid_grant"}


def test_a_wrong_secret_is_refused(
    redeem: Callable[..., httpx.Response], registration: Registration
) -> None:
    wrong = replace(registration, authentication=type(registration.authentication)(SECRET + "x"))
    answer = redeem(by=wrong)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_an_assertion_counts_once(
    redeem: Callable[..., httpx.Response], keyed_registration: Registration
) -> None:
    proof = prove(keyed_registration.client_id, keyed_registration.authentication, now=NOW)
    by_hand = replace(keyed_registration, client_id="by-key")
    # The first use is judged further (the code is another client's), the second is not.
    assert redeem(proof.form, by=by_hand).json() == {"error": "invalid_grant"}
    assert redeem(proof.form, by=by_hand).json() == {"error": "invalid_client"}


@pytest.mark.parametrize("seconds", [-600, 700])
def test_an_assertion_of_another_time_is_refused(
    seconds: int, redeem: Callable[..., httpx.Response], keyed_registration: Registration
) -> None:
    form = prove(
        keyed_registration.client_id, keyed_registration.authentication, now=later(seconds=seconds)
    ).form
    assert redeem(form, by=keyed_registration).json() == {"error": "invalid_client"}


def test_logging_out_to_an_unknown_address_leads_nowhere(provider: Provider) -> None:
    asked = {"client_id": "by-secret", "post_logout_redirect_uri": "https://evil.example/"}
    answer = BROWSER.get(f"{provider.issuer}/v1/logout", params=asked)
    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_the_page_is_in_dutch_and_every_choice_has_a_label(visit: LogIn) -> None:
    page = BROWSER.get(visit.begin())
    assert '<html lang="nl">' in page.text
    assert page.text.count("<label>") == page.text.count('type="radio"') == 4
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
