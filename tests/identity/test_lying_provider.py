"""A provider that lies or fails is refused, whatever the lie, and leaves nobody logged in."""

import traceback

import pytest

from app.errors import Unavailable
from app.identity.refusal import Cause, LoginRefused
from app.identity.registration import Registration
from demo.identity_provider.lies import LIES

from .conftest import AN, IMPATIENT_S, Connect, LogIn, Pairs, Provider, browse

# What each lie is refused for; every other lie makes the provider unavailable.
CAUSES = {
    "state-other": Cause.ATTEMPT,
    "state-missing": Cause.STATE,
    "state-empty": Cause.STATE,
    "code-missing": Cause.CODE,
    "code-unknown": Cause.CODE_REFUSED,
    "code-overlong": Cause.PARAMETERS,
    "response-iss-other": Cause.RESPONSE_ISS,
    "response-iss-missing": Cause.RESPONSE_ISS,
    "response-iss-other-unpromised": Cause.RESPONSE_ISS,
    "error-access-denied": Cause.CANCELLED,
    "error-too-weak": Cause.ACR,
    "error-unknown": Cause.ERROR,
    "alg-none": Cause.FORM,
    "alg-none-with-a-signature": Cause.HEADER,
    "alg-hs256-with-the-public-key": Cause.HEADER,
    "alg-rs512": Cause.HEADER,
    "alg-missing": Cause.HEADER,
    "kid-unknown": Cause.KEY,
    "kid-a-number": Cause.HEADER,
    "kid-missing-with-two-keys": Cause.KEY,
    "jku-header": Cause.HEADER,
    "x5u-header": Cause.HEADER,
    "x5c-header": Cause.HEADER,
    "jwk-header": Cause.HEADER,
    "crit-header": Cause.HEADER,
    "b64-header": Cause.HEADER,
    "typ-of-a-logout-token": Cause.HEADER,
    "header-name-twice": Cause.FORM,
    "signed-with-another-key": Cause.SIGNATURE,
    "signature-of-zeros": Cause.SIGNATURE,
    "claims-changed-after-signing": Cause.SIGNATURE,
    "claim-twice": Cause.FORM,
    "claims-in-a-list": Cause.FORM,
    "claims-too-deep": Cause.FORM,
    "token-nested": Cause.FORM,
    "token-of-five-parts": Cause.FORM,
    "token-with-a-space": Cause.FORM,
    "token-overlong": Cause.FORM,
    "iss-other": Cause.ISS,
    "iss-missing": Cause.ISS,
    "sub-missing": Cause.SUB,
    "sub-empty": Cause.SUB,
    "sub-a-number": Cause.SUB,
    "sub-overlong": Cause.SUB,
    "aud-other": Cause.AUD,
    "aud-missing": Cause.AUD,
    "aud-a-number": Cause.AUD,
    "aud-several-without-azp": Cause.AZP,
    "azp-other": Cause.AZP,
    "exp-missing": Cause.EXP,
    "exp-passed": Cause.EXP,
    "exp-a-text": Cause.EXP,
    "exp-true": Cause.EXP,
    "exp-endless": Cause.EXP,
    "iat-missing": Cause.IAT,
    "iat-in-the-future": Cause.IAT,
    "iat-before-the-attempt": Cause.IAT,
    "iat-negative": Cause.IAT,
    "nbf-in-the-future": Cause.NBF,
    "nbf-true": Cause.NBF,
    "nonce-other": Cause.NONCE,
    "nonce-missing": Cause.NONCE,
    "nonce-half-a-character": Cause.NONCE,
    "at-hash-other": Cause.AT_HASH,
    "at-hash-a-number": Cause.AT_HASH,
    "auth-time-missing": Cause.AUTH_TIME,
    "auth-time-too-long-ago": Cause.AUTH_TIME,
    "auth-time-in-the-future": Cause.AUTH_TIME,
    "acr-missing": Cause.ACR,
    "acr-too-weak": Cause.ACR,
    "acr-unknown": Cause.ACR,
    "acr-a-list": Cause.ACR,
    "rrn-missing": Cause.NATIONAL_NUMBER_MISSING,
    "rrn-a-number": Cause.NATIONAL_NUMBER,
    "rrn-junk": Cause.NATIONAL_NUMBER,
    "rrn-too-short": Cause.NATIONAL_NUMBER,
    "rrn-with-wrong-check-digits": Cause.NATIONAL_NUMBER,
    "rrn-of-date-zero": Cause.NATIONAL_NUMBER,
    "rrn-with-points": Cause.NATIONAL_NUMBER,
    "rrn-in-full-width-digits": Cause.NATIONAL_NUMBER,
    "capacity-of-a-school": Cause.CAPACITY,
    "capacity-null": Cause.CAPACITY,
    "given-name-missing": Cause.NAME,
    "given-name-blank": Cause.NAME,
    "family-name-overlong": Cause.NAME,
    "family-name-with-a-control": Cause.NAME,
    "family-name-half-a-character": Cause.NAME,
    "family-name-a-list": Cause.NAME,
    "userinfo-of-another-sub": Cause.USERINFO,
    "userinfo-without-sub": Cause.USERINFO,
    "userinfo-of-a-school": Cause.CAPACITY,
    "token-type-other": Cause.TOKEN_RESPONSE,
    "token-type-missing": Cause.TOKEN_RESPONSE,
    "id-token-missing": Cause.TOKEN_RESPONSE,
    "id-token-a-list": Cause.TOKEN_RESPONSE,
    "access-token-missing": Cause.TOKEN_RESPONSE,
    "access-token-other": Cause.AT_HASH,
    "access-token-not-ascii": Cause.TOKEN_RESPONSE,
}
TEMPORARY = [lie for lie in LIES if lie not in CAUSES]
SLOW = ("-too-slow", "-trickle")


