"""What the job of the personnel file and we say to each other, in the contract's own Dutch words.

Knows names and shapes on the wire (contract 4.3), nothing of how an answer is found. No text here
repeats a national number, nor anything else sent.
"""

import uuid
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.epd.push.sorting import FaultyRecord


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


def fault_on_the_wire(fault: FaultyRecord) -> Fout:
    """One fault found while sorting."""
    return Fout(
        index=fault.index,
        record_id=fault.record_id,
        code=fault.code,
        diagnose=fault.diagnosis,
    )
