"""The personnel file of the Ministry (EPD), simulated: tokens, files, changes, repertorium.

Strict where the real one may be, so that what passes here passes there: every header of the
contract is asked for, a correlation id counts once, and no national number may stand in a header.
`POST /_control` scripts faults and changes people, `POST /_push` lets the sync job send changes,
`GET /_state` tells what was asked; none of them exists at the real one.
"""

import argparse
import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import unquote_plus
from uuid import UUID
from zoneinfo import ZoneInfo

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from demo import epd_push
from demo.epd_faults import Fault, problem, struck
from demo.epd_feed import Feed
from demo.population import Person, Record, cast
from demo.sync_job import SyncJob

SCOPE = "ond_epd_lerarenkaart_read"
CLIENT_ID = "lerarenkaart"
# For the demonstration only: a setting of the simulator, and a secret to nobody.
CLIENT_SECRET = "demo-epd-secret"  # noqa: S105 - see above
TOKEN_ISSUER = "https://authenticatie-ti.vlaanderen.be/op"  # noqa: S105 - an address
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH = "/op/v1/token"  # noqa: S105 - an address
STATUS_PATH = "/v1/personeelsleden/status"
CHANGES_PATH = "/v1/mutaties"
REGISTRATIONS_PATH = "/v1/inschrijvingen"
MAX_PAGE = 400
LEGAL_CONTEXT = "LERARENKAART"

router = APIRouter()


@dataclass(slots=True)
class World:
    """Who is on file, who may ask, what was asked, and what is about to go wrong."""

    client_id: str
    client_secret: str
    public_key: RSAPublicKey | None
    token_lifetime_s: int
    people: dict[str, Record] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    feed: Feed = field(default_factory=Feed)
    # Our consumer's own reference to the number that it wants to hear of.
    registered: dict[str, str] = field(default_factory=dict)
    repertorium: bool = False
    # Token to the moment of its end on the monotonic clock.
    tokens: dict[str, float] = field(default_factory=dict)
    correlation_ids: set[str] = field(default_factory=set)
    assertion_ids: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def tell(self, insz: str, kind: str, *, new: str | None = None) -> None:
        """Put a change in the feed, where it may name this person."""
        if not self.repertorium or insz in self.registered.values():
            self.feed.tell(insz, kind, new=new)


class Control(BaseModel):
    """A change of the world; `faults` replaces the script and counts requests anew."""

    model_config = ConfigDict(extra="forbid")

    faults: list[Fault] | None = None
    # Files to keep (contract 4.2), by the number inside them.
    people: list[Record] = []
    forgotten: list[str] = []
    # Old number to new number.
    replaced: dict[str, str] = {}
    end_tokens: bool = False
    # Items for the feed, whatever they hold.
    feed: list[Record] = []
    # From now on the feed names only who is registered.
    repertorium: bool | None = None
    # Answer every cursor given so far with 410.
    end_cursors: bool = False


class Question(BaseModel):
    """The body of contract 4.2, and nothing beside it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    insz: str
    peildatum: date
    wettelijkeContext: str  # noqa: N815 - the contract's own word


class Wish(BaseModel):
    """The body of a registration (contract 4.2), and nothing beside it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    insz: str
    begindatum: date


def create_app(
    population: Iterable[Person],
    *,
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    public_key: RSAPublicKey | None = None,
    token_lifetime_s: int = 3600,
    job: SyncJob | None = None,
) -> FastAPI:
    """The service with these people on file; with a public key, private_key_jwt is accepted too."""
    app = FastAPI(title="EPD (simulation)", openapi_url=None)
    world = World(client_id, client_secret, public_key, token_lifetime_s)
    for person in population:
        if person.record is not None:
            world.people[person.record["insz"]] = person.record
        if person.replaced_by is not None:
            world.replaced[person.insz] = person.replaced_by
    app.state.world = world
    app.state.job = job
    app.include_router(router)
    app.include_router(epd_push.router)
    return app


