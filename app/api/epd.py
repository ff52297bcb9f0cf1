"""For the job that keeps the personnel file and us alike: what it sends, and what became of it.

Translates between HTTP and `app.epd.push`. Names and states on the wire are the contract's own
Dutch terms (contract 4.3). No answer here repeats a national number, nor anything else sent.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.api.deps import House, Now, TheHouse
from app.api.epd_body import Sent, announced_key, place, receive
from app.api.epd_wire import (
    Aanvaard,
    BatchStand,
    Fout,
    Oordeel,
    Reeks,
    Stand,
    Tellers,
    Vraag,
    Wire,
    fault_on_the_wire,
)
from app.api.oauth import EpdReader, EpdWriter
from app.api.problems import PROBLEM_RESPONSES, Problem
from app.epd.messages import InszFault, MessageFault, checked_insz
from app.epd.model import EPD
from app.epd.push import accept as taking
from app.epd.push import figures
from app.epd.push.contract import Envelope, read_batch, schema
from app.epd.push.model import Batch
from app.epd.push.sorting import Sorted, sort_out
from app.errors import NotFound

router = APIRouter(tags=["EPD sync job"], responses=PROBLEM_RESPONSES)
published = APIRouter(tags=["anyone"])

PATH = "/api/v1/epd/status-batches"
SCHEMA_PATH = "/api/v1/epd/status-batch.schema.json"
PAGE = 400
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
    key = announced_key(request)
    with place():
        sent = await receive(request, key)
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


def _taken(
    house: House, client_id: str, sent: Sent, now: datetime, *, dry_run: bool
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
        fouten=[fault_on_the_wire(fault) for fault in found.faults[:PAGE]],
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
