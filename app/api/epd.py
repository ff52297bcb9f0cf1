"""For the job that keeps the personnel file and us alike: what it sends, and what became of it.

Translates between HTTP and `app.epd.push`. Names and states on the wire are the contract's own
Dutch terms (contract 4.3). No answer here repeats a national number, nor anything else sent.
"""

import hashlib
import hmac
import re
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.api.deps import House, Now, TheHouse
from app.api.oauth import EpdReader, EpdWriter
from app.api.problems import PROBLEM_RESPONSES, Problem
from app.epd.messages import InszFault, MessageFault, checked_insz
from app.epd.model import EPD
from app.epd.push import accept as taking
from app.epd.push import figures
from app.epd.push.contract import MAX_BODY_BYTES, Envelope, read_batch, schema
from app.epd.push.model import Batch
from app.epd.push.sorting import FaultyRecord, Sorted, sort_out
from app.errors import NotFound, Unavailable

router = APIRouter(tags=["EPD sync job"], responses=PROBLEM_RESPONSES)
published = APIRouter(tags=["anyone"])

PATH = "/api/v1/epd/status-batches"
SCHEMA_PATH = "/api/v1/epd/status-batch.schema.json"
PAGE = 400
# Each holds a whole body; the order of a source leaves no use for more.
AT_ONCE = 2
# RFC 9530 section 2: a dictionary of algorithms; we look at the one that the contract names.
SHA_256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)")
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"As `{SCHEMA_PATH}` says; at most 16 MiB.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": meaning,
            "schema": {"type": "string"},
        }
        for name, meaning in (
            ("Content-Digest", "RFC 9530, with sha-256."),
            ("Idempotency-Key", "The batchId."),
        )
    ],
}
WRITES: dict[str, Any] = {"security": [{"accessToken": ["epd:write"]}]}
READS: dict[str, Any] = {"security": [{"accessToken": ["epd:read"]}]}

log = structlog.get_logger()
_places = threading.BoundedSemaphore(AT_ONCE)


