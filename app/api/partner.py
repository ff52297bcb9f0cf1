"""For tills, box offices, libraries and webshops: one endpoint for every kind of code.

Translates between the partner's JSON and `app.verification`; the rules are there. An
invalid card is an answer (200, `valid: false`), never an HTTP error.
"""

import hashlib
import json
import re
import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from app.api.conditional import unless_known
from app.api.deps import House, Now, TheHouse
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.cards.initials import initials_text
from app.cards.numbers import card_number_of
from app.errors import Conflict, NotFound, Unauthenticated
from app.verification import enrolment
from app.verification.late import AHEAD, LATEST
from app.verification.recorder import Presentation
from app.verification.records import caller_of, recorded
from app.verification.tills import PresentedKey, read_key
from app.verification.verdict import Asked, Grade, Reason, Upload, Verdict
from app.web.verdict_texts import verdict_message

router = APIRouter(tags=["partner"])

JSON = re.compile(r"application/([!-~]+\+)?json")
OFFLINE_LIST_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JWS in compact form.",
        "content": {"application/jose": {"schema": {"type": "string"}}},
    },
    304: {"description": "What you have is the present list."},
}
JWKS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JWK Set.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    304: {"description": "What you have are the present keys."},
}
JWKS_MAX_AGE_S = 900  # an offline scanner fetches anew every 15 minutes


class Channel(StrEnum):
    """Where the card is shown: the first five in person, the last two from afar."""

    TILL = "till"
    BOX_OFFICE = "box_office"
    SCANNER = "scanner"
    EVENT = "event"
    LIBRARY = "library"
    WEBSHOP = "webshop"
    PHONE = "phone"


REMOTE = {Channel.WEBSHOP, Channel.PHONE}


class Offline(BaseModel):
    """When a till checked a code without a network, and its own name for that check."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    scanned_at: AwareDatetime = Field(description="At most seven days ago.")
    nonce: uuid.UUID = Field(description="Drawn by the till; the same check is recorded once.")


class VerificationRequest(BaseModel):
    """A code as it was scanned or typed, raw: reading it leniently is our task."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    presentation: str = Field(
        description="The whole scanned text, or the card number as typed.",
        examples=["HTTPS://KAART.EXAMPLE/1200PP3B58003SYQC…"],
    )
    channel: Channel
    till_id: uuid.UUID | None = Field(None, description="Must be the till of the key, if given.")
    min_grade: Grade = Field(Grade.STATIC, description="The least freshness you accept.")
    benefit_id: uuid.UUID | None = Field(
        None, description="What the card was shown for, as far as you want to count it."
    )
    offline: Offline | None = Field(
        None, description="Of a check that the till made without a network: docs/offline.md."
    )


class Holder(BaseModel):
    """What staff compare with an identity card."""

    initials: str


class VerificationResponse(BaseModel):
    """The verdict; refused cards have the same shape as accepted ones."""

    verification_id: str
    valid: bool
    reason: Reason
    grade: Grade | None
    carrier: str | None = Field(description="web, apple, google, paper; null for a typed number")
    holder: Holder | None = Field(description="Only of a valid card, and only in person.")
    expires_on: date | None = Field(description="Last day of the card year.")
    advice: list[str] = Field(description="`check_id`: look at an identity card.")
    checked_at: datetime
    repeat: bool = Field(description="The same code at the same till within 120 s: counted once.")
    test: bool
    end_user_message: dict[str, str] = Field(description="nl, fr, en, de; may be shown as it is.")


class EnrolmentRequest(BaseModel):
    """The code that the partner's office handed out, as typed or scanned."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    code: str = Field(examples=["E7KM3-PX9Q2-D4W8Z"])


class EnrolmentResponse(BaseModel):
    """A key of this device's own."""

    till_key: str = Field(description="lk_live_… or lk_test_…; keep it on this device only.")
    till_id: uuid.UUID
    till: str
    partner: str


