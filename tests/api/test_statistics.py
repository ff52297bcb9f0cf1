"""The published figures as JSON, CSV and a spreadsheet, and what is refused."""

import csv
from contextlib import closing
from io import BytesIO, StringIO

import openpyxl
import pytest

from app.db import Database
from app.statistics.legacy import FILE, import_legacy
from tests.api.stage import Service

URL = "/api/v1/statistics"
TOLD = {"from": 2021, "to": 2022}


@pytest.fixture
def told(service: Service) -> Service:
    """A service in which the old answer was imported."""
    with closing(Database(service.deployment.database_url)) as database:
        text = FILE.read_text("utf-8")
        database.transact(lambda session: import_legacy(session, text, now=service.clock()))
    return service


def test_json_gives_every_figure_with_its_status(told: Service) -> None:
    answer = told.http.get(URL, params=TOLD | {"by": "province"})
    assert answer.status_code == 200
    assert "max-age" in answer.headers["cache-control"]
    figures = {
        (one["year"], one["measure"], one["channel"], one["province"]): (
            one["value"],
            one["status"],
        )
        for one in answer.json()["figures"]
        if one["unit"] == "count"
    }
    assert figures[2021, "cards_distributed", None, None] == (220_679, "final")
    assert figures[2022, "cards_distributed", "AFHAALPUNT", "BE-WLX"] == (28, "final")
    assert figures[2022, "cards_distributed", "STARTER", "BE-WLX"] == (None, "not_available")
    assert figures[2022, "uses", None, None] == (None, "not_available")
    assert [one["value"] for one in answer.json()["discrepancies"]] == [29, 913, 5736]


def test_csv_opens_in_a_belgian_spreadsheet(told: Service) -> None:
    answer = told.http.get("/statistics.csv", params=TOLD | {"lang": "nl"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    values = {
        (row["year"], row["measure"], row["channel"], row["province_iso"]): row["value"]
        for row in rows
    }
    with FILE.open(encoding="utf-8") as file:
        for told_row in csv.DictReader(file):
            if told_row["measure"] == "cards_distributed":
                cell = (told_row["year"], "cards_distributed", told_row["channel"])
                assert values[(*cell, told_row["province_iso"])] == told_row["value"]
    assert {row["province"] for row in rows if row["province_iso"] == "BE-VOV"} == {
        "Oost-Vlaanderen"
    }


def test_a_spreadsheet_has_numbers_as_numbers_and_words_for_what_is_missing(told: Service) -> None:
    answer = told.http.get("/statistics.xlsx", params=TOLD | {"lang": "nl"})
    book = openpyxl.load_workbook(BytesIO(answer.content))
    sheet = book["3. Afhaalpunten"]
    rows = {row[0]: row[1:] for row in sheet.iter_rows(min_row=4, values_only=True)}
    assert rows["Antwerpen"] == (49307, 50232)
    assert rows["Totaal"] == (175_386, 177_260)
    assert rows["Onbekend of buitenland"] == ("niet beschikbaar",) * 2
    assert list(rows)[:3] == ["Antwerpen", "Limburg", "Oost-Vlaanderen"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"from": 2022, "to": 2021}, 409),
        ({"from": 2000, "to": 2100}, 409),
        ({"from": 1066}, 422),
        ({"by": "person"}, 422),
        ({"basis": "x"}, 422),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_problem(
    service: Service, asked: dict[str, str], status: int
) -> None:
    answer = service.http.get(URL, params=asked)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_service_that_knows_nothing_says_so(service: Service) -> None:
    values = {one["value"] for one in service.http.get(URL).json()["figures"]}
    assert values == {None}
    assert service.http.get("/statistics").status_code == 200
