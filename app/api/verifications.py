"""The one answer that tills wait for, on a lean road: what is asked, what is told, and the route.

A plain Starlette route: FastAPI's dependencies and models cost more than the verdict itself. So
it checks key, media type and body by itself, in this order, and its description in the OpenAPI
document comes from the types below (docs/decisions/0019-the-lean-route.md).
"""

import re
import uuid
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.askers import EITHER, at_till, presented
from app.api.deps import House, moment
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.api.quotas import code_of
from app.cards.initials import initials_text
from app.cards.numbers import card_number_of, webshop_code_of
from app.errors import Conflict
from app.verification.late import AHEAD, LATEST
from app.verification.recorder import Presentation
from app.verification.verdict import Asked, Channel, Grade, Reason, Upload, Verdict

PATH = "/api/v1/verifications"
JSON = re.compile(r"application/([!-~]+\+)?json")
MISSING = re.compile(r"Object missing required field `(\w+)`")
PLACE = re.compile(r" - at `\$([.\w]*)`\Z")
REMOTE = {Channel.WEBSHOP, Channel.PHONE}


def told(description: str, **more: Any) -> msgspec.Meta:  # noqa: ANN401 - as msgspec.Meta
    """What the description of the API says of a field."""
    return msgspec.Meta(description=description, **more)


