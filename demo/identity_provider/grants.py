"""What the simulated log-in accepts: requests, and codes that come back. Pure.

As strict as the real one: granted scopes only, PKCE with S256 always, known means of
authentication, a code for 30 seconds.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from demo.identity_provider.bends import Document, b64
from demo.identity_provider.clients import Client

S256_LENGTH = 43
CODE_LIFETIME_S = 30
SCOPES = {
    "openid": ("sub",),
    "profile": ("given_name", "family_name"),
    "rrn": ("rrn",),
    "vo": ("vo_id", "vo_doelgroepcode", "vo_orgcode", "vo_orgnaam"),
    "lerarenkaart": ("lerarenkaart_rol_3d",),
}
MEANS = {
    "eid": "eID en kaartlezer",
    "itsme": "itsme",
    "eidashigh": "Europese kaart (hoog)",
    "csamtotp": "code via app",
    "csamsms": "code via sms",
    "eidassubstantial": "Europese kaart (substantieel)",
    "csampassword": "gebruikersnaam en wachtwoord",
}
ACR = {f"urn:be:vlaanderen:authmech:{means}": text for means, text in MEANS.items()}


class Person(Protocol):
    """Whom the log-in knows; the population of the demonstration fits."""

    @property
    def key(self) -> str:
        """A short name for forms and links."""

    @property
    def insz(self) -> str:
        """Eleven digits, synthetic."""

    @property
    def given_name(self) -> str:
        """As registered."""

    @property
    def family_name(self) -> str:
        """As registered."""

    @property
    def label(self) -> Mapping[str, str]:
        """What part they play, by language; nl is there."""

    @property
    def organisation(self) -> Mapping[str, Any]:
        """The claims of the organisation they act for; a citizen has `vo_doelgroepcode` BUR."""


@dataclass(frozen=True, slots=True)
class AuthenticationRequest:
    """A request that was accepted and waits for a person's choice."""

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    acr_values: tuple[str, ...]
    code_challenge: str
    state: str | None
    nonce: str | None
    wants_auth_time: bool
    # Whom the log-in page offers; who comes back is the person's choice all the same.
    capacity: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A person's consent, to be exchanged for tokens once."""

    request: AuthenticationRequest
    person: Person
    acr: str
    at: datetime


class Refusal(Exception):
    """An OAuth error code."""


def accept(asked: Mapping[str, str]) -> AuthenticationRequest:
    """The request, if it is one that the real log-in would take; else `Refusal`."""
    if asked.get("response_type") != "code" or asked.get("response_mode", "query") != "query":
        raise Refusal("unsupported_response_type")
    scopes = frozenset(asked.get("scope", "").split())
    if "openid" not in scopes or not scopes <= SCOPES.keys():
        raise Refusal("invalid_scope")
    challenge = asked.get("code_challenge", "")
    if asked.get("code_challenge_method") != "S256" or len(challenge) != S256_LENGTH:
        raise Refusal("invalid_request")
    acr_values = tuple(asked.get("acr_values", "").split())
    if not acr_values or not set(acr_values) <= ACR.keys():
        raise Refusal("invalid_request")
    return AuthenticationRequest(
        client_id=asked["client_id"],
        redirect_uri=asked["redirect_uri"],
        scopes=scopes,
        acr_values=acr_values,
        code_challenge=challenge,
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        wants_auth_time="max_age" in asked,
        capacity=_capacity(asked.get("login_hint", "")),
    )


def belongs(grant: Grant, client: Client, form: Mapping[str, str], *, now: datetime) -> bool:
    """Whether a code was given to this client, for this address and verifier, just now."""
    return (
        grant.request.client_id == client.client_id
        and grant.request.redirect_uri == form.get("redirect_uri")
        and grant.request.code_challenge == _s256(form.get("code_verifier", ""))
        and (now - grant.at).total_seconds() <= CODE_LIFETIME_S
    )


def person_claims(grant: Grant) -> Document:
    """The subject and what the granted scopes tell about the person."""
    person = grant.person
    claims = {
        "sub": "P" + hashlib.sha256(person.key.encode()).hexdigest()[:16],
        "given_name": person.given_name,
        "family_name": person.family_name,
        "rrn": person.insz,
        "vo_id": hashlib.sha256(f"account of {person.key}".encode()).hexdigest()[:32],
        **person.organisation,
    }
    granted = {claim for scope in grant.request.scopes for claim in SCOPES[scope]}
    return {claim: value for claim, value in claims.items() if claim in granted}


def _capacity(login_hint: str) -> str:
    """The capacity that the application asks for; that of a citizen where it asks for none."""
    try:
        return str(json.loads(base64.b64decode(login_hint, validate=True))["cap_hint"])
    except (ValueError, LookupError, TypeError):
        return "BUR"


def _s256(code_verifier: str) -> str:
    return b64(hashlib.sha256(code_verifier.encode()).digest())
