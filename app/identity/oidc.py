"""Logging people in with OpenID Connect: code flow, PKCE, one provider, fail closed.

`OidcClient.begin` sends the browser away, `complete` judges what it brings back:

 1. parameters    none stands twice, none is overlong           (RFC 6749 section 3.1)
 2. attempt       open in this browser, not older than 10 minutes, used up (`sessions`)
 3. state         the one of that attempt                       (RFC 6749 section 10.12)
 4. response iss  the attempt's issuer; must be there where it is promised   (RFC 9207)
 5. error         none
 6. code          there
 7. exchange      with our proof and the PKCE verifier; a code lives 30 seconds (RFC 7636)
 8. answer        an ID token and a Bearer access token
 9.-23.           the ID token (`id_token`)
24. userinfo      only where claims are missing, and of the same `sub`
25. capacity      a citizen, where the provider says in which capacity somebody came; an official
                  in the capacity asked for, with a role for the organisation (`roles`)
26. rrn           a national number with right check digits
27. names         both

Tokens are dropped as soon as the claims are read. Every refusal is a `LoginRefused` with
its cause; a provider that is down or talks nonsense is a `ProviderFault` (`Unavailable`).
"""

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from stdnum.be import ssn
from stdnum.exceptions import ValidationError

from app.cards.insz import Insz
from app.client_authentication import prove
from app.identity import id_token
from app.identity.access_tokens import Caller
from app.identity.authorization import (
    AuthorizationResponse,
    LoginAttempt,
    accepted_acr,
    code_in,
    request_login,
    with_query,
)
from app.identity.id_token import Claims, Expected
from app.identity.introspection import TOKEN, machine_in
from app.identity.provider import Provider
from app.identity.refusal import Cause, LoginRefused
from app.identity.registration import Registration
from app.identity.roles import Capacity, Official, official_in

