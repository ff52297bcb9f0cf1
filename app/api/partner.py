"""For tills, box offices, libraries and webshops: one endpoint for every kind of code.

Translates between the partner's JSON and `app.verification`; the rules are there. An
invalid card is an answer (200, `valid: false`), never an HTTP error.
"""

import re
import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from app.api.deps import House, Now, TheHouse
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.cards.initials import initials_text
from app.cards.numbers import card_number_of
from app.errors import NotFound, Unauthenticated
from app.verification.recorder import Presentation
from app.verification.records import recorded
from app.verification.tills import PresentedKey, read_key
from app.verification.verdict import Asked, Grade, Reason, Verdict
from app.web.verdict_texts import verdict_message

router = APIRouter(tags=["partner"])

JSON = re.compile(r"application/([!-~]+\+)?json")
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


async def till_key(request: Request, house: TheHouse) -> PresentedKey:
    """The till key of the request; only the Authorization header is looked at."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    key = read_key(text.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        house.limits.count("refused-key", address(request))
        raise Unauthenticated("A till key (lk_live_… or lk_test_…) is needed as Bearer token.")
    return key


Key = Annotated[PresentedKey, Depends(till_key)]


async def json_only(request: Request, _: Key) -> None:
    """415 for a body that does not call itself JSON (RFC 6839: or a dialect of it)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not JSON.fullmatch(media_type):
        raise HTTPException(415)


@router.post(
    "/api/v1/verifications", dependencies=[Depends(json_only)], responses=PROBLEM_RESPONSES
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
        asked=Asked(at=now, min_grade=question.min_grade),
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


@router.get("/.well-known/jwks.json")
def jwks(house: TheHouse, response: Response) -> dict[str, Any]:
    """The public keys of the card token, as a JWK Set (RFC 7517)."""
    response.headers["cache-control"] = f"public, max-age={JWKS_MAX_AGE_S}"
    return house.ring.keys.jwks()


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
