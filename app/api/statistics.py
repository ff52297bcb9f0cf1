"""For anyone: the published figures, as a page, as files and as JSON.

Everything here may be kept for a few minutes by whoever passes it on. Which cells are hidden is
decided below, the same for all four.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from app.api.deps import Now, TheHouse, language, page
from app.api.limits import address
from app.api.problems import PROBLEM_RESPONSES
from app.errors import Conflict
from app.statistics import export
from app.statistics.charts import charts
from app.statistics.counts import Status, years_known
from app.statistics.figures import Cell, Report, Series, report
from app.statistics.model import Basis
from app.statistics.tables import tables
from app.web.statistics_texts import labels

KEEP_S = 300
FIRST_YEAR = 2000
LONGEST = 30
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

router = APIRouter(tags=["anyone"])

Year = Annotated[int | None, Query(ge=FIRST_YEAR, le=2100)]


class By(StrEnum):
    """How far figures are broken down."""

    YEAR = "year"
    CHANNEL = "channel"
    PROVINCE = "province"


class FigureAnswer(BaseModel):
    """One figure; `value` is null where it is not known or hidden, a share lies from 0 to 1."""

    year: int
    measure: str
    channel: str | None = Field(description="Null for the whole.")
    province: str | None = Field(description="ISO 3166-2; null for all of them.")
    basis: Basis = Field(description="Whose place decides the province.")
    unit: str = Field(description="`count` or `share` of those entitled.")
    value: int | float | None
    status: Status


class SourceAnswer(BaseModel):
    """Where imported figures came from."""

    years: tuple[int, ...]
    source: str
    version: int
    imported_at: datetime


class DiscrepancyAnswer(BaseModel):
    """A contradiction that stands in the source."""

    year: int
    kind: str
    value: int


class StatisticsAnswer(BaseModel):
    """The published figures of some years."""

    years: tuple[int, ...]
    by: By
    small_cell: int = Field(description="Counts of 1 up to this are hidden.")
    figures: list[FigureAnswer]
    sources: list[SourceAnswer]
    discrepancies: list[DiscrepancyAnswer]
    entitled_counted_at: dict[int, datetime]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants to see; years that it leaves open are all of which there are any."""

    first: Annotated[Year, Query(alias="from")] = None
    last: Annotated[Year, Query(alias="to")] = None
    basis: Basis = Basis.HOME


def wanted(
    request: Request, house: TheHouse, now: Now, asked: Annotated[Asked, Depends()]
) -> Report:
    """The figures that were asked for."""
    house.limits.count("statistics", address(request))
    with house.database.reading() as session:
        known = years_known(session, now=now)
        first = asked.first or min(known[0], asked.last or known[0])
        years = range(first, (asked.last or max(known[-1], first)) + 1)
        if not 0 < len(years) <= LONGEST:
            raise Conflict(f"Ask for 1 to {LONGEST} years, the first one first.")
        return report(session, years, basis=asked.basis, small_cell=house.small_cell)


Wanted = Annotated[Report, Depends(wanted)]


@router.get("/api/v1/statistics", responses=PROBLEM_RESPONSES)
def statistics(figures: Wanted, response: Response, by: By = By.YEAR) -> StatisticsAnswer:
    """The published figures; counts below `small_cell`, and what would reveal them, are hidden."""
    response.headers["cache-control"] = f"public, max-age={KEEP_S}"
    return StatisticsAnswer(
        years=figures.years,
        by=by,
        small_cell=figures.small_cell,
        figures=list(_figures(figures, by)),
        sources=[
            SourceAnswer(
                years=one.years,
                source=one.source,
                version=one.version,
                imported_at=one.imported_at,
            )
            for one in figures.sources
        ],
        discrepancies=[
            DiscrepancyAnswer(year=one.year, kind=one.kind, value=one.value)
            for one in figures.discrepancies
        ],
        entitled_counted_at=dict(figures.entitled_at),
    )


@router.get("/statistics", include_in_schema=False)
def statistics_page(request: Request, figures: Wanted) -> HTMLResponse:
    """The figures as charts and tables."""
    return page(
        request,
        "statistics.html",
        report=figures,
        tables=tables(figures),
        charts=charts(figures),
        query=f"from={figures.years[0]}&to={figures.years[-1]}&basis={figures.basis}",
        bases=list(Basis),
    )


@router.get("/statistics.csv", include_in_schema=False)
def statistics_csv(request: Request, figures: Wanted, house: TheHouse) -> StreamingResponse:
    """Every figure, a line each."""
    words = labels(house.texts.get(language(request)))
    lines = export.csv(figures, words)
    return StreamingResponse(lines, media_type="text/csv", headers=_attached("csv"))


@router.get("/statistics.xlsx", include_in_schema=False)
def statistics_xlsx(request: Request, figures: Wanted, house: TheHouse, now: Now) -> Response:
    """The tables as sheets."""
    words = labels(house.texts.get(language(request)))
    return Response(
        export.xlsx(figures, words, now=now), media_type=XLSX, headers=_attached("xlsx")
    )


def _attached(kind: str) -> dict[str, str]:
    return {
        "content-disposition": f'attachment; filename="lerarenkaart.{kind}"',
        "cache-control": f"public, max-age={KEEP_S}",
        "vary": "accept-language, cookie",
    }


def _figures(figures: Report, by: By) -> Iterator[FigureAnswer]:
    for series in figures.series.values():
        if by is not By.YEAR or not series.channel:
            yield from _cells(figures, series, by, "count")
    for series in figures.shares().values():
        yield from _cells(figures, series, by, "share")


def _cells(figures: Report, series: Series, by: By, unit: str) -> Iterator[FigureAnswer]:
    places: dict[str | None, tuple[Cell, ...]] = {None: series.national}
    if by is By.PROVINCE:
        places |= {province or "unknown": cells for province, cells in series.provinces.items()}
    for province, cells in places.items():
        for year, cell in zip(figures.years, cells, strict=True):
            yield FigureAnswer(
                year=year,
                measure=series.measure,
                channel=series.channel or None,
                province=province,
                basis=series.basis,
                unit=unit,
                value=float(cell.value) if isinstance(cell.value, Fraction) else cell.value,
                status=cell.status,
            )
