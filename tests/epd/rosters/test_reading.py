"""A roster file as spreadsheets here write it is read; whatever else it is, is refused in words."""

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cards.entitlement import StaffCategory
from app.csv_file import csv_lines, neutral
from app.epd.rosters.reading import FileFault, LineFault, Row, RowFault, Unreadable, read
from app.epd.rosters.template import template

ON = date(2026, 11, 24)
OWN = frozenset({"012345"})
HEADER = "insz;personeelscategorie;begindatum;einddatum;referentie"
GOOD = "84022999510;ONDERWIJZEND;01/09/2026;30/06/2027;P-1"


def judged(tmp_path: Path, content: str | bytes) -> list[Row | RowFault]:
    path = tmp_path / "roster"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(path, institutions=OWN, on=ON))


def fault_of(tmp_path: Path, line: str, header: str = HEADER) -> LineFault | None:
    (found,) = judged(tmp_path, f"{header}\n{line}\n")
    assert found.number == 2
    return found.fault if isinstance(found, RowFault) else None


WRITTEN = {
    "excel, utf-8 with a mark": f"\ufeff{HEADER}\r\n{GOOD}\r\n".encode(),
    "excel, windows-1252": f"{HEADER}\r\n{GOOD}é\r\n".encode("cp1252"),
    "plain, carriage returns only": f"{HEADER}\r{GOOD}\r".encode(),
    "with a line that names the separator": f"sep=;\r\n{HEADER}\r\n{GOOD}\r\n".encode(),
    "commas": f"{HEADER}\n{GOOD}\n".replace(";", ",").encode(),
    "tabs": f"{HEADER}\n{GOOD}\n".replace(";", "\t").encode(),
    "quoted": (
        HEADER + '\n"84022999510";"ONDERWIJZEND";"01/09/2026";"30/06/2027";"P;1"\n'
    ).encode(),
    "other order, other columns": (
        b"Naam;EINDDATUM;begindatum; Insz ;personeelscategorie\n"
        b"An Test;2027-06-30;2026-09-01;84.02.29-995.10;onderwijzend\n"
    ),
    "empty lines": f"{HEADER}\n\n;;;;\n{GOOD}\n\n".encode(),
    "json lines": json.dumps(
        {
            "insz": "84022999510",
            "personeelscategorie": "ONDERWIJZEND",
            "begindatum": "2026-09-01",
            "einddatum": "2027-06-30",
        }
    ).encode(),
    "a json document": json.dumps(
        {
            "records": [
                {
                    "insz": "84022999510",
                    "personeelscategorie": "ONDERWIJZEND",
                    "begindatum": "2026-09-01",
                    "einddatum": "2027-06-30",
                }
            ]
        }
    ).encode(),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_usual_way_of_writing_says_the_same(tmp_path: Path, name: str) -> None:
    (row,) = judged(tmp_path, WRITTEN[name])
    assert isinstance(row, Row)
    assert (row.insz.digits, row.category) == ("84022999510", StaffCategory.TEACHING)
    assert (row.begin, row.end) == (date(2026, 9, 1), date(2027, 6, 30))


def test_a_number_that_lost_its_zeros_gets_them_back(tmp_path: Path) -> None:
    assert fault_of(tmp_path, "1091599625;ONDERWIJZEND;1/9/2026;30/6/2027;") is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (GOOD.replace("84022999510", "84022999511"), LineFault.NUMBER),
        (GOOD.replace("84022999510", ""), LineFault.NUMBER),
        (GOOD.replace("84022999510", "8,4023E+10"), LineFault.NUMBER_SHORTENED),
        (GOOD.replace("84022999510", "=84022999510"), LineFault.NUMBER),
        (GOOD.replace("ONDERWIJZEND", "LERAAR"), LineFault.CATEGORY),
        (GOOD.replace("01/09/2026", "09/31/2026"), LineFault.BEGIN),
        (GOOD.replace("30/06/2027", ""), LineFault.END),
        (GOOD.replace("30/06/2027", "31/08/2026"), LineFault.END_BEFORE_BEGIN),
        (GOOD.replace("30/06/2027", "30/06/2028"), LineFault.TOO_LONG),
        (GOOD.replace("2026", "2020").replace("2027", "2021"), LineFault.TOO_FAR),
        (GOOD + "x" * 41, LineFault.REFERENCE),
        (GOOD + " 840229-99510", LineFault.REFERENCE),
        (GOOD + ";too;many", LineFault.UNREADABLE),
        ('"open', LineFault.UNREADABLE),
    ],
)
def test_a_bad_line_is_refused_with_its_one_reason(
    tmp_path: Path, line: str, fault: LineFault
) -> None:
    assert fault_of(tmp_path, line) is fault


