"""For Apple Wallet: the PassKit Web Service, its paths and status codes exactly as Apple's.

Phones give up on a service that answers otherwise: 401 means a wrong token and nothing else, a
fault of ours is 503, which they try again. Hides HTTP dates, headers and bodies from
`app.passes.apple.registrations`, where the rules are.
"""

import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from app.api.deps import Now, TheHouse, credential
from app.api.limits import address
from app.cards.model import WalletPass
from app.errors import Failure, Unauthenticated, Unavailable
from app.passes.apple import registrations
from app.passes.apple.passes import MEDIA_TYPE
from app.passes.codes import content_of

MAX_BODY_BYTES = 4 * 1024
SCHEME = "ApplePass"
MAX_LOG_ENTRIES = 20
MAX_LOG_LENGTH = 500
# Tokens, serials, codes: what a device writes of itself may hold any of them.
SECRET_LIKE = re.compile(r"[0-9A-Za-z]{20,}", re.ASCII)

Body = TypeVar("Body", bound=BaseModel)

log = structlog.get_logger()


class ServiceRoute(APIRoute):
    """A route whose unforeseen faults are 503: phones come back after that, not after a 500."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler with that one difference."""
        handle = super().get_route_handler()

        async def handle_or_postpone(request: Request) -> Response:
            try:
                return await handle(request)
            except (Failure, HTTPException, RequestValidationError):
                raise
            except Exception as fault:
                log.exception("apple-web-service", fault=type(fault).__name__)
                raise Unavailable("This cannot be answered now.", retry_after_s=60) from fault

        return handle_or_postpone


router = APIRouter(
    prefix="/apple/v1", tags=["Apple Wallet"], include_in_schema=False, route_class=ServiceRoute
)

Device = Annotated[str, Path(alias="deviceLibraryIdentifier", pattern="^[0-9A-Za-z_-]{1,100}$")]
PassType = Annotated[str, Path(alias="passTypeIdentifier")]
Serial = Annotated[str, Path(alias="serialNumber", pattern="^[0-9A-Za-z_-]{1,100}$")]

REGISTRATIONS = "/devices/{deviceLibraryIdentifier}/registrations/{passTypeIdentifier}"
PASS = "/passes/{passTypeIdentifier}/{serialNumber}"  # noqa: S105 - a path


class RegistrationBody(BaseModel):
    """What a device sends when it registers; the token becomes part of an address at Apple's."""

    model_config = ConfigDict(hide_input_in_errors=True)

    push_token: str = Field(alias="pushToken", pattern="^[0-9A-Fa-f]{32,200}$")


class LogBody(BaseModel):
    """What devices tell of their troubles; anybody may send it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    logs: list[str]


def their_pass(
    request: Request, pass_type: PassType, serial: Serial, house: TheHouse
) -> WalletPass:
    """The pass whose own token came with the request (`Authorization: ApplePass …`)."""
    token = credential(request, SCHEME)
    with house.database.reading() as session:
        found = registrations.authenticated(
            session,
            serial,
            token,
            pass_type_identifier=house.apple.pass_type_identifier,
            keys=house.ring.keys,
        )
    of_ours = pass_type == house.apple.pass_type_identifier
    if found is None or not of_ours:
        raise Unauthenticated("This is not the token of this pass.")
    return found


TheirPass = Annotated[WalletPass, Depends(their_pass)]


async def small_body(request: Request) -> bytes:
    """The body of a device's request; 413 as soon as it is longer than devices send."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413)
    return body


SmallBody = Annotated[bytes, Depends(small_body)]


@router.post(REGISTRATIONS + "/{serialNumber}")
def register(
    device: Device, wallet_pass: TheirPass, body: SmallBody, house: TheHouse, now: Now
) -> Response:
    """A device wants to hear of a pass: 201 when it is new, 200 when it was known."""
    push_token = _read(RegistrationBody, body).push_token
    new = house.database.transact(
        lambda session: registrations.register(session, wallet_pass.id, device, push_token, now=now)
    )
    return Response(status_code=201 if new else 200)


@router.delete(REGISTRATIONS + "/{serialNumber}")
def unregister(device: Device, wallet_pass: TheirPass, house: TheHouse, now: Now) -> Response:
    """A device does not want to hear of a pass any more; it need not have been known."""
    house.database.transact(
        lambda session: registrations.unregister(session, wallet_pass.id, device, now=now)
    )
    return Response(status_code=200)


@router.get(REGISTRATIONS)
def updated_passes(
    device: Device, pass_type: PassType, request: Request, house: TheHouse, now: Now
) -> Response:
    """The serials of the device's passes that changed since its tag, or 204; no token is asked."""
    if pass_type != house.apple.pass_type_identifier:
        return Response(status_code=204)
    asked = request.query_params
    since = asked.get("passesUpdatedSince", asked.get("previousLastUpdated"))
    with house.database.reading() as session:
        touch_due = registrations.is_touch_due(session, device, now=now)
        listing = registrations.listing(session, device, since)
    if touch_due:
        house.database.transact(lambda writing: registrations.touch(writing, device, now=now))
    if not listing.serials:
        return Response(status_code=204)
    return JSONResponse(
        {"serialNumbers": listing.serials, "lastUpdated": listing.tag},
        headers={"cache-control": "no-store"},
    )


@router.api_route(PASS, methods=["GET", "HEAD"])
def latest_pass(request: Request, wallet_pass: TheirPass, house: TheHouse, now: Now) -> Response:
    """The pass as it is now, voided ones too; 304 when the device has it already."""
    headers = {
        "last-modified": format_datetime(wallet_pass.revised_at.astimezone(UTC), usegmt=True),
        "cache-control": "no-store",
    }
    if _has_it(request.headers.get("if-modified-since"), wallet_pass.revised_at):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        answer = Response(headers=headers, media_type=MEDIA_TYPE)
        # How long the pass would be is not known before it is signed.
        del answer.headers["content-length"]
        return answer
    token = credential(request, SCHEME)
    content = content_of(wallet_pass, keys=house.ring.keys, base=house.code_base)
    signed = house.apple.make(content, authentication_token=token, now=now)
    house.database.transact(
        lambda session: registrations.note_download(
            session, wallet_pass.id, generation=wallet_pass.generation, now=now
        )
    )
    return Response(signed, headers=headers, media_type=MEDIA_TYPE)


@router.post("/log")
def device_log(request: Request, body: SmallBody, house: TheHouse) -> Response:
    """What devices tell of their troubles, kept for whoever looks after the service."""
    house.limits.count("device-log", address(request))
    for entry in _read(LogBody, body).logs[:MAX_LOG_ENTRIES]:
        log.warning("apple-device", said=_harmless(entry))
    return Response(status_code=200)


def _harmless(entry: str) -> str:
    """A stranger's text without line breaks, secrets or excess."""
    printable = "".join(sign if sign.isprintable() else " " for sign in entry)
    return SECRET_LIKE.sub("[blanked]", printable)[:MAX_LOG_LENGTH]


def _has_it(if_modified_since: str | None, revised_at: datetime) -> bool:
    """Whether the device's version is as new as ours, in whole seconds (RFC 9110, 13.1.3)."""
    try:
        theirs = parsedate_to_datetime(if_modified_since or "")
    except ValueError:
        return False  # An unreadable date is no condition.
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return theirs >= revised_at.replace(microsecond=0)


def _read(model: type[Body], body: bytes) -> Body:
    try:
        return model.model_validate_json(body)
    except ValidationError as fault:
        raise HTTPException(400) from fault
