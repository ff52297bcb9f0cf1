"""A pushed batch on the wire (contract 4.3), read in two steps so that a bad record fails alone.

Knows the Dutch names, the limits and the codes of faults. The envelope is read whole; a record at
first only as far as it takes to tell whether it is news, the rest when it is. What a fault says
aloud are places and kinds, never content. `schema` publishes all of this.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct
from pydantic import ValidationError

from app.cards.insz import Insz
from app.epd.messages import (
    InszFault,
    MessageFault,
    Personeelslid,
    Snapshot,
    broken,
    checked_insz,
)

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_RECORDS = 5_000
MAX_PARTS = 1_000
LARGEST = 2**63 - 1
SCHEMA_VERSION = 1


class Kind(StrEnum):
    """Changes of some persons, or everybody whom the source knows."""

    DELTA = "DELTA"
    FULL = "VOLLEDIG"


class Action(StrEnum):
    """What a record asks for; after a removal the source knows nothing of the person any more."""

    UPSERT = "UPSERT"
    REMOVE = "VERWIJDER"


class Envelope(Struct, frozen=True, rename="camel"):
    """A batch; its records are still bytes."""

    batch_id: uuid.UUID
    bron: Literal["EPD"]
    soort: Kind
    schema_versie: Literal[1]
    reeksnummer: Annotated[int, Meta(ge=1, le=LARGEST)]
    vorig_reeksnummer: Annotated[int, Meta(ge=0, le=LARGEST)]
    aangemaakt_op: Annotated[datetime, Meta(tz=True)]
    records: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_RECORDS)]
    deel: Annotated[int, Meta(ge=1, le=MAX_PARTS)] = 1
    aantal_delen: Annotated[int, Meta(ge=1, le=MAX_PARTS)] = 1


NOTHING = Raw(b"null")


class Head(Struct, frozen=True, gc=False, rename="camel"):
    """What of a record is looked at first. `recordId` is a UUID, so that it can be no number."""

    record_id: uuid.UUID
    insz: Annotated[str, Meta(min_length=11, max_length=20)]
    versie: Annotated[int, Meta(ge=0, le=LARGEST)]
    actie: Action
    vervangt_insz: Annotated[str, Meta(min_length=11, max_length=20)] | None = None
    personeelslid: Raw = msgspec.field(default_factory=lambda: NOTHING)


class FaultCode(StrEnum):
    """Codes of faults: MAGDA's own where there is one, ours begin with 1."""

    INSZ = "20002"
    SHAPE = "10001"
    DIFFERS = "10002"
    REPLACES_ITSELF = "10003"


DIAGNOSES = {
    FaultCode.INSZ: "INSZ ongeldig",
    FaultCode.SHAPE: "Record niet volgens het schema",
    FaultCode.DIFFERS: "INSZ of versie in personeelslid verschilt van het record",
    FaultCode.REPLACES_ITSELF: "Een INSZ kan zichzelf niet vervangen",
}


class RecordFault(ValueError):
    """One record cannot be used; the message is safe to send back."""

    def __init__(self, code: FaultCode, where: str = "") -> None:
        self.code = code
        diagnosis = DIAGNOSES[code] + (f": {where}" if where else "")
        super().__init__(diagnosis[:200])


_envelopes = msgspec.json.Decoder(Envelope)
_head = msgspec.json.Decoder(Head)
_heads = msgspec.json.Decoder(list[Head])


def read_batch(body: bytes) -> Envelope:
    """The batch in a body; `MessageFault` names the first place that breaks the contract."""
    try:
        batch = _envelopes.decode(body)
    except msgspec.ValidationError as error:
        raise MessageFault(f"the batch breaks the contract at {_place(error)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MessageFault("the batch is not JSON") from None
    if batch.deel > batch.aantal_delen:
        raise MessageFault("the batch breaks the contract at deel")
    if batch.soort is Kind.DELTA and batch.aantal_delen != 1:
        raise MessageFault("the batch breaks the contract at aantalDelen")
    return batch


def read_heads(records: Sequence[Raw]) -> Sequence[Head | RecordFault]:
    """The beginning of every record, or what is wrong with it.

    All at once while all are in order, which they nearly always are: one by one costs more than
    whatever else is done for somebody of whom there is no news.
    """
    try:
        return _heads.decode(b"[" + b",".join(records) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_head_or_fault(record) for record in records]


def _head_or_fault(record: Raw) -> Head | RecordFault:
    try:
        return read_head(record)
    except RecordFault as fault:
        return fault


def read_head(record: Raw) -> Head:
    """The beginning of a record; `RecordFault` when there is none."""
    try:
        return _head.decode(record)
    except msgspec.ValidationError as error:
        raise RecordFault(FaultCode.SHAPE, _place(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecordFault(FaultCode.SHAPE) from None


def read_number(text: str) -> Insz:
    """A national number in a record."""
    try:
        return checked_insz(text)
    except InszFault:
        raise RecordFault(FaultCode.INSZ) from None


def read_snapshot(head: Head, insz: Insz) -> Snapshot:
    """The whole of a record that brings news of `insz`."""
    content = bytes(head.personeelslid)
    if content == bytes(NOTHING):
        raise RecordFault(FaultCode.SHAPE, "personeelslid")
    try:
        person = Personeelslid.model_validate_json(content)
    except ValidationError as error:
        places = str(broken(error)).partition(" at ")[2]
        raise RecordFault(FaultCode.SHAPE, f"personeelslid.{places}") from None
    if person.insz != insz or person.versie != head.versie:
        raise RecordFault(FaultCode.DIFFERS)
    return person.snapshot()


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a batch, as it is published."""
    _, components = msgspec.json.schema_components((Envelope, Head), ref_template="#/$defs/{name}")
    person = Personeelslid.model_json_schema(ref_template="#/$defs/{model}")
    definitions = components | person.pop("$defs") | {"Personeelslid": person}
    envelope = definitions.pop("Envelope")
    envelope["properties"]["records"]["items"] = {"$ref": "#/$defs/Head"}
    definitions["Head"]["properties"]["personeelslid"] = {
        "anyOf": [{"$ref": "#/$defs/Personeelslid"}, {"type": "null"}],
        "description": "Required with UPSERT.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **envelope,
        "title": "EPD status batch",
        "description": "POST /api/v1/epd/status-batches; unknown members are ignored.",
        "$defs": definitions,
    }


def _place(error: msgspec.ValidationError) -> str:
    """Where a fault is; the rest of the text may quote what was sent."""
    return str(error).rpartition(" - at `$")[2].strip("`.") or "the whole"
