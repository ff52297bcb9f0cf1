"""A roster as a file, read line by line whatever its size: CSV as Excel writes it here, or JSON.

Knows semicolons, byte order marks, Windows-1252, Belgian dates and what a spreadsheet does to
national numbers; hides all of it behind `Row` and `RowFault`. A file that is no such text at all,
or a packed one, is `Unreadable` before anything is unpacked. No fault repeats what was read.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.cards.entitlement import StaffCategory
from app.cards.insz import Insz
from app.epd.messages import InszFault, checked_insz

MAX_LINES = 1_000_000
MAX_LINE_CHARACTERS = 8_192
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_REFERENCE_CHARACTERS = 40
CHUNK_BYTES = 1 << 20
# A list has to be confirmed once a year, and cannot reach far back.
LONGEST = timedelta(days=366)
COLUMNS = ("insz", "personeelscategorie", "begindatum", "einddatum")
OPTIONAL = ("referentie", "hoofdstructuur", "instellingsnummer")
UNKNOWN_STRUCTURE = "000"
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
# zip (and .xlsx), gzip, bzip2, xz, 7z, zstd; then the old .xls and PDF.
PACKED = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"\x28\xb5\x2f\xfd",
)
BINARY = (b"\xd0\xcf\x11\xe0", b"%PDF")
INSZ_DIGITS = 11


class FileFault(StrEnum):
    """Why nothing of a file can be read."""

    PACKED = "packed"
    NOT_TEXT = "not-text"
    NO_HEADER = "no-header"
    NOT_JSON = "not-json"
    TOO_MANY_LINES = "too-many-lines"
    TOO_LARGE = "too-large"


class LineFault(StrEnum):
    """Why one line is refused."""

    UNREADABLE = "unreadable"
    NUMBER = "number"
    NUMBER_SHORTENED = "number-shortened"
    CATEGORY = "category"
    STRUCTURE = "structure"
    BEGIN = "begin"
    END = "end"
    END_BEFORE_BEGIN = "end-before-begin"
    TOO_LONG = "too-long"
    TOO_FAR = "too-far"
    OTHER_INSTITUTION = "other-institution"
    REFERENCE = "reference"


class Unreadable(Exception):
    """The file as a whole is refused."""

    def __init__(self, fault: FileFault) -> None:
        self.fault = fault
        super().__init__(fault.value)


@dataclass(frozen=True, slots=True)
class Row:
    """One person's employment, as the institution says it."""

    number: int
    insz: Insz
    category: StaffCategory
    main_structure: str
    begin: date
    end: date
    reference: str


@dataclass(frozen=True, slots=True)
class RowFault:
    """A line that is refused."""

    number: int
    fault: LineFault


class _Refused(Exception):
    def __init__(self, fault: LineFault) -> None:
        self.fault = fault
        super().__init__(fault.value)


def read(path: Path, *, institutions: frozenset[str], on: date) -> Iterator[Row | RowFault]:
    """Every line of a file, judged; `institutions` are the numbers it may name, if it names any.

    Memory stays flat; `Unreadable` may come before the first line or, for a file that is too
    long, after the last that is allowed.
    """
    with path.open("rb") as file:
        head = file.read(CHUNK_BYTES)
    if head.startswith(PACKED):
        raise Unreadable(FileFault.PACKED)
    if head.startswith(BINARY) or b"\0" in head:
        raise Unreadable(FileFault.NOT_TEXT)
    begins = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    records = _json(path) if begins in {b"[", b"{"} else _csv(path)
    for number, record in records:
        if number > MAX_LINES + 1:
            raise Unreadable(FileFault.TOO_MANY_LINES)
        yield _judged(number, record, institutions, on)


def _judged(
    number: int, record: Mapping[str, Any] | None, institutions: frozenset[str], on: date
) -> Row | RowFault:
    if record is None:
        return RowFault(number, LineFault.UNREADABLE)
    try:
        return _row(number, {key: _text(value) for key, value in record.items()}, institutions, on)
    except _Refused as refused:
        return RowFault(number, refused.fault)


