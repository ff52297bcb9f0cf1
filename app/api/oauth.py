"""Access tokens for machines: `POST /oauth2/token`, and the check that routes ask for.

Speaks OAuth's own language: errors here are those of RFC 6749 section 5.2, not problem documents,
because that is what OAuth libraries read. Proofs and tokens are judged in `app.identity`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.api.deps import House, Now, TheHouse, credential
from app.api.limits import address
from app.errors import Forbidden, Unauthenticated, Unavailable
from app.identity.access_tokens import (
    LIFETIME,
    Caller,
    Granted,
    callers,
    credentials_of,
    grant,
    read_token,
)
from app.identity.client_proof import ALGORITHMS, OAuthRefused, hold, proof_in
from app.identity.clients import Scope
from app.identity.discovery import RETRY_AFTER_S, ProviderFault

router = APIRouter(tags=["partner"])

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 12
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
# The names and their meaning are those of RFC 6749 section 4.4.2 and RFC 7523 section 2.2.
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "scope": {"type": "string"},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string"},
                        "client_assertion_type": {"type": "string"},
                        "client_assertion": {"type": "string"},
                    },
                }
            }
        },
    },
    "security": [],
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A token (RFC 6749 section 5.1)."},
    400: {"description": "A refusal (RFC 6749 section 5.2)."},
    401: {"description": "The client did not prove itself (RFC 6749 section 5.2)."},
}

log = structlog.get_logger()


@router.post(TOKEN_PATH, openapi_extra=FORM, responses=ANSWERS)
async def token(request: Request, house: TheHouse, now: Now) -> JSONResponse:
    """Give a client an access token for its proof (client_credentials)."""
    try:
        form = _form(request, await request.body())
        authorization = request.headers.get("authorization")
        granted = await run_in_threadpool(_granted, house, form, authorization, now)
    except OAuthRefused as refused:
        house.limits.count("refused-client", address(request))
        log.warning("token-refused", error=refused.error)
        return _refusal(refused)
    content = {
        "access_token": granted.token,
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
        "scope": granted.scopes,
    }
    return JSONResponse(content, headers=NO_STORE)


@router.get("/.well-known/oauth-authorization-server", openapi_extra={"security": []})
def metadata(house: TheHouse) -> dict[str, Any]:
    """What OAuth libraries want to know of us (RFC 8414)."""
    return {
        "issuer": house.public_url,
        "token_endpoint": house.public_url + TOKEN_PATH,
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": list(Scope),
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }


def requires(scope: Scope) -> Callable[..., Caller]:
    """A dependency for routes: the caller behind the Bearer token, who must have the scope."""

    def caller(request: Request, house: TheHouse, now: Now) -> Caller:
        found = _caller(request, house, now)
        if found is None:
            house.limits.count("refused-key", address(request))
            raise Unauthenticated("A valid access token is needed as Bearer token.")
        if scope not in found.scopes:
            raise Forbidden(f"This access token does not have the scope {scope}.")
        return found

    return caller


EpdWriter = Annotated[Caller, Depends(requires(Scope.EPD_WRITE))]
EpdReader = Annotated[Caller, Depends(requires(Scope.EPD_READ))]


def _caller(request: Request, house: House, now: datetime) -> Caller | None:
    text = credential(request, "Bearer")
    if not text:
        return None
    presented = read_token(text)
    if presented is None:
        house.limits.count("foreign-token", address(request))
        return _machine(house, text, now)
    with house.database.reading() as session:
        return callers(session, [presented], now=now).get(presented)


def _machine(house: House, token: str, now: datetime) -> Caller | None:
    """Whom the government's server vouches for, where its tokens are taken."""
    try:
        return house.oidc.machine(token, now=now)
    except ProviderFault as fault:
        log.warning("introspection-failed", fault=fault.detail)
        message = (
            "The server that gave this access token cannot be asked about it. "
            "Nothing was taken in: send the same request again in a moment."
        )
        raise Unavailable(message, retry_after_s=RETRY_AFTER_S) from fault


def _form(request: Request, body: bytes) -> dict[str, str]:
    """The parameters, each once; nothing may stand in the address, which ends up in logs."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM_TYPE or request.url.query:
        raise OAuthRefused("invalid_request", f"Send the parameters as {FORM_TYPE} in the body.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=False, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise OAuthRefused("invalid_request", "The body is not a form.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthRefused("invalid_request", "A parameter stands twice.")
    if "grant_type" not in form:
        raise OAuthRefused("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise OAuthRefused("unsupported_grant_type", "Only client_credentials is offered.")
    return form


def _granted(
    house: House, form: dict[str, str], authorization: str | None, now: datetime
) -> Granted:
    proof = proof_in(authorization, form)
    audiences = frozenset({house.public_url, house.public_url + TOKEN_PATH})
    with house.database.reading() as session:
        credentials = credentials_of(session, proof.client_id)
    proven = hold(proof, credentials, audiences=audiences, now=now)
    client_id = proven.credential.client_id
    house.limits.count("token", client_id)
    granted = house.database.transact(
        lambda session: grant(session, proven, wanted=form.get("scope"), now=now)
    )
    log.info("token-granted", client=client_id, credential=proven.credential.name)
    return granted


def _refusal(refused: OAuthRefused) -> JSONResponse:
    unproven = refused.error == "invalid_client"
    headers = NO_STORE | ({"www-authenticate": 'Basic realm="token"'} if unproven else {})
    content = {"error": refused.error, "error_description": str(refused)}
    return JSONResponse(content, 401 if unproven else 400, headers)