PERSON_CLAIMS = frozenset({"rrn", "given_name", "family_name"})
MAX_NAME_LENGTH = 200
INSZ_LENGTH = 11


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says this is; `repr` shows neither number nor name."""

    issuer: str
    subject: str = field(repr=False)
    insz: Insz
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    acr: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class OfficialIdentity:
    """An official, and when they proved who they are."""

    official: Official
    authenticated_at: datetime


class OidcClient:
    """The log-in at one provider; safe to share between threads."""

    def __init__(
        self,
        registration: Registration,
        *,
        connect_s: float = 2.0,
        answer_s: float = 5.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Both limits hold for each call: reaching the provider, and hearing all of its answer.

        Reading the trusted authorities takes some 30 ms, so a process with several outbound
        clients makes one `tls` for all; None makes one with httpx's own authorities.
        """
        self._registration = registration
        self._provider = Provider(
            registration.issuer, connect_s=connect_s, answer_s=answer_s, tls=tls
        )

    def close(self) -> None:
        """Return every connection."""
        self._provider.close()

    def examine(self, *, now: datetime) -> None:
        """Ask what a log-in would ask first; `ProviderFault` when it could not be trusted."""
        self._provider.key(None, now=now)

    def begin(
        self,
        *,
        language: str,
        now: datetime,
        max_age_s: int | None = None,
        capacity: Capacity = Capacity.CITIZEN,
        step_up: bool = False,
    ) -> tuple[str, LoginAttempt]:
        """The address to send the browser to, and what to remember until it is back.

        `language` is nl, fr, en or de. `max_age_s` asks for a log-in at the provider that is
        not older than that (0: once more, now); None is content with any. `step_up` wants the
        stronger means of authentication.
        """
        metadata = self._provider.metadata(now=now)
        return request_login(
            self._registration,
            metadata,
            language=language,
            max_age_s=max_age_s,
            capacity=capacity,
            step_up=step_up,
            now=now,
        )

    def complete(
        self, answer: AuthorizationResponse, attempt: LoginAttempt, *, now: datetime
    ) -> Identity | OfficialIdentity:
        """The person, once steps 3 to 27 hold; the attempt must have been taken (step 2)."""
        code = code_in(answer, attempt, self._provider.metadata(now=now))
        token, access_token = self._redeem(code, attempt, now=now)
        expected = Expected(
            issuer=self._registration.issuer,
            client_id=self._registration.client_id,
            nonce=attempt.nonce,
            access_token=access_token,
            accepted_acr=accepted_acr(self._registration, step_up=attempt.step_up),
            begun_at=attempt.begun_at,
            authenticated_since=_authenticated_since(attempt),
            now=now,
        )
        claims = id_token.verify(
            token, find_key=lambda key_id: self._provider.key(key_id, now=now), expected=expected
        )
        if attempt.capacity is not Capacity.CITIZEN:
            official = official_in(claims, capacity=attempt.capacity, book=self._registration.roles)
            return OfficialIdentity(official, _authenticated_at(claims))
        return _identity(self._with_userinfo(claims, access_token, now=now))

    def machine(self, token: str, *, now: datetime) -> Caller | None:
        """Who is behind an access token that the provider gave to a machine; None for nobody.

        Asked at every use; `ProviderFault` when it cannot be.
        """
        registration = self._registration
        if not (registration.machine_organisations and TOKEN.fullmatch(token)):
            return None
        proof = prove(registration.client_id, registration.authentication, now=now)
        form = {"token": token, "token_type_hint": "access_token"}
        answer = self._provider.introspect(form | proof.form, proof.headers, now=now)
        return machine_in(answer, registration, now=now)

    def logout_url(self, *, state: str, now: datetime) -> str | None:
        """Where to end the log-in at the provider too; None when it offers no such address.

        The Flemish log-in wants `client_id` and no `id_token_hint`, so no token is kept for it.
        """
        endpoint = self._provider.metadata(now=now).end_session_endpoint
        if endpoint is None:
            return None
        request = {
            "client_id": self._registration.client_id,
            "post_logout_redirect_uri": self._registration.post_logout_redirect_uri,
            "state": state,
        }
        return with_query(endpoint, request)

    def _redeem(self, code: str, attempt: LoginAttempt, *, now: datetime) -> tuple[str, str]:
        """Steps 7 and 8: ID token and access token for a code."""
        proof = prove(self._registration.client_id, self._registration.authentication, now=now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._registration.redirect_uri,
            "code_verifier": attempt.code_verifier,
        }
        answer = self._provider.redeem(form | proof.form, proof.headers, now=now)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        bearer = str(answer.get("token_type")).lower() == "bearer"
        if not (bearer and _is_token(token) and _is_token(access_token)):
            raise LoginRefused(Cause.TOKEN_RESPONSE)
        return token, access_token

    def _with_userinfo(self, claims: Claims, access_token: str, *, now: datetime) -> Claims:
        """Step 24: the signed claims, completed where one about the person is missing."""
        if claims.keys() >= PERSON_CLAIMS:
            return claims
        userinfo = self._provider.userinfo(access_token, now=now)
        if userinfo.get("sub") != claims["sub"]:
            raise LoginRefused(Cause.USERINFO)
        return {**userinfo, **claims}


def _identity(claims: Claims) -> Identity:
    """Steps 25 to 27."""
    if claims.get("vo_doelgroepcode", Capacity.CITIZEN) != Capacity.CITIZEN:
        raise LoginRefused(Cause.CAPACITY)
    return Identity(
        issuer=claims["iss"],
        subject=claims["sub"],
        insz=_insz(claims.get("rrn")),
        given_name=_name(claims.get("given_name")),
        family_name=_name(claims.get("family_name")),
        acr=claims["acr"],
        authenticated_at=_authenticated_at(claims),
    )


def _authenticated_at(claims: Claims) -> datetime:
    return datetime.fromtimestamp(claims.get("auth_time", claims["iat"]), UTC)


def _insz(rrn: object) -> Insz:
    if rrn is None:
        raise LoginRefused(Cause.NATIONAL_NUMBER_MISSING)
    if not isinstance(rrn, str) or len(rrn) != INSZ_LENGTH or not rrn.isascii():
        raise LoginRefused(Cause.NATIONAL_NUMBER)
    try:
        return Insz(ssn.validate(rrn))
    except (ValidationError, ValueError) as error:
        raise LoginRefused(Cause.NATIONAL_NUMBER) from error


def _name(claim: object) -> str:
    name = " ".join(claim.split()) if isinstance(claim, str) else ""
    if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise LoginRefused(Cause.NAME)
    return name


def _authenticated_since(attempt: LoginAttempt) -> datetime | None:
    if attempt.max_age_s is None:
        return None
    return attempt.begun_at - timedelta(seconds=attempt.max_age_s)


def _is_token(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and bool(value)
