"""A simulated Flemish log-in: a strict OpenID provider over real HTTP, which lies on request.

Paths, claims, the 30-second code and RS256 are those of the real one. Requests are judged
strictly: registered addresses only, PKCE S256, granted scopes, client authentication,
every code and assertion once. `POST /_control` makes it lie (`lies`) or rotate its key.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from jwt.algorithms import RSAAlgorithm

from demo.identity_provider import pages
from demo.identity_provider.bends import Document, Lie, b64
from demo.identity_provider.clients import Client, authenticated
from demo.identity_provider.faults import echo, send
from demo.identity_provider.grants import (
    ACR,
    AuthenticationRequest,
    Grant,
    Person,
    Refusal,
    accept,
    belongs,
    person_claims,
)
from demo.identity_provider.lies import LIES, QUIRKS
from demo.identity_provider.machines import MachineToken, described, give

TOKEN_LIFETIME_S = 3_600


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the provider and its name."""

    kid: str
    private_key: rsa.RSAPrivateKey

    def jwk(self) -> Document:
        """The public half (RFC 7517)."""
        public: Document = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {
            "kty": "RSA",
            "kid": self.kid,
            "use": "sig",
            "alg": "RS256",
            "n": public["n"],
            "e": public["e"],
        }


class IdentityProvider:
    """The provider's memory and its endpoints."""

    def __init__(
        self,
        people: Iterable[Person],
        *,
        issuer: str,
        clients: Iterable[Client],
        clock: Callable[[], datetime],
    ) -> None:
        self._issuer = issuer
        self._people = {person.key: person for person in people}
        self._clients = {client.client_id: client for client in clients}
        self._clock = clock
        self._keys = [_new_key()]
        self._waiting: dict[str, AuthenticationRequest] = {}
        self._codes: dict[str, Grant] = {}
        # Code -> access token: a code that comes twice takes back what it gave (RFC 6749 4.1.2).
        self._spent: dict[str, str] = {}
        self._access: dict[str, Grant] = {}
        self._machine_tokens: dict[str, MachineToken] = {}
        self._assertions: set[str] = set()
        self._lie = Lie()

    async def discovery(self) -> Response:
        """`/.well-known/openid-configuration`."""
        at = f"{self._issuer}/v1"
        document = {
            "issuer": self._issuer,
            "authorization_endpoint": f"{at}/auth",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo",
            "introspection_endpoint": f"{at}/introspect",
            "jwks_uri": f"{at}/keys",
            "end_session_endpoint": f"{at}/logout",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return await send(self._lie.metadata(document), self._lie.faults.get("discovery"))

    async def keys(self) -> Response:
        """The JWK Set: the present key and the one before it."""
        document = {"keys": [key.jwk() for key in self._keys[-2:]]}
        return await send(self._lie.jwks(document), self._lie.faults.get("keys"))

    async def auth(self, request: Request) -> Response:
        """Judge an authentication request and let a person be chosen."""
        pairs = request.query_params.multi_items()
        asked = dict(pairs)
        client = self._clients.get(asked.get("client_id", ""))
        redirect_uri = asked.get("redirect_uri", "")
        if client is None or redirect_uri not in client.redirect_uris or len(asked) != len(pairs):
            # Nothing is sent to an address that nobody registered.
            return pages.refused("Deze toepassing is niet (zo) geregistreerd.")
        try:
            accepted = accept(asked)
        except Refusal as refusal:
            answer = {"error": str(refusal), "state": asked.get("state"), "iss": self._issuer}
            return _redirect(redirect_uri, answer)
        request_id = secrets.token_urlsafe(16)
        self._waiting[request_id] = accepted
        people = [
            (person.key, f"{person.given_name} {person.family_name}: {person.label['nl']}")
            for person in self._people.values()
            if person.organisation["vo_doelgroepcode"] == accepted.capacity
        ]
        means = [(acr, ACR[acr]) for acr in accepted.acr_values]
        return pages.choose_person(people, means, request_id=request_id)

    async def choice(self, request: Request) -> Response:
        """The person's answer on that page: back to the application."""
        form = dict(parse_qsl((await request.body()).decode()))
        waiting = self._waiting.pop(form.get("request", ""), None)
        if waiting is None:
            return pages.refused("Deze aanmelding is al afgelopen.")
        answer: Document = {"state": waiting.state, "iss": self._issuer}
        if form.get("decision") == "cancel":
            answer["error"] = "access_denied"
        else:
            person, acr = self._people.get(form.get("person", "")), form.get("acr", "")
            if person is None or acr not in waiting.acr_values:
                return pages.refused("Kies iemand en een middel om aan te melden.")
            answer["code"] = secrets.token_urlsafe(32)
            self._codes[answer["code"]] = Grant(waiting, person, acr, self._clock())
        return _redirect(waiting.redirect_uri, self._lie.callback(answer))

    async def token(self, request: Request) -> Response:
        """Exchange a code (RFC 6749 section 4.1.3), or serve a machine (section 4.4)."""
        pairs = parse_qsl((await request.body()).decode())
        form = dict(pairs)
        try:
            if form.get("grant_type") == "client_credentials":
                return JSONResponse(self._for_machine(form, request.headers))
            grant = self._redeem(form if len(form) == len(pairs) else {}, request.headers)
        except Refusal as refusal:
            status = 401 if str(refusal) == "invalid_client" else 400
            return JSONResponse({"error": str(refusal)}, status, {"Cache-Control": "no-store"})
        access_token = secrets.token_urlsafe(32)
        self._access[access_token] = grant
        self._spent[form["code"]] = access_token
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME_S,
            "scope": " ".join(sorted(grant.request.scopes)),
            "id_token": self._id_token(grant, access_token),
        }
        return await send(self._lie.answer(answer), self._lie.faults.get("token"))

    async def introspect(self, request: Request) -> Response:
        """What a machine's access token is worth, for an application that proves itself."""
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            self._proven(form, request.headers)
        except Refusal as refusal:
            return JSONResponse({"error": str(refusal)}, 401)
        token = self._machine_tokens.get(form.get("token", ""))
        document = described(token, issuer=self._issuer, now=self._clock())
        return await send(document, self._lie.faults.get("introspect"))

    async def userinfo(self, request: Request) -> Response:
        """The claims of an access token (OpenID Connect Core section 5.3)."""
        scheme, _, access_token = request.headers.get("authorization", "").partition(" ")
        grant = self._access.get(access_token)
        if scheme.lower() != "bearer" or grant is None:
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": "Bearer"})
        document = person_claims(grant)
        return await send(self._lie.userinfo(document), self._lie.faults.get("userinfo"))

    async def logout(self, request: Request) -> Response:
        """End the log-in and go back, if to a registered address."""
        asked = request.query_params
        client = self._clients.get(asked.get("client_id", ""))
        target = asked.get("post_logout_redirect_uri")
        if target is None:
            return pages.signed_out()
        if client is None or target not in client.post_logout_redirect_uris:
            return pages.refused("Dit adres is niet geregistreerd.")
        return _redirect(target, {"state": asked.get("state")})

    async def control(self, request: Request) -> Response:
        """`{"lie": name or null}` and `{"rotate_keys": true}`; answers with all names."""
        order = await request.json()
        if "lie" in order:
            self._lie = Lie() if order["lie"] is None else (LIES | QUIRKS)[order["lie"]]
        if order.get("rotate_keys"):
            self._keys.append(_new_key())
        return JSONResponse({"lies": list(LIES), "quirks": list(QUIRKS)})

    def _for_machine(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Document:
        given = give(self._proven(form, headers), form, now=self._clock())
        access_token = secrets.token_urlsafe(32)
        self._machine_tokens[access_token] = given
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME_S,
            "scope": given.scope,
        }

    def _proven(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Client:
        client = authenticated(
            self._clients,
            form,
            headers,
            audience=self._issuer,
            spent=self._assertions,
            now=self._clock(),
        )
        if client is None:
            raise Refusal("invalid_client")
        return client

    def _redeem(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Grant:
        client = self._proven(form, headers)
        if form.get("grant_type") != "authorization_code":
            raise Refusal("unsupported_grant_type")
        code = form.get("code", "")
        self._access.pop(self._spent.get(code, ""), None)
        grant = self._codes.pop(code, None)
        if grant is None or not belongs(grant, client, form, now=self._clock()):
            raise Refusal("invalid_grant")
        return grant

    def _id_token(self, grant: Grant, access_token: str) -> str:
        key, now_s = self._keys[-1], int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": grant.request.client_id,
            "azp": grant.request.client_id,
            "iat": now_s,
            "exp": now_s + TOKEN_LIFETIME_S,
            "at_hash": b64(hashlib.sha256(access_token.encode()).digest()[:16]),
            "nonce": grant.request.nonce,
            "acr": grant.acr,
            **person_claims(grant),
        }
        if grant.request.wants_auth_time:
            claims["auth_time"] = int(grant.at.timestamp())
        header = {"alg": "RS256", "typ": "JWT", "kid": key.kid}
        return self._lie.seal(self._lie.header(header), self._lie.claims(claims), key.private_key)


def create_app(
    people: Iterable[Person],
    *,
    issuer: str,
    clients: Iterable[Client],
    clock: Callable[[], datetime],
) -> FastAPI:
    """The provider as an application; `issuer` is its public address and ends in `/op`."""
    provider = IdentityProvider(people, issuer=issuer, clients=clients, clock=clock)
    app = FastAPI(title="Simulated log-in", openapi_url=None)
    for path, endpoint, method in (
        ("/op/.well-known/openid-configuration", provider.discovery, "GET"),
        ("/op/v1/keys", provider.keys, "GET"),
        ("/op/v1/auth", provider.auth, "GET"),
        ("/op/v1/auth/choice", provider.choice, "POST"),
        ("/op/v1/token", provider.token, "POST"),
        ("/op/v1/introspect", provider.introspect, "POST"),
        ("/op/v1/userinfo", provider.userinfo, "GET"),
        ("/op/v1/logout", provider.logout, "GET"),
        ("/_control", provider.control, "POST"),
        ("/_echo", echo, "GET"),
    ):
        app.add_api_route(path, endpoint, methods=[method])
    return app


def _redirect(target: str, answer: Mapping[str, str | None]) -> Response:
    query = urlencode({name: value for name, value in answer.items() if value is not None})
    return RedirectResponse(f"{target}?{query}", status_code=303)


def _new_key() -> SigningKey:
    return SigningKey(secrets.token_hex(8), rsa.generate_private_key(65537, 2048))