async def till_key(request: Request, house: TheHouse) -> PresentedKey:
    """The till key of the request; only the Authorization header is looked at."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    key = read_key(text.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        house.limits.count("refused-key", address(request))
        raise Unauthenticated("A till key (lk_live_… or lk_test_…) is needed as Bearer token.")
    return key


Key = Annotated[PresentedKey, Depends(till_key)]


async def json_only(request: Request) -> None:
    """415 for a body that does not call itself JSON (RFC 6839: or a dialect of it)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not JSON.fullmatch(media_type):
        raise HTTPException(415)


@router.post(
    "/api/v1/verifications",
    # In this order: without a key nobody learns what else is wrong.
    dependencies=[Depends(till_key), Depends(json_only)],
    responses=PROBLEM_RESPONSES,
)
async def verify(
    question: VerificationRequest, key: Key, house: TheHouse, now: Now
) -> VerificationResponse:
    """Say whether a presented code stands for a valid card, and record the check."""
    if card_number_of(question.presentation):
        house.limits.count("typed-number", key.id)
    presentation = Presentation(
        text=question.presentation,
        key=key,
        till_id=question.till_id,
        channel=question.channel,
        benefit_id=question.benefit_id,
        asked=_asked(question, now),
    )
    verdict = await house.recorder.verify(presentation)
    return _response(house, verdict, question.channel)


@router.get("/api/v1/verifications/{verification_id}", responses=PROBLEM_RESPONSES)
def verification(verification_id: str, key: Key, house: TheHouse) -> VerificationResponse:
    """A verdict this partner got earlier; without initials, which are not stored."""
    try:
        scan_id = uuid.UUID(verification_id.removeprefix("vrf_"))
    except ValueError as error:
        raise NotFound("There is no such verification.") from error
    with house.database.reading() as session:
        verdict, channel = recorded(session, scan_id, key)
    return _response(house, verdict, Channel(channel))


@router.get("/.well-known/jwks.json", response_class=Response, responses=JWKS_RESPONSES)
async def jwks(request: Request, house: TheHouse) -> Response:
    """The public keys of the card token, as a JWK Set (RFC 7517)."""
    body = json.dumps(house.ring.keys.jwks(), separators=(",", ":")).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    caching = f"public, max-age={JWKS_MAX_AGE_S}"
    return unless_known(request, body, etag, "application/json", caching=caching)


@router.get(
    "/api/v1/offline-list",
    response_class=Response,
    responses=OFFLINE_LIST_RESPONSES | PROBLEM_RESPONSES,
)
def offline_list(request: Request, key: Key, house: TheHouse, now: Now) -> Response:
    """Which codes to refuse without a network, signed: docs/offline.md has the format."""
    with house.database.reading() as session:
        caller_of(session, key)
    found = house.offline_lists.current(test=key.test, now=now)
    jws = found.jws.encode("ascii")
    return unless_known(request, jws, found.etag, "application/jose", caching="private, no-cache")


@router.post(
    "/api/v1/tills/enrol",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=PROBLEM_RESPONSES,
    openapi_extra={"security": []},
)
def enrol_till(
    question: EnrolmentRequest, request: Request, house: TheHouse, now: Now
) -> EnrolmentResponse:
    """Exchange a one-time code for a till key of this device's own; it is shown this once."""
    house.limits.count("enrolment", address(request))
    found = house.database.transact(
        lambda session: enrolment.enrol(session, question.code, now=now)
    )
    return EnrolmentResponse(
        till_key=found.key, till_id=found.till_id, till=found.till, partner=found.partner
    )


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


def _response(house: House, verdict: Verdict, channel: Channel) -> VerificationResponse:
    initials = initials_text(verdict.initials)
    shown = verdict.valid and channel not in REMOTE and initials
    return VerificationResponse(
        verification_id=f"vrf_{verdict.verification_id}",
        valid=verdict.valid,
        reason=verdict.reason,
        grade=verdict.grade,
        carrier=verdict.carrier.label if verdict.carrier else None,
        holder=Holder(initials=initials) if shown else None,
        expires_on=verdict.expires_on,
        advice=list(verdict.advice),
        checked_at=verdict.checked_at,
        repeat=verdict.repeat,
        test=verdict.test,
        end_user_message=house.texts.in_four(verdict_message(verdict.reason)),
    )