def test_a_line_about_another_institution_is_refused(tmp_path: Path) -> None:
    header = f"{HEADER};instellingsnummer"
    assert fault_of(tmp_path, f"{GOOD};012345", header) is None
    assert fault_of(tmp_path, f"{GOOD};12345", header) is None
    assert fault_of(tmp_path, f"{GOOD};067890", header) is LineFault.OTHER_INSTITUTION


def test_one_bad_line_leaves_the_others(tmp_path: Path) -> None:
    found = judged(tmp_path, f"{HEADER}\n{GOOD}\nnonsense\n{GOOD}\n")
    assert [type(one) for one in found] == [Row, RowFault, Row]


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"0" * 10_000_000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (_zip(), FileFault.PACKED),
        (gzip.compress(b"0" * 10_000_000), FileFault.PACKED),
        (b"\xd0\xcf\x11\xe0" + b"\1" * 100, FileFault.NOT_TEXT),
        (f"{HEADER}\n{GOOD}".encode("utf-16"), FileFault.NOT_TEXT),
        (HEADER.encode() + b"\n" + b" " * 2_000_000 + b"\0", FileFault.NOT_TEXT),
        (f"{HEADER}\n{'x' * 9_000}\n".encode(), FileFault.NOT_TEXT),
        (b"", FileFault.NO_HEADER),
        (f"{GOOD}\n".encode(), FileFault.NO_HEADER),
        (f"{HEADER};insz\n{GOOD}\n".encode(), FileFault.NO_HEADER),
        (b'{"records": 5}', FileFault.NOT_JSON),
        (b"[" * 100_000, FileFault.NOT_JSON),
        (b'[{"insz": "8402', FileFault.NOT_JSON),
    ],
)
def test_what_is_no_roster_at_all_is_refused_whole(
    tmp_path: Path, content: bytes, fault: FileFault
) -> None:
    with pytest.raises(Unreadable) as refused:
        judged(tmp_path, content)
    assert refused.value.fault is fault


def test_a_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    bomb = _zip()
    tracemalloc.start()
    with pytest.raises(Unreadable):
        judged(tmp_path, bomb)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_long_file_is_read_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("w") as file:
        file.write(f"{HEADER}\n")
        file.writelines(f"{GOOD}\n" for _ in range(3_000))

    def peak(lines: Iterator[Any]) -> int:
        tracemalloc.start()
        for _ in lines:
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    short = tmp_path / "short"
    short.write_text(f"{HEADER}\n" + f"{GOOD}\n" * 300)
    few, many = (peak(read(one, institutions=OWN, on=ON)) for one in (short, path))
    # The file is looked at whole, a megabyte at a time; beyond that nothing grows.
    assert many < few + 300_000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_file_whatever_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "roster"
    for text in (content, HEADER.encode() + b"\n" + content):
        path.write_bytes(text)
        try:
            for found in read(path, institutions=OWN, on=ON):
                assert isinstance(found, Row | RowFault)
        except Unreadable:
            pass


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "%x", "|x"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    (_, line) = csv_lines(["a"], [[cell]])
    assert line.lstrip('"').startswith("'")


@pytest.mark.parametrize("cell", ["P-1", "84.02.29-•••.10", "ok", "2026-09-01", ""])
def test_ordinary_cells_stay_as_they_are(cell: str) -> None:
    assert neutral(cell) == cell


def test_the_template_is_a_roster_itself(tmp_path: Path) -> None:
    (row,) = judged(tmp_path, template())
    assert isinstance(row, Row)
