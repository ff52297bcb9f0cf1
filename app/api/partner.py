"""For tills, box offices, libraries and webshops: one endpoint for every kind of code.

Translates between the partner's JSON and `app.verification`; the rules are there. An
invalid card is an answer (200, `valid: false`), never an HTTP error.
"""

import hashlib
import json
import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.api.askers import TAKES_EITHER, Either, Key, asker_of, till_of
from app.api.conditional import unless_known
from app.api.deps import Now, TheHouse
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.api.verifications import answer, require_json
from app.errors import NotFound
from app.verification import afterwards, enrolment
from app.verification.callers import caller_of
from app.verification.receipts import receipt
from app.verification.records import recorded
from app.verification.verdict import Channel

router = APIRouter(tags=["partner"])

VERIFICATION_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The verdict.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Verification"}}},
    }
}
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


RECEIPT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JWS in compact form.",
        "content": {"application/jose": {"schema": {"type": "string"}}},
    }
}


class Voided(BaseModel):
    """A check that counts as no use any more."""

    verification_id: str
    voided_at: datetime


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


NamedTill = Annotated[
    uuid.UUID | None,
    Query(
        description="The till that checked; required with an access token, else that of the key."
    ),
]


@router.get(
    "/api/v1/verifications/{verification_id}",
    response_class=Response,
    responses=VERIFICATION_RESPONSES | PROBLEM_RESPONSES,
    openapi_extra=TAKES_EITHER,
)
def verification(verification_id: str, shown: Either, house: TheHouse, now: Now) -> Response:
    """A verdict this partner got earlier; without initials, which are not stored."""
    scan_id = _scan_id(verification_id)
    with house.database.reading() as session:
        asker = asker_of(session, shown, now=now)
        verdict, channel = recorded(session, scan_id, asker.partner_id)
    return answer(house, verdict, Channel(channel))


@router.post(
    "/api/v1/verifications/{verification_id}/void",
    responses=PROBLEM_RESPONSES,
    openapi_extra=TAKES_EITHER,
)
def void(
    verification_id: str,
    shown: Either,
    house: TheHouse,
    now: Now,
    till_id: NamedTill = None,
) -> Voided:
    """Take back this till's own check within ten minutes: no use, though the code stays used."""
    scan_id = _scan_id(verification_id)

    def work(session: Session) -> afterwards.Recorded:
        own = till_of(session, shown, till_id, now=now)
        return afterwards.void(session, scan_id, own, now=now)

    found = house.database.transact(work)
    assert found.voided_at is not None  # noqa: S101 - as `void` says; this tells the checker
    return Voided(verification_id=f"vrf_{found.scan_id}", voided_at=found.voided_at)


@router.get(
    "/api/v1/verifications/{verification_id}/receipt",
    response_class=Response,
    responses=RECEIPT_RESPONSES | PROBLEM_RESPONSES,
    openapi_extra=TAKES_EITHER,
)
def verification_receipt(
    verification_id: str, shown: Either, house: TheHouse, now: Now
) -> Response:
    """Our signed word that this check was made, without anything about the holder."""
    with house.database.reading() as session:
        asker = asker_of(session, shown, now=now)
        found = afterwards.on_record(session, _scan_id(verification_id), asker.partner_id)
    jws = receipt(found, keys=house.ring.keys, issuer=house.public_url, now=now)
    return Response(jws, media_type="application/jose")


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
    dependencies=[Depends(require_json)],
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


def _scan_id(verification_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(verification_id.removeprefix("vrf_"))
    except ValueError as error:
        raise NotFound("There is no such verification.") from error
