"""A report as files that a Belgian spreadsheet opens without a question.

CSV: semicolons, decimal commas, a byte-order mark, one line for each figure. XLSX: a sheet for each
table, numbers as numbers, so that Excel writes them as its owner does. Words come from whoever
asks, by the keys of `tables`; nothing in a file is ever read as a formula.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

import xlsxwriter

from app.csv_file import csv_lines
from app.statistics.counts import Status
from app.statistics.figures import Cell, Report, Series
from app.statistics.tables import Row, Table, key_of, tables

COLUMNS = (
    *("year", "measure", "channel", "basis", "province_iso"),
    *("series", "province", "value", "status"),
)
# Excel's own way to name formats, whatever separators it shows them with.
WHOLE, PER_CENT = "#,##0", "0.0%"
LABEL_WIDTH, YEAR_WIDTH = 46, 18

Labels = Mapping[str, str]
Rows = Iterator[Sequence[str]]


def csv(report: Report, labels: Labels) -> Iterator[str]:
    """Every figure of the report, and every share, a line each; percentages have a comma."""
    return csv_lines(COLUMNS, _csv_rows(report, labels))


def xlsx(report: Report, labels: Labels, *, now: datetime) -> bytes:
    """All tables as sheets, the sources and known contradictions on the last one."""
    file = BytesIO()
    harmless = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(file, harmless) as book:
        book.set_properties({"title": labels["statistics"], "created": now.replace(tzinfo=None)})
        formats = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "head": book.add_format({"bold": True, "bottom": 1, "align": "right"}),
            "total": book.add_format({"bold": True, "top": 1, "num_format": WHOLE}),
            "whole": book.add_format({"num_format": WHOLE, "align": "right"}),
            "share": book.add_format({"num_format": PER_CENT, "align": "right"}),
        }
        for number, table in enumerate(tables(report), start=1):
            sheet = book.add_worksheet(f"{number}. {labels[f'sheet/{table.key}']}")
            _sheet(sheet, table, labels, formats)
        _sources(book.add_worksheet(labels["sources"]), report, labels, formats)
    return file.getvalue()


def _sheet(sheet: Any, table: Table, labels: Labels, formats: Mapping[str, Any]) -> None:  # noqa: ANN401 - xlsxwriter has no types
    sheet.set_column(0, 0, LABEL_WIDTH)
    sheet.set_column(1, len(table.years), YEAR_WIDTH)
    sheet.write_string(0, 0, labels[table.key], formats["title"])
    for column, year in enumerate(table.years, start=1):
        sheet.write_number(2, column, year, formats["head"])
    for line, row in enumerate(table.rows, start=3):
        _row(sheet, line, row, labels, formats)
    sheet.freeze_panes(3, 1)


def _row(sheet: Any, line: int, row: Row, labels: Labels, formats: Mapping[str, Any]) -> None:  # noqa: ANN401 - as above
    sheet.write_string(line, 0, labels[row.key])
    for column, cell in enumerate(row.cells, start=1):
        form = formats["share" if isinstance(cell.value, Fraction) else "whole"]
        if cell.value is None:
            sheet.write_string(line, column, labels[cell.status], form)
        else:
            sheet.write_number(line, column, float(cell.value), form)


def _sources(sheet: Any, report: Report, labels: Labels, formats: Mapping[str, Any]) -> None:  # noqa: ANN401 - as above
    sheet.set_column(0, 0, LABEL_WIDTH)
    sheet.write_string(0, 0, labels["sources"], formats["title"])
    lines = [
        *(
            (", ".join(map(str, one.years)), f"{one.source} ({labels['version']} {one.version})")
            for one in report.sources
        ),
        *((str(one.year), f"{labels[one.kind]}: {one.value}") for one in report.discrepancies),
        *(
            (str(year), f"{labels['entitled_at']}: {at:%Y-%m-%d}")
            for year, at in report.entitled_at.items()
        ),
    ]
    for line, (years, text) in enumerate(lines, start=2):
        sheet.write_string(line, 0, years)
        sheet.write_string(line, 1, text)


def _csv_rows(report: Report, labels: Labels) -> Rows:
    for series in report.series.values():
        yield from _csv_series(report, series, key_of((series.measure, series.channel)), labels)
    for series in report.shares().values():
        yield from _csv_series(report, series, f"share/{series.measure}", labels)


def _csv_series(report: Report, series: Series, key: str, labels: Labels) -> Rows:
    places = {"": series.national} | {
        province or "unknown": cells for province, cells in series.provinces.items()
    }
    for place, cells in places.items():
        for year, cell in zip(report.years, cells, strict=True):
            # What this service will never know of a year is no line of a hundred.
            if cell.status is Status.NOT_AVAILABLE and place:
                continue
            yield (
                str(year),
                key.partition("/")[0] if not key.startswith("share/") else key,
                series.channel,
                series.basis,
                place,
                labels[key],
                labels[place] if place else labels["total"],
                _number(cell),
                cell.status,
            )


def _number(cell: Cell) -> str:
    if isinstance(cell.value, Fraction):
        return f"{float(100 * cell.value):.2f}".replace(".", ",")
    return "" if cell.value is None else str(cell.value)
