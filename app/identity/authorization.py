"""The part of a log-in that travels through the browser: request and response. Pure.

Knows what we ask for, what we remember meanwhile and how the answer is judged; the
numbers of the steps are those of `oidc`. Whatever comes back through a browser may come
from anybody, so nothing here trusts it before the state fits.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from app.identity.discovery import Metadata, ProviderFault
from app.identity.refusal import Cause, LoginRefused
from app.identity.registration import Registration
from app.identity.roles import Capacity
from app.identity.secret_text import fingerprint, new_secret

# A teacher is found by the national number; of an official nobody needs it.
CITIZEN_SCOPE = "openid profile rrn"
OFFICIAL_SCOPE = "openid profile vo"
MAX_PARAMETER_LENGTH = 4_096

# What `error` means for the person; any other word is our fault or the provider's.
ERRORS = {
    "access_denied": Cause.CANCELLED,
    "unmet_authentication_requirements": Cause.ACR,
}
TEMPORARY_ERRORS = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What we remember of a log-in while the browser is away; serves once."""

    issuer: str
    state_hash: bytes
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    max_age_s: int | None
    begun_at: datetime
    capacity: Capacity = Capacity.CITIZEN
    # Only the stronger means of authentication will do.
    step_up: bool = False


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """What the browser brought back (RFC 6749 section 4.1.2); nothing in it is judged yet."""

    state: str = field(repr=False)
    iss: str | None
    error: str | None
    code: str | None = field(repr=False)


def request_login(
    registration: Registration,
    metadata: Metadata,
    *,
    language: str,
    max_age_s: int | None,
    now: datetime,
    capacity: Capacity = Capacity.CITIZEN,
    step_up: bool = False,
) -> tuple[str, LoginAttempt]:
    """The address for the browser, and the attempt to remember until it is back."""
    state = new_secret()
    attempt = LoginAttempt(
        issuer=registration.issuer,
        state_hash=fingerprint(state),
        nonce=new_secret(),
        code_verifier=new_secret(),
        max_age_s=max_age_s,
        begun_at=now,
        capacity=capacity,
        step_up=step_up,
    )
    request = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": registration.redirect_uri,
        "scope": _scope(registration, capacity),
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": code_challenge(attempt.code_verifier),
        "code_challenge_method": "S256",
        "acr_values": " ".join(sorted(accepted_acr(registration, step_up=step_up))),
        "login_hint": _login_hint(capacity),
        "ui_locales": language,
    }
    if max_age_s is not None:
        request["max_age"] = str(max_age_s)
    return with_query(metadata.authorization_endpoint, request), attempt


def read_response(parameters: Iterable[tuple[str, str]]) -> AuthorizationResponse:
    """The query of the callback, as (name, value) pairs in any order: step 1.

    The `state` in it is what `sessions.take_attempt` finds the attempt by.
    """
    pairs = list(parameters)
    answer = dict(pairs)
    overlong = any(len(value) > MAX_PARAMETER_LENGTH for value in answer.values())
    if len(answer) != len(pairs) or overlong:
        raise LoginRefused(Cause.PARAMETERS)
    if not answer.get("state"):
        raise LoginRefused(Cause.STATE)
    return AuthorizationResponse(
        answer["state"], answer.get("iss"), answer.get("error"), answer.get("code")
    )


def code_in(answer: AuthorizationResponse, attempt: LoginAttempt, metadata: Metadata) -> str:
    """The code of an answer that belongs to the attempt: steps 3 to 6."""
    if not hmac.compare_digest(fingerprint(answer.state), attempt.state_hash):
        raise LoginRefused(Cause.STATE)
    silent = answer.iss is None and not metadata.promises_iss
    if not attempt.issuer == metadata.issuer == (metadata.issuer if silent else answer.iss):
        raise LoginRefused(Cause.RESPONSE_ISS)
    if answer.error in TEMPORARY_ERRORS:
        raise ProviderFault(f"the provider answered {answer.error}")
    if answer.error is not None:
        raise LoginRefused(ERRORS.get(answer.error, Cause.ERROR))
    if not answer.code:
        raise LoginRefused(Cause.CODE)
    return answer.code


def accepted_acr(registration: Registration, *, step_up: bool) -> frozenset[str]:
    """The means of authentication that will do for an attempt."""
    return registration.step_up_acr if step_up else registration.accepted_acr


def _scope(registration: Registration, capacity: Capacity) -> str:
    if capacity is Capacity.CITIZEN:
        return CITIZEN_SCOPE
    return f"{OFFICIAL_SCOPE} {registration.roles.application}".strip()


def _login_hint(capacity: Capacity) -> str:
    """Brings the person to the log-in of that capacity at once."""
    return base64.b64encode(json.dumps({"cap_hint": capacity.value}).encode()).decode()


def code_challenge(code_verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def with_query(endpoint: str, request: Mapping[str, str]) -> str:
    """An endpoint with parameters, beside those that it has already."""
    return str(httpx.URL(endpoint).copy_merge_params(dict(request)))
