"""What parliament was told about 2021 and 2022, reproduced to the digit and kept for ever."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.db import Database
from app.errors import Conflict
from app.statistics import figures
from app.statistics.figures import Report, Status
from app.statistics.imports import import_physical
from app.statistics.legacy import FILE, STATED, import_legacy
from app.statistics.model import ALL, Channel, Measure

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TEXT = FILE.read_text("utf-8")
YEARS = (2021, 2022)
# Where each row of the file stands in a report.
NAMES = {
    "cards_distributed_text": Measure.CARDS,
    "entitled_table": Measure.ENTITLED,
    "cards_distributed": Measure.CARDS,
    "website_visits": Measure.WEBSITE,
}
HEADER = TEXT.splitlines()[0]


def lines() -> Iterator[dict[str, str]]:
    with FILE.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


@pytest.fixture
def answer(database: Database) -> Report:
    database.transact(lambda session: import_legacy(session, TEXT, now=NOW))
    with database.reading() as session:
        return figures.report(session, YEARS, small_cell=5)


def test_the_report_of_2021_and_2022_equals_every_cell_of_the_answer(answer: Report) -> None:
    cells = 0
    for row in lines():
        series = answer.series[NAMES[row["measure"]], row["channel"]]
        column = YEARS.index(int(row["year"]))
        found = series.provinces[row["province_iso"]] if row["province_iso"] else series.national
        assert found[column] == figures.Cell(int(row["value"]), Status.FINAL), row
        cells += 1
    assert cells == 34


def test_what_the_answer_does_not_give_is_unknown_and_not_0(answer: Report) -> None:
    given = {
        (NAMES[row["measure"]], row["channel"], row["province_iso"] or None) for row in lines()
    }
    others = [
        cell
        for (measure, channel), series in answer.series.items()
        for province, cells in ((None, series.national), *series.provinces.items())
        if (measure, channel, province) not in given
        for cell in cells
    ]
    assert len(others) > 400
    assert set(others) == {figures.UNKNOWN}


def test_the_provinces_stand_in_the_order_of_the_answer(answer: Report) -> None:
    told = [row["province_iso"] for row in lines() if row["province_iso"]]
    shown = list(answer.series[Measure.CARDS, Channel.PICK_UP].provinces)
    assert told[:11] == told[11:] == shown[:11]
    assert shown[11:] == [""]


def test_the_contradictions_of_the_answer_are_stated(answer: Report) -> None:
    assert [(one.year, one.value) for one in answer.discrepancies] == [
        (2021, 29),
        (2021, 913),
        (2022, 5736),
    ]
    assert answer.discrepancies == STATED


def test_the_sums_of_the_answer_are_those_on_record(answer: Report) -> None:
    pick_up = answer.series[Measure.CARDS, Channel.PICK_UP].provinces
    channels = [answer.series[Measure.CARDS, channel] for channel in list(Channel)[:3]]
    by_channel = [sum(int(one.national[year].value or 0) for one in channels) for year in (0, 1)]
    areas = [
        [
            sum(int(pick_up[f"BE-{code}"][year].value or 0) for code in area.split())
            for year in (0, 1)
        ]
        for area in ("VAN VLI VOV VWV VBR", "BRU", "WLG WNA WHT WLX WBR")
    ]
    assert by_channel == [219_737, 222_180]
    assert areas == [[171_865, 173_572], [2_475, 2_608], [1_046, 1_080]]


def test_visits_of_the_website_are_no_use_of_the_card(answer: Report) -> None:
    assert answer.series[Measure.USES, ALL].national == (figures.UNKNOWN, figures.UNKNOWN)
    assert [cell.value for cell in answer.series[Measure.WEBSITE, ALL].national] == [
        700_000,
        800_000,
    ]


def test_the_answer_is_imported_once_and_never_changes(database: Database) -> None:
    first, again = (
        database.transact(lambda session: import_legacy(session, TEXT, now=NOW)).id
        for _ in range(2)
    )
    assert first == again
    other = TEXT.replace("running text, answer 1", "running text")
    with pytest.raises(Conflict, match="imported before"):
        database.transact(lambda session: import_legacy(session, other, now=NOW))
    newer = f"{HEADER}\n2022,cards_distributed,STARTER,,,17985,a better count\n"
    with pytest.raises(Conflict, match="2022 was answered to parliament"):
        database.transact(lambda session: import_physical(session, newer, source="x", now=NOW))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("220679", "220678", "differ from those of the answer"),
        (",49307,", ",49308,", "do not add up to the pick-up points"),
        ("BE-VAN", "BE-XXX", "Line 7: 'BE-XXX' is not a valid Province"),
        ("25479", "25.479", "Line 4: 25.479 is not a whole number"),
        ("website_visits", "uses", "Line 18: uses is none of"),
        ("ABONNEMENT", "AFHAALPUNT", "gives a figure that was given before"),
        ("province_iso", "province", "The first line must read year,"),
    ],
)
def test_a_file_that_is_not_the_answer_is_refused(
    database: Database, old: str, new: str, said: str
) -> None:
    with pytest.raises(Conflict, match=said):
        database.transact(
            lambda session: import_legacy(session, TEXT.replace(old, new, 1), now=NOW)
        )