def _row(number: int, said: Mapping[str, str], institutions: frozenset[str], on: date) -> Row:
    other = said.get("instellingsnummer", "")
    if other and other.zfill(6) not in institutions:
        raise _Refused(LineFault.OTHER_INSTITUTION)
    begin = _day(said.get("begindatum", ""), LineFault.BEGIN)
    end = _day(said.get("einddatum", ""), LineFault.END)
    if end < begin:
        raise _Refused(LineFault.END_BEFORE_BEGIN)
    if end - begin > LONGEST:
        raise _Refused(LineFault.TOO_LONG)
    if not on - LONGEST <= begin <= on + LONGEST or end < on - LONGEST:
        raise _Refused(LineFault.TOO_FAR)
    reference = said.get("referentie", "")
    if len(reference) > MAX_REFERENCE_CHARACTERS or not reference.isprintable():
        raise _Refused(LineFault.REFERENCE)
    if re.search(r"\d{9}", re.sub(r"\D", "", reference)):
        # A national number has a column of its own, where it is sealed.
        raise _Refused(LineFault.REFERENCE)
    return Row(
        number=number,
        insz=_insz(said.get("insz", "")),
        category=_category(said.get("personeelscategorie", "")),
        main_structure=_structure(said.get("hoofdstructuur", "")),
        begin=begin,
        end=end,
        reference=reference,
    )


def _insz(text: str) -> Insz:
    if "E+" in text.upper() or "," in text:
        raise _Refused(LineFault.NUMBER_SHORTENED)
    digits = re.sub(r"[ .\-/]", "", text)
    try:
        # A spreadsheet drops zeros in front: those born in 2000 to 2009 lose one or two.
        return checked_insz(digits.zfill(INSZ_DIGITS) if digits else "")
    except InszFault as fault:
        raise _Refused(LineFault.NUMBER) from fault


def _category(text: str) -> StaffCategory:
    try:
        return StaffCategory(re.sub(r"[ \-]+", "_", text.upper()))
    except ValueError as error:
        raise _Refused(LineFault.CATEGORY) from error


def _structure(text: str) -> str:
    if text and not re.fullmatch("[0-9]{3}", text):
        raise _Refused(LineFault.STRUCTURE)
    return text or UNKNOWN_STRUCTURE


def _day(text: str, fault: LineFault) -> date:
    for form in DATE_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    raise _Refused(fault)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    # A few bytes are nothing in Windows-1252; a line with one is judged like any other.
    with path.open("r", encoding=_encoding(path), errors="replace", newline="") as file:
        lines = _lines(file)
        header, skipped = _header(lines)
        delimiter = max(";,\t", key=header.count)
        names = [name.strip().strip('"').lower() for name in header.split(delimiter)]
        if not set(COLUMNS) <= set(names) or len(set(names)) != len(names):
            raise Unreadable(FileFault.NO_HEADER)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error:
                yield reader.line_num + skipped, None
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                whole = len(cells) <= len(names) or not any(cells[len(names) :])
                record = dict(zip(names, cells, strict=False)) if whole else None
                yield reader.line_num + skipped, record


def _header(lines: Iterator[str]) -> tuple[str, int]:
    """The line with the names of the columns, and its number."""
    first = next(lines, "")
    if first.lower().startswith("sep="):
        return next(lines, "").rstrip("\r\n"), 2
    return first.rstrip("\r\n"), 1


def _lines(file: io.TextIOBase) -> Iterator[str]:
    while line := file.readline(MAX_LINE_CHARACTERS + 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise Unreadable(FileFault.NOT_TEXT)
        yield line


def _encoding(path: Path) -> str:
    """UTF-8 when all of it is, else what Windows uses here."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                if b"\0" in chunk:
                    raise Unreadable(FileFault.NOT_TEXT)
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _json(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | None]]:
    """A document with `records`, a list, or a record a line; only the last may be of any size."""
    with path.open("r", encoding="utf-8-sig", errors="replace") as file:
        first = file.readline(MAX_LINE_CHARACTERS + 1)
        alone = _object(first) if len(first) <= MAX_LINE_CHARACTERS else None
        if alone is not None and "insz" in alone:
            yield 1, alone
            for number, line in enumerate(_lines(file), 2):
                if line.strip():
                    yield number, _object(line)
            return
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        raise Unreadable(FileFault.TOO_LARGE)
    yield from enumerate(_records(path), 1)


def _records(path: Path) -> Iterable[Mapping[str, Any] | None]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(FileFault.NOT_JSON) from error
    records = document.get("records") if isinstance(document, dict) else document
    if not isinstance(records, list):
        raise Unreadable(FileFault.NOT_JSON)
    return (record if isinstance(record, dict) else None for record in records)


def _object(line: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