@pytest.mark.parametrize("lie", CAUSES)
def test_a_log_in_that_proves_nothing_is_refused(
    lie: str, visit: LogIn, provider: Provider
) -> None:
    provider.order(lie=lie)
    before, pairs = visit.sessions(), browse(visit.begin())
    with pytest.raises(LoginRefused) as caught:
        visit.finish(pairs)
    assert caught.value.cause is CAUSES[lie]
    assert visit.sessions() == before
    _tells_nothing(caught.value, pairs)


@pytest.mark.parametrize("lie", TEMPORARY)
def test_a_provider_that_does_not_speak_the_protocol_is_unavailable(
    lie: str, visit: LogIn, provider: Provider, connect: Connect, registration: Registration
) -> None:
    provider.order(lie=lie)
    if lie.endswith(SLOW):
        visit.client = connect(registration, answer_s=IMPATIENT_S)
    before, pairs = visit.sessions(), []
    with pytest.raises(Unavailable) as caught:
        _go_through(visit, pairs)
    assert caught.value.retry_after_s > 0
    assert visit.sessions() == before
    _tells_nothing(caught.value, pairs)


def test_every_lie_of_the_simulator_is_in_one_of_the_two_tables() -> None:
    assert CAUSES.keys() <= LIES.keys()
    assert len(CAUSES) + len(TEMPORARY) == len(LIES) >= 140


def test_every_check_is_provoked_by_some_lie() -> None:
    of_officials = {Cause.OFFICIAL_CAPACITY, Cause.ORGANISATION, Cause.ROLE}  # test_roles.py
    assert set(CAUSES.values()) == set(Cause) - of_officials


def _go_through(visit: LogIn, pairs: Pairs) -> None:
    pairs += browse(visit.begin())
    visit.finish(pairs)


def _tells_nothing(refusal: Exception, pairs: Pairs) -> None:
    """Neither the exception nor what it came from shows a token, a code, a number or a name."""
    told = "".join(traceback.format_exception(refusal))
    secrets = [AN.insz, AN.family_name, "eyJ", "Basic ", "Bearer "]
    secrets += [value for name, value in pairs if name in {"code", "state"} and value]
    for secret in secrets:
        assert secret not in told
