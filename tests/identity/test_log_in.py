"""A person logs in: what we ask for, what we learn, and what nobody gets to see."""

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.cards.insz import Insz
from app.client_authentication import load_client_key, prove, thumbprint
from app.errors import Unavailable
from app.identity.authorization import AuthorizationResponse, LoginAttempt, code_challenge
from app.identity.oidc import OidcClient
from app.identity.refusal import Cause, LoginRefused
from app.identity.registration import Registration
from app.identity.sessions import find_session
from demo.identity_provider.lies import QUIRKS

from .conftest import AN, BROWSER, EID, HOME, NOW, ZOE, Connect, LogIn, Provider, browse, later


def test_a_citizen_logs_in_and_goes_on_where_they_wanted(log_in: LogIn) -> None:
    identity, token, return_to = log_in.finish(browse(log_in.begin(return_to="/card/live")))
    assert identity.insz == Insz(AN.insz)
    assert (identity.given_name, identity.family_name) == (AN.given_name, AN.family_name)
    assert (identity.acr, identity.authenticated_at) == (EID, NOW)
    assert return_to == "/card/live"
    with log_in.database.reading() as session:
        view = find_session(session, token, now=NOW)
    assert view is not None
    assert view.authenticated_at == NOW


def test_two_people_are_two_subjects_and_a_bis_number_is_a_number(visit: LogIn) -> None:
    an, _, _ = visit.finish(browse(visit.begin()))
    zoe, _, _ = visit.finish(browse(visit.begin(), person="zoe"))
    assert zoe.insz == Insz(ZOE.insz)
    assert zoe.family_name == ZOE.family_name
    assert zoe.subject != an.subject


def test_a_client_proves_itself_with_a_signed_assertion(
    visit: LogIn, connect: Connect, keyed_registration: Registration
) -> None:
    visit.client = connect(keyed_registration)
    identity, _, _ = visit.finish(browse(visit.begin()))
    assert identity.insz == Insz(AN.insz)


def test_an_assertion_with_an_audience_of_another_is_refused_by_the_provider(
    visit: LogIn, connect: Connect, keyed_registration: Registration, provider: Provider
) -> None:
    key = load_client_key(provider.private_key_pem, key_id="our-key", audience="elsewhere")
    visit.client = connect(replace(keyed_registration, authentication=key))
    with pytest.raises(Unavailable) as caught:
        visit.finish(browse(visit.begin()))
    assert caught.value.detail == "status 401, invalid_client"  # type: ignore[attr-defined] - a ProviderFault


def test_an_assertion_lives_a_minute_and_never_comes_twice(
    keyed_registration: Registration, provider: Provider
) -> None:
    first, second = (
        prove(keyed_registration.client_id, keyed_registration.authentication, now=NOW)
        for _ in range(2)
    )
    headers = jwt.get_unverified_header(first.form["client_assertion"])
    claims = [
        jwt.decode(proof.form["client_assertion"], options={"verify_signature": False})
        for proof in (first, second)
    ]
    assert headers == {"alg": "RS256", "typ": "JWT", "kid": "our-key"}
    assert claims[0]["iss"] == claims[0]["sub"] == "by-key"
    assert claims[0]["aud"] == provider.issuer
    assert claims[0]["exp"] - claims[0]["iat"] == 60
    assert claims[0]["jti"] != claims[1]["jti"]
    assert "Authorization" not in first.headers


def test_a_client_key_without_a_name_is_named_by_its_thumbprint() -> None:
    # The example of RFC 7638 section 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJEC"
        "PebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvz"
        "qY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZ"
        "u0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = jwt.PyJWK({"kty": "RSA", "n": modulus, "e": "AQAB"}, algorithm="RS256").key
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - what must be refused
        ec.generate_private_key(ec.SECP256R1()),
    ],
    ids=["short", "elliptic"],
)
def test_a_client_key_of_another_kind_is_refused_at_the_start(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="RSA key of at least 2048 bits"):
        load_client_key(pem, key_id="", audience="x")


def test_a_registration_that_accepts_no_means_is_refused_at_the_start(
    registration: Registration,
) -> None:
    with pytest.raises(ValueError, match="acr"):
        replace(registration, accepted_acr=frozenset())