class Offline(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When a till checked a code without a network, and its own name for that check."""

    scanned_at: Annotated[datetime, told("At most seven days ago.", tz=True)]
    nonce: Annotated[uuid.UUID, told("Drawn by the till; the same check is recorded once.")]


class VerificationRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A code as it was scanned or typed, raw: reading it leniently is our task."""

    presentation: Annotated[
        str,
        told(
            "The whole scanned text, or the number as typed.",
            examples=["HTTPS://KAART.EXAMPLE/1200PP3B58003SYQC…"],
        ),
    ]
    channel: Channel
    till_id: Annotated[
        uuid.UUID | None, told("The till; required with an access token, else that of the key.")
    ] = None
    min_grade: Annotated[Grade, told("The least freshness you accept.")] = Grade.STATIC
    benefit_id: Annotated[
        uuid.UUID | None, told("What the card was shown for, as far as you want to count it.")
    ] = None
    offline: Annotated[
        Offline | None, told("Of a check made without a network: docs/offline.md.")
    ] = None


class Holder(msgspec.Struct, frozen=True):
    """What staff compare with an identity card."""

    initials: str


class Verification(msgspec.Struct, frozen=True):
    """The verdict; refused cards have the same shape as accepted ones."""

    verification_id: str
    valid: bool
    reason: Reason
    grade: Grade | None
    carrier: Annotated[str | None, told("web, apple, google, paper; null for a typed number")]
    holder: Annotated[Holder | None, told("Only of a valid card, and only in person.")]
    expires_on: Annotated[date | None, told("Last day of the card year.")]
    advice: Annotated[tuple[str, ...], told("`check_id`: look at an identity card.")]
    checked_at: datetime
    repeat: Annotated[bool, told("The same code at the same till within 120 s: counted once.")]
    test: bool
    end_user_message: Annotated[dict[str, str], told("nl, fr, en, de; may be shown as it is.")]


DECODER = msgspec.json.Decoder(VerificationRequest)
ENCODER = msgspec.json.Encoder()


def require_json(request: Request) -> None:
    """415 for a body that does not call itself JSON (RFC 6839: or a dialect of it)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not JSON.fullmatch(media_type):
        raise HTTPException(415)


async def verify(request: Request) -> Response:
    """Say whether a presented code stands for a valid card, and record the check."""
    # FastAPI's own routes say by themselves which one answers.
    request.scope["route"] = ROUTE
    house: House = request.state.house
    now = await moment(request)
    shown = presented(request, house)
    require_json(request)
    question = _question(await request.body())
    key = at_till(shown, question.till_id, named_in="body")
    partner = house.recorder.partner_of(key) or key
    card = partner, code_of(question.presentation)
    askers = {"address": address(request), "partner": partner, "card": card}
    quotas = house.quotas.take(askers, now=now)
    if card_number_of(question.presentation):
        house.limits.count("typed-number", key.id)
    elif webshop_code_of(question.presentation):
        house.limits.count("webshop-code", key.id)
    verdict = await house.recorder.verify(
        Presentation(
            text=question.presentation,
            key=key,
            till_id=question.till_id,
            channel=question.channel,
            benefit_id=question.benefit_id,
            asked=_asked(question, now),
        )
    )
    response = answer(house, verdict, question.channel)
    response.headers.update(quotas)
    return response


def answer(house: House, verdict: Verdict, channel: Channel) -> Response:
    """A verdict as tills get it."""
    initials = initials_text(verdict.initials)
    shown = verdict.valid and initials and channel not in REMOTE
    told = Verification(
        verification_id=f"vrf_{verdict.verification_id}",
        valid=verdict.valid,
        reason=verdict.reason,
        grade=verdict.grade,
        carrier=verdict.carrier.label if verdict.carrier else None,
        holder=Holder(initials) if shown else None,
        expires_on=verdict.expires_on,
        advice=verdict.advice,
        checked_at=verdict.checked_at,
        repeat=verdict.repeat,
        test=verdict.test,
        end_user_message=house.verdict_messages[verdict.reason],
    )
    return Response(ENCODER.encode(told), media_type="application/json")


ROUTE = Route(PATH, verify, methods=["POST"])


def schemas() -> dict[str, Any]:
    """The JSON schemas of what is asked and told, by name."""
    types = (VerificationRequest, Verification)
    template = "#/components/schemas/{name}"
    _, found = msgspec.json.schema_components(types, ref_template=template)
    return found


DRAFT = "draft-ietf-httpapi-ratelimit-headers"
FIELDS = {
    "RateLimit-Policy": "The quotas per address, partner and card: checks and seconds",
    "RateLimit": "What is left of each, and for how many seconds",
}
# The operation as the OpenAPI document has it.
OPERATION: dict[str, Any] = {
    "tags": ["partner"],
    "summary": "Verify",
    "description": verify.__doc__,
    "operationId": "verify",
    "security": EITHER,
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/VerificationRequest"}}
        },
    },
    "responses": {
        "200": {
            "description": "The verdict.",
            "headers": {
                name: {"description": f"{said} ({DRAFT}).", "schema": {"type": "string"}}
                for name, said in FIELDS.items()
            },
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Verification"}}
            },
        },
    }
    | PROBLEM_RESPONSES,
}


def _question(body: bytes) -> VerificationRequest:
    try:
        return DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestValidationError([_fault(str(error))]) from error


def _fault(said: str) -> dict[str, Any]:
    """Where and what kind of fault, in our own words: the library's repeat what was sent."""
    place = PLACE.search(said)
    path = ["body", *place[1].split(".")[1:]] if place else ["body"]
    if missing := MISSING.match(said):
        return {"type": "missing", "loc": (*path, missing[1])}
    if said.startswith("Object contains unknown field"):
        return {"type": "extra_forbidden", "loc": (*path, "?")}
    return {"type": "not_as_described" if place else "json_invalid", "loc": tuple(path)}


def _asked(question: VerificationRequest, now: datetime) -> Asked:
    if question.offline is None:
        return Asked(at=now, min_grade=question.min_grade)
    scanned_at = question.offline.scanned_at
    if not -AHEAD <= now - scanned_at <= LATEST:
        raise Conflict("This scan is from the future, or older than seven days; it was not kept.")
    # Never later than now: a phone holds codes of the next minutes.
    return Asked(
        at=min(scanned_at, now),
        min_grade=question.min_grade,
        upload=Upload(question.offline.nonce, now),
    )