@router.post(TOKEN_PATH)
async def token(request: Request) -> Response:
    """RFC 6749, section 4.4: client credentials for the one scope there is."""
    world: World = request.app.state.world
    world.requests.append(f"POST {TOKEN_PATH}")
    if reply := await struck(world.faults, request):
        return reply
    form = {name: str(value) for name, value in (await request.form()).items()}
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if not (_knows_secret(world, request) or _signed(world, form)):
        return JSONResponse({"error": "invalid_client"}, 401)
    if form.get("scope") != SCOPE:
        return JSONResponse({"error": "invalid_scope"}, 400)
    fresh = secrets.token_urlsafe(32)
    world.tokens[fresh] = time.monotonic() + world.token_lifetime_s
    content = {"access_token": fresh, "token_type": "Bearer", "expires_in": world.token_lifetime_s}
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


@router.post(STATUS_PATH)
async def status(request: Request) -> Response:
    """One person's whole file, whatever the day asked for."""
    world: World = request.app.state.world
    if reply := await _turned_away(world, request, STATUS_PATH):
        return reply
    try:
        question = Question.model_validate_json(await request.body())
    except ValidationError:
        return problem(request, 400, "De vraag is onleesbaar")
    reply = _answer(world, request, question)
    reply.headers["x-correlation-id"] = request.headers["x-correlation-id"]
    return reply


@router.get(CHANGES_PATH)
async def changes(request: Request) -> Response:
    """Whose files changed after a cursor; what is in them is for the other question."""
    world: World = request.app.state.world
    if reply := await _turned_away(world, request, CHANGES_PATH):
        return reply
    size = int(request.query_params.get("pagesize", MAX_PAGE))
    if not 1 <= size <= MAX_PAGE:
        return problem(request, 400, "pagesize is hoogstens 400")
    page = world.feed.page(request.query_params.get("after"), size)
    if page is None:
        return problem(request, 410, "De cursor wordt niet meer bewaard")
    return JSONResponse(page, headers={"x-correlation-id": request.headers["x-correlation-id"]})


@router.put(REGISTRATIONS_PATH + "/{reference}")
@router.delete(REGISTRATIONS_PATH + "/{reference}")
async def register(request: Request, reference: UUID) -> Response:
    """Enter a number in the repertorium under the consumer's reference, or strike it off."""
    world: World = request.app.state.world
    if reply := await _turned_away(world, request, REGISTRATIONS_PATH):
        return reply
    headers = {"x-correlation-id": request.headers["x-correlation-id"]}
    if request.method == "DELETE":
        world.registered.pop(str(reference), None)
        return Response(status_code=204, headers=headers)
    try:
        wish = Wish.model_validate_json(await request.body())
    except ValidationError:
        return problem(request, 400, "De inschrijving is onleesbaar")
    if not _checks(wish.insz):
        return problem(request, 400, "INSZ ongeldig", code="20002")
    world.registered[str(reference)] = wish.insz
    return Response(status_code=204, headers=headers)


@router.post("/_control")
async def control(request: Request, change: Control) -> dict[str, Literal[True]]:
    """Change the world."""
    world: World = request.app.state.world
    if change.faults is not None:
        world.faults, world.requests = change.faults, []
    if change.repertorium is not None:
        world.repertorium = change.repertorium
    for record in change.people:
        world.people[record["insz"]] = record
        world.tell(record["insz"], "OPDRACHT")
    for insz in change.forgotten:
        world.people.pop(insz, None)
    world.replaced |= change.replaced
    for old, new in change.replaced.items():
        world.tell(old, "INSZ_VERVANGEN", new=new)
    world.feed.items += change.feed
    if change.end_cursors:
        world.feed.end_cursors()
    if change.end_tokens:
        world.tokens.clear()
    return {"ok": True}


@router.get("/_state")
async def state(request: Request) -> dict[str, Any]:
    """What was asked since the faults were last scripted, and how many people are on file."""
    world: World = request.app.state.world
    registered = sorted(world.registered.values())
    return {"requests": world.requests, "people": len(world.people), "registered": registered}


