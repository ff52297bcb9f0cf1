"""The roster that a personnel office begins with: the columns, and one example."""

from app.csv_file import csv_lines
from app.epd.rosters.reading import COLUMNS

# A number that belongs to nobody.
EXAMPLE = ("84022999510", "ONDERWIJZEND", "01/09/2026", "30/06/2027", "P-0001")


def template() -> str:
    """An empty roster with one example, as CSV."""
    return "".join(csv_lines([*COLUMNS, "referentie"], [EXAMPLE]))