@pytest.mark.parametrize("quirk", QUIRKS)
def test_what_is_unusual_but_allowed_is_accepted(
    quirk: str, visit: LogIn, provider: Provider
) -> None:
    provider.order(lie=quirk)
    identity, _, _ = visit.finish(browse(visit.begin()))
    assert identity.insz == Insz(AN.insz)
    assert (identity.given_name, identity.family_name) == (AN.given_name, AN.family_name)


def test_after_a_key_rotation_nobody_has_to_wait(visit: LogIn, provider: Provider) -> None:
    visit.finish(browse(visit.begin()))
    provider.order(rotate_keys=True)
    provider.clock.now = later(minutes=2)
    identity, _, _ = visit.finish(browse(visit.begin()), now=later(minutes=2))
    assert identity.insz == Insz(AN.insz)


def test_a_log_in_at_the_provider_that_is_recent_enough_is_enough(visit: LogIn) -> None:
    identity, _, _ = visit.finish(browse(visit.begin(max_age_s=0)))
    assert identity.authenticated_at == NOW


def test_the_moment_of_the_log_in_is_that_at_the_provider(visit: LogIn, provider: Provider) -> None:
    provider.order(lie="logged-in-some-time-ago")
    identity, _, _ = visit.finish(browse(visit.begin(max_age_s=300)))
    assert identity.authenticated_at == later(seconds=-100)


def test_the_request_asks_for_what_is_needed_and_no_more(visit: LogIn) -> None:
    url = visit.begin(max_age_s=None)
    asked = parse_qs(urlsplit(url).query)
    assert asked["response_type"] == ["code"]
    assert asked["scope"] == ["openid profile rrn"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["ui_locales"] == ["nl"]
    assert set(asked["acr_values"][0].split()) == {EID, "urn:be:vlaanderen:authmech:itsme"}
    assert json.loads(base64.b64decode(asked["login_hint"][0])) == {"cap_hint": "BUR"}
    assert "max_age" not in asked
    for secret in ("state", "nonce", "code_challenge"):
        assert len(asked[secret][0]) == 43  # 256 bits


def test_no_two_requests_share_a_secret(visit: LogIn) -> None:
    one, other = (parse_qs(urlsplit(visit.begin()).query) for _ in range(2))
    for secret in ("state", "nonce", "code_challenge"):
        assert one[secret] != other[secret]


def test_the_challenge_is_that_of_the_standard() -> None:
    # RFC 7636 appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_person_can_cancel_at_the_provider(visit: LogIn) -> None:
    with pytest.raises(LoginRefused) as caught:
        visit.finish(browse(visit.begin(), decision="cancel"))
    assert caught.value.cause is Cause.CANCELLED


def test_logging_out_ends_the_log_in_at_the_provider_without_a_token(client: OidcClient) -> None:
    url = client.logout_url(state="x y", now=NOW)
    assert url is not None
    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["by-secret"],
        "post_logout_redirect_uri": [HOME],
        "state": ["x y"],
    }
    answer = BROWSER.get(url)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{HOME}?state=x+y"


def test_a_provider_without_log_out_offers_no_address(
    client: OidcClient, provider: Provider
) -> None:
    provider.order(lie="no-logout")
    assert client.logout_url(state="x", now=NOW) is None


def test_no_value_shows_what_must_stay_secret(visit: LogIn) -> None:
    url = visit.begin()
    pairs = browse(url)
    _, attempt = visit.client.begin(language="nl", now=NOW)
    answer = AuthorizationResponse(**{"iss": None, "error": None, **dict(pairs)})
    identity, _, _ = visit.finish(pairs)
    shown = f"{attempt!r} {answer!r} {identity!r} {identity} {visit.client!r}"
    secrets = [AN.insz, AN.given_name, AN.family_name, identity.subject]
    secrets += [
        attempt.nonce,
        attempt.code_verifier,
        *dict(parse_qsl(urlsplit(url).query)).values(),
    ]
    secrets += [value for name, value in pairs if name != "iss"]
    for secret in secrets:
        assert len(secret) < 10 or secret not in shown
    assert isinstance(attempt, LoginAttempt)
