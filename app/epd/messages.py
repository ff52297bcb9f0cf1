"""The wire contract of the EPD, read and turned into our own words.

Knows the Dutch names, shapes and limits of the personnel file's messages, and what a national
number must look like; the rest of the house sees a `Snapshot`. Names of people and their register
number (stamboeknummer) are left on the wire: fields that are not named here are never read. No
text of a failure ever quotes what was received.
"""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import to_json
from stdnum.be import ssn
from stdnum.exceptions import ValidationError as NumberError

from app.cards.entitlement import Employment, Interruption, PersonnelStatus, StaffCategory
from app.cards.insz import Insz

LEGAL_CONTEXT = "LERARENKAART"
MAX_ASSIGNMENTS = 500
MAX_INTERRUPTIONS = 1_000
MAX_INSZ_CHARACTERS = 20
MAX_CHANGES = 1_000
PLACES_NAMED = 5
# MAGDA's codes at level 3 that mean something to us.
NO_RECORDS = "30001"
NEW_INSZ = "30004"
SOURCE_BUSY = "99996"


class InszFault(ValueError):
    """The text is no national number; the message does not repeat it."""


class MessageFault(ValueError):
    """A message breaks the contract; the message names places and kinds, never content."""


def checked_insz(text: object) -> Insz:
    """The national number (rijksregisternummer or BIS number) in a text; separators are dropped.

    Refuses, as `InszFault`, what python-stdnum or `Insz` refuses.
    """
    if not isinstance(text, str) or not text.isascii() or len(text) > MAX_INSZ_CHARACTERS:
        raise InszFault("this is not a national number")
    try:
        return Insz(ssn.validate(text))
    except (NumberError, ValueError) as error:
        raise InszFault("this is not a national number") from error


# Digits, with or without the usual separators.
Number = Annotated[
    Insz,
    PlainValidator(checked_insz),
    WithJsonSchema({"type": "string", "minLength": 11, "maxLength": MAX_INSZ_CHARACTERS}),
]


def _code(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^{pattern}$")


class Wire(BaseModel):
    """What all messages share: exact types, unknown fields ignored, nothing quoted in errors."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


class Volume(Wire):
    """The part of a full post: 10 of 20 hours is a half."""

    teller: int = Field(ge=0, le=100_000)
    noemer: int = Field(ge=1, le=100_000)


class Opdracht(Wire):
    """An assignment at one institution."""

    instellingsnummer: Annotated[str, _code("[0-9]{6}")]
    hoofdstructuur: Annotated[str, _code("[0-9]{3}")]
    personeelscategorie: StaffCategory
    ato: Annotated[str, _code("[0-9A-Z]{1,4}")] | None = None
    tadd: bool = False
    volume: Volume
    begindatum: date
    einddatum: date | None = None

    def employment(self) -> Employment:
        """The same in our words."""
        return Employment(
            institution=self.instellingsnummer,
            main_structure=self.hoofdstructuur,
            category=self.personeelscategorie,
            begin=self.begindatum,
            end=self.einddatum,
            administrative_state=self.ato,
            tadd=self.tadd,
            volume=Fraction(self.volume.teller, self.volume.noemer),
        )


class Dienstonderbreking(Wire):
    """Leave of the person."""

    soort: Annotated[str, _code("[0-9A-Z_]{1,40}")]
    volledig: bool
    begindatum: date
    einddatum: date | None = None

    def interruption(self) -> Interruption:
        """The same in our words."""
        return Interruption(
            kind=self.soort, full=self.volledig, begin=self.begindatum, end=self.einddatum
        )


class Woonplaats(Wire):
    """Where the person lives; a postcode may be foreign."""

    postcode: Annotated[str, StringConstraints(max_length=16)] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a source says of one person at one version; a higher version replaces it whole."""

    insz: Insz
    version: int
    changed_at: datetime
    postcode: str | None
    status: PersonnelStatus


class Personeelslid(Wire):
    """One person: the answer to a question and the content of a pushed record alike."""

    insz: Number
    overlijdensdatum: date | None = None
    versie: int = Field(ge=0, lt=2**63)
    gewijzigd_op: AwareDatetime
    woonplaats: Woonplaats | None = None
    opdrachten: list[Opdracht] = Field(max_length=MAX_ASSIGNMENTS)
    dienstonderbrekingen: list[Dienstonderbreking] = Field(default=[], max_length=MAX_INTERRUPTIONS)

    def snapshot(self) -> Snapshot:
        """The same in our words; what the source derives itself (afgeleid) is left out."""
        return Snapshot(
            insz=self.insz,
            version=self.versie,
            changed_at=self.gewijzigd_op,
            postcode=self.woonplaats.postcode if self.woonplaats else None,
            status=PersonnelStatus(
                employments=tuple(assignment.employment() for assignment in self.opdrachten),
                interruptions=tuple(leave.interruption() for leave in self.dienstonderbrekingen),
                deceased_on=self.overlijdensdatum,
            ),
        )


class Onbekend(Wire):
    """The answer for a person without a file: no assignments, and no version of anything."""

    insz: Number
    versie: None = None
    opdrachten: list[Opdracht] = Field(max_length=0)


class Fout(Wire):
    """A refusal: MAGDA's five-digit code and, with 30004, the number that took its place."""

    code: Annotated[str, _code("[0-9]{5}")]
    nieuw_insz: Number | None = None


class Mutaties(Wire):
    """A page of the feed; its items are judged one by one, so that a bad one fails alone."""

    items: list[Any] = Field(max_length=MAX_CHANGES)
    volgende: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    meer: bool


def changed_number(item: object) -> Insz | None:
    """Whose file an item of the feed says was changed; None when it does not say so properly.

    What changed is not told, and of a number that was replaced (INSZ_VERVANGEN) the file
    itself tells the successor.
    """
    try:
        return checked_insz(item["insz"] if isinstance(item, dict) else None)
    except (KeyError, InszFault):
        return None


def status_question(insz: Insz, *, on: date) -> bytes:
    """The body that asks for one person's status on a day."""
    return to_json({"insz": insz.digits, "peildatum": on, "wettelijkeContext": LEGAL_CONTEXT})


def registration(insz: Insz, *, since: date) -> bytes:
    """The body that asks to be told of one person's changes from a day on."""
    return to_json({"insz": insz.digits, "begindatum": since})


def read_answer(body: bytes) -> Snapshot | Onbekend:
    """The answer to `status_question`; `MessageFault` when it breaks the contract."""
    try:
        return Personeelslid.model_validate_json(body).snapshot()
    except ValidationError as error:
        try:
            return Onbekend.model_validate_json(body)
        except ValidationError:
            raise broken(error) from error


def read_refusal(body: bytes) -> Fout | None:
    """The code in the body of a refusal; None where there is none we can read."""
    try:
        return Fout.model_validate_json(body)
    except ValidationError:
        return None


def broken(error: ValidationError) -> MessageFault:
    """What a failed validation may say aloud: the first places and the kinds of fault there."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    places = [
        f"{'.'.join(map(str, fault['loc'])) or 'the whole'} ({fault['type']})"
        for fault in faults[:PLACES_NAMED]
    ]
    return MessageFault(f"the message breaks the contract at {', '.join(places)}")