def _knows_secret(world: World, request: Request) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return False
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return (unquote_plus(name), unquote_plus(secret)) == (world.client_id, world.client_secret)


def _signed(world: World, form: Mapping[str, str]) -> bool:
    """RFC 7523, section 3: our client's own key, this issuer, not used before."""
    if world.public_key is None or form.get("client_assertion_type") != ASSERTION_TYPE:
        return False
    try:
        claims = jwt.decode(
            form.get("client_assertion", ""),
            world.public_key,
            algorithms=["RS256"],
            audience=TOKEN_ISSUER,
            issuer=world.client_id,
            subject=world.client_id,
            options={"require": ["iss", "sub", "aud", "exp", "jti"]},
        )
    except jwt.InvalidTokenError:
        return False
    fresh = claims["jti"] not in world.assertion_ids
    world.assertion_ids.add(claims["jti"])
    return fresh


async def _turned_away(world: World, request: Request, path: str) -> Response | None:
    """Note what is asked, and answer in its place where a fault strikes or a header is wrong."""
    world.requests.append(f"{request.method} {path}")
    return await struck(world.faults, request) or _unwelcome(world, request)


def _unwelcome(world: World, request: Request) -> Response | None:
    """What is wrong with the headers, if anything is."""
    headers = request.headers
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or world.tokens.get(bearer, 0.0) < time.monotonic():
        return problem(request, 401, "Geen geldig token", headers={"WWW-Authenticate": "Bearer"})
    if headers.get("content-type") != "application/json":
        return problem(request, 415, "Alleen application/json")
    if headers.get("accept-language") != "nl":
        return problem(request, 400, "accept-language moet nl zijn")
    enduser_id = headers.get("x-magda-enduser-id", "")
    if not enduser_id or re.search("[0-9]{11}", enduser_id):
        return problem(request, 400, "x-magda-enduser-id ontbreekt of bevat een INSZ")
    return _uncorrelated(world, request)


def _uncorrelated(world: World, request: Request) -> Response | None:
    correlation_id = request.headers.get("x-correlation-id", "")
    try:
        proper = str(UUID(correlation_id)) == correlation_id
    except ValueError:
        proper = False
    if not proper or correlation_id in world.correlation_ids:
        return problem(request, 400, "x-correlation-id is geen nieuwe GUID")
    world.correlation_ids.add(correlation_id)
    return None


def _answer(world: World, request: Request, question: Question) -> Response:
    if question.wettelijkeContext != LEGAL_CONTEXT:
        return problem(request, 403, "Geen wettelijke context", code="40001")
    if not _checks(question.insz):
        return problem(request, 400, "INSZ ongeldig", code="20002")
    if new := world.replaced.get(question.insz):
        return problem(request, 409, "Nieuw INSZ", code="30004", nieuwInsz=new)
    record = world.people.get(question.insz)
    if record is None:
        return JSONResponse({"insz": question.insz, "code": "30001", "opdrachten": []})
    return JSONResponse(record)


def _checks(insz: str) -> bool:
    if not re.fullmatch(r"[0-9]{11}", insz):
        return False
    return any(97 - int(start + insz[:9]) % 97 == int(insz[9:]) for start in ("", "2"))


def main() -> None:
    """Serve on a port, and print what a client needs to know."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--on", type=date.fromisoformat, help="the day of the files; today")
    arguments = parser.parse_args()
    today = datetime.now(ZoneInfo("Europe/Brussels")).date()
    base_url = f"http://localhost:{arguments.port}"
    facts = {
        "EPD_BASE_URL": base_url,
        "EPD_TOKEN_URL": f"{base_url}{TOKEN_PATH}",
        "EPD_CLIENT_ID": CLIENT_ID,
        "EPD_CLIENT_SECRET": CLIENT_SECRET,
    }
    print(json.dumps(facts, indent=2), flush=True)
    uvicorn.run(create_app(cast(arguments.on or today)), port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