class Wire(BaseModel):
    """Dutch names, as the contract writes them."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class Tellers(Wire):
    """What became of the records so far."""

    nieuw: int = 0
    gewijzigd: int = 0
    ongewijzigd: int
    verouderd: int
    fout: int


class Fout(Wire):
    """Why one record was left alone: by its place, never by its content."""

    index: int
    record_id: uuid.UUID | None
    code: str
    type: str = "FOUT"
    diagnose: str


class Aanvaard(Wire):
    """A batch that is stored and will be carried out."""

    batch_id: uuid.UUID
    status: str = "AANVAARD"
    volgend_reeksnummer: int
    links: dict[str, str] = Field(alias="_links")


class Oordeel(Wire):
    """What a batch would do (`dry_run`)."""

    batch_id: uuid.UUID
    status: str = "BEOORDEELD"
    tellers: Tellers
    te_verwerken: int
    zouden_kaart_verliezen: int
    fouten: list[Fout]


class BatchStand(Wire):
    """How far a batch is."""

    batch_id: uuid.UUID
    status: str
    reeksnummer: int
    deel: int
    aantal_delen: int
    ontvangen_op: datetime
    zouden_kaart_verliezen: int | None
    tellers: Tellers
    fouten: list[Fout]
    links: dict[str, str] = Field(alias="_links")


class Reeks(Wire):
    """Where the order of a source stands."""

    bron: str
    laatste_reeksnummer: int
    volgend_reeksnummer: int


class Vraag(Wire):
    """About whom; the number stands in the body, never in an address."""

    insz: str = Field(max_length=20)


class Stand(Wire):
    """What we make of what was sent about one person; all empty of somebody unknown."""

    bekend: bool
    versie: int | None = None
    ontvangen_op: datetime | None = None
    afwezig_sinds: date | None = None
    rechthebbende: bool | None = None
    reden: str | None = None
    herbekijken_op: date | None = None
    kaart: str | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    """A body as it came, its hash, and the key under which it came."""

    body: bytes = field(repr=False)
    sha256: bytes
    key: uuid.UUID


@router.post(
    PATH,
    status_code=202,
    response_model=Aanvaard,
    responses={200: {"model": Oordeel, "description": "The same again, or a `dry_run`."}},
    openapi_extra=BODY | WRITES,
)
async def push(
    request: Request,
    caller: EpdWriter,
    house: TheHouse,
    now: Now,
    *,
    dry_run: Annotated[bool, Query(description="Judge the batch without any effect.")] = False,
) -> JSONResponse:
    """Take in a batch; it is stored before this answers, and carried out soon after."""
    key = _checked_headers(request)
    with _place():
        body = await _body(request)
        sha256 = _digest(request, body)
        sent = _Sent(body, sha256, key)
        return await run_in_threadpool(_taken, house, caller.client_id, sent, now, dry_run=dry_run)


@router.get(PATH + "/{batch_id}", openapi_extra=READS)
def batch_stand(
    batch_id: uuid.UUID,
    _: EpdReader,
    house: TheHouse,
    na: Annotated[int, Query(ge=-1, description="Faults after this index.")] = -1,
) -> BatchStand:
    """How far a batch is, with a page of its faults."""
    with house.database.reading() as session:
        batch = session.get(Batch, batch_id)
        if batch is None:
            raise NotFound("There is no such batch.")
        faults = figures.faults_of(session, batch_id, after=na, limit=PAGE)
        parked = figures.status_of_batch(batch) == "WACHT_OP_BEVESTIGING"
        here = f"{PATH}/{batch_id}"
        links = {"self": here}
        if len(faults) == PAGE:
            links["volgende"] = f"{here}?na={faults[-1].index}"
        return BatchStand(
            batch_id=batch.id,
            status=figures.status_of_batch(batch),
            reeksnummer=batch.number,
            deel=batch.part,
            aantal_delen=batch.run.parts,
            ontvangen_op=batch.received_at,
            zouden_kaart_verliezen=batch.run.losing if parked else None,
            tellers=Tellers(
                nieuw=batch.new,
                gewijzigd=batch.changed,
                ongewijzigd=batch.unchanged,
                verouderd=batch.outdated,
                fout=batch.faulty,
            ),
            fouten=[
                Fout(index=f.index, record_id=f.record_id, code=f.code, diagnose=f.diagnosis)
                for f in faults
            ],
            links=links,
        )


@router.get("/api/v1/epd/sequence", openapi_extra=READS)
def sequence(_: EpdReader, house: TheHouse) -> Reeks:
    """The number of the last batch: after a gap, send again from the next one on."""
    with house.database.reading() as session:
        last = taking.last_number(session, EPD)
    return Reeks(bron=EPD, laatste_reeksnummer=last, volgend_reeksnummer=last + 1)


@router.post("/api/v1/epd/status-queries", openapi_extra=READS)
def status_query(question: Vraag, caller: EpdReader, house: TheHouse) -> Stand:
    """Where one person stands."""
    house.limits.count("status-query", caller.client_id)
    try:
        insz = checked_insz(question.insz)
    except InszFault as fault:
        raise Problem("malformed-request", "This is not a national number.", status=422) from fault
    with house.database.reading() as session:
        found = figures.standing_of(session, insz, keys=house.ring.keys)
    log.info("epd-status-query", client=caller.client_id, known=found is not None)
    if found is None:
        return Stand(bekend=False)
    return Stand(
        bekend=True,
        versie=found.version,
        ontvangen_op=found.received_at,
        afwezig_sinds=found.absent_since,
        rechthebbende=found.entitled,
        reden=found.reason,
        herbekijken_op=found.review_on,
        kaart=found.card,
    )


@published.get(SCHEMA_PATH)
def batch_schema() -> dict[str, Any]:
    """The JSON Schema of a batch."""
    return schema()


@contextmanager
def _place() -> Iterator[None]:
    """One of the few places for whole bodies in memory."""
    if not _places.acquire(blocking=False):
        raise Unavailable("Other batches are coming in at this moment.", retry_after_s=2)
    try:
        yield
    finally:
        _places.release()


def _checked_headers(request: Request) -> uuid.UUID:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or "content-encoding" in request.headers:
        raise HTTPException(415)
    try:
        return uuid.UUID(request.headers.get("idempotency-key", ""))
    except ValueError as error:
        raise Problem(
            "malformed-request", "Idempotency-Key must be the batchId.", status=400
        ) from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413)
    return bytes(body)


def _digest(request: Request, body: bytes) -> bytes:
    """The hash of the body, which must be the one that was announced."""
    announced = SHA_256.search(request.headers.get("content-digest", ""))
    found = hashlib.sha256(body).digest()
    if announced is None:
        raise Problem("digest-mismatch", "Content-Digest with sha-256 is missing.")
    if not hmac.compare_digest(announced[1].encode(), b64encode(found)):
        raise Problem("digest-mismatch", "The body is not the one that was announced.")
    return found


def _taken(
    house: House, client_id: str, sent: _Sent, now: datetime, *, dry_run: bool
) -> JSONResponse:
    try:
        batch = read_batch(sent.body)
    except MessageFault as fault:
        raise Problem("malformed-request", f"{str(fault).capitalize()}.", status=422) from fault
    if batch.batch_id != sent.key:
        raise Problem("malformed-request", "Idempotency-Key differs from batchId.", status=422)
    request = taking.Request(batch, sent.sha256, client_id)
    with _in_order():
        with house.database.reading() as session:
            again = taking.before(session, request)
            if not again:
                taking.check_order(session, batch)
            found = Sorted()
            if dry_run or not again:
                found = sort_out(session, batch, keys=house.ring.keys, policy=house.policy, now=now)
        if dry_run:
            return _answer(_judged(batch, found), 200)
        if not again:
            intended = taking.intent(request, found, keys=house.ring.keys)
            again = house.database.transact(
                lambda session: taking.accept(session, intended, now=now)
            )
            log.info("epd-batch", **_told(batch, found, client_id), again=again)
    accepted = Aanvaard(
        batch_id=batch.batch_id,
        volgend_reeksnummer=batch.reeksnummer + 1,
        links={"self": f"{PATH}/{batch.batch_id}"},
    )
    return _answer(accepted, 200 if again else 202)


@contextmanager
def _in_order() -> Iterator[None]:
    """Say what is wrong with a batch's place in the order in the contract's own words."""
    try:
        yield
    except taking.Gap as gap:
        expected = {"verwachtReeksnummer": gap.number, "verwachtDeel": gap.part}
        raise Problem("sequence-gap", str(gap), **expected) from gap
    except taking.Replayed as replayed:
        raise Problem("sequence-replayed", str(replayed)) from replayed
    except taking.OtherBody as other:
        raise Problem("idempotency-mismatch", str(other)) from other


def _answer(content: Wire, status: int) -> JSONResponse:
    return JSONResponse(content.model_dump(mode="json", by_alias=True), status)


def _judged(batch: Envelope, found: Sorted) -> Oordeel:
    return Oordeel(
        batch_id=batch.batch_id,
        tellers=Tellers(
            ongewijzigd=found.unchanged, verouderd=found.outdated, fout=len(found.faults)
        ),
        te_verwerken=len(found.news),
        zouden_kaart_verliezen=found.losing,
        fouten=[_shown(fault) for fault in found.faults[:PAGE]],
    )


def _shown(fault: FaultyRecord) -> Fout:
    return Fout(
        index=fault.index,
        record_id=fault.record_id,
        code=fault.code,
        diagnose=fault.diagnosis,
    )


def _told(batch: Envelope, found: Sorted, client_id: str) -> dict[str, Any]:
    return {
        "client": client_id,
        "batch": str(batch.batch_id),
        "number": batch.reeksnummer,
        "records": len(batch.records),
        "news": len(found.news),
        "faults": len(found.faults),
        "losing": found.losing,
    }
