"""`lerarenkaart statistics …`: the figures on a terminal, and those of others taken in."""

import json
import sys
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from app.cards.card_year import belgian_day
from app.commands.terminal import database, now, out, stop
from app.epd.places import import_institutions
from app.settings import Settings
from app.statistics import export
from app.statistics.figures import Cell, Report, report
from app.statistics.imports import import_physical
from app.statistics.legacy import FILE, import_legacy
from app.statistics.model import Basis
from app.statistics.tables import Table, tables
from app.web.statistics_texts import labels
from app.web.texts import DEFAULT_LANGUAGE, Language, Texts

statistics = typer.Typer(no_args_is_help=True, help="The figures that parliament asks for.")


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


@statistics.command("report")
def show(
    years: Annotated[str, typer.Option(help="A year, or two with a dash: 2021-2026.")],
    *,
    form: Annotated[Form, typer.Option("--format")] = Form.TABLE,
    basis: Annotated[Basis, typer.Option(help="Whose place decides the province.")] = Basis.HOME,
    language: Annotated[str, typer.Option(help="nl, fr, en or de")] = DEFAULT_LANGUAGE,
) -> None:
    """Write the published figures: small cells are hidden here as on the website."""
    if form is Form.XLSX and sys.stdout.isatty():
        stop("A spreadsheet needs a file: add > figures.xlsx.")
    with database() as opened, opened.reading() as session:
        found = report(session, _years(years), basis=basis, small_cell=Settings().small_cell)
    say = Texts.load().get(language)
    if form is not Form.TABLE:
        sys.stdout.buffer.write(_written(found, form, say))
        return
    for table in tables(found):
        out.print(_grid(table, say))


@statistics.command("import-legacy")
def take_legacy(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)] = FILE) -> None:
    """Take in what parliament was told about 2021 and 2022; done once, it never changes."""
    text, moment = file.read_text("utf-8-sig"), now()
    with database() as opened:
        kept = opened.transact(lambda session: import_legacy(session, text, now=moment))
    out.print(f"The answer is in the database since {kept.imported_at:%Y-%m-%d}.")


@statistics.command("import")
def take_physical(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option(help="Who counted these, where and when.")],
) -> None:
    """Take in cards that were made by hand, as a new version with its source."""
    text, moment = file.read_text("utf-8-sig"), now()
    with database() as opened:
        kept = opened.transact(
            lambda session: import_physical(session, text, source=source, now=moment)
        )
    out.print(f"Version {kept.version} of the cards made by hand is in the database.")


@statistics.command("import-institutions")
def take_institutions(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Learn where schools stand, from the open data of the Ministry of Education."""
    text = file.read_text("utf-8-sig")
    with database() as opened:
        count = opened.transact(lambda session: import_institutions(session, text))
    out.print(f"{count} schools have a place now.")


def _years(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        years = range(int(first), int(last or first) + 1)
    except ValueError:
        years = range(0)
    if not years or years[-1] > belgian_day(now()).year + 1:
        raise typer.BadParameter(f"{text} is no year and no two years in their order")
    return years


def _written(found: Report, form: Form, language: Language) -> bytes:
    words = labels(language)
    if form is Form.XLSX:
        return export.xlsx(found, words, now=now())
    if form is Form.CSV:
        return "".join(export.csv(found, words)).encode()
    rows = [
        {
            "table": table.key,
            "row": row.key,
            "year": year,
            "value": float(cell.value) if isinstance(cell.value, Fraction) else cell.value,
            "status": cell.status,
        }
        for table in tables(found)
        for row in table.rows
        for year, cell in zip(table.years, row.cells, strict=True)
    ]
    return json.dumps(rows, indent=1).encode() + b"\n"


def _grid(table: Table, language: Language) -> Grid:
    words = labels(language)
    grid = Grid("", title=words[table.key], title_justify="left")
    for year in table.years:
        grid.add_column(str(year), justify="right")
    for row in table.rows:
        grid.add_row(words[row.key], *(_text(cell, language) for cell in row.cells))
    return grid


def _text(cell: Cell, language: Language) -> str:
    if cell.value is None:
        return labels(language)[cell.status]
    if isinstance(cell.value, Fraction):
        return language.percent(float(cell.value))
    return language.count(cell.value)
