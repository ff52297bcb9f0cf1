"""In which province a Belgian postcode lies on a day.

Knows the ranges of postcodes (checked against Statbel's municipalities) and the one postcode
that moved: 2070 went with Zwijndrecht to Oost-Vlaanderen when it joined Beveren and Kruibeke.
A postcode that is not Belgian, or that nobody uses, lies in no province.
"""

from bisect import bisect_right
from datetime import date
from enum import StrEnum


class Province(StrEnum):
    """The ten provinces and the Brussels region, by ISO 3166-2."""

    ANTWERPEN = "BE-VAN"
    LIMBURG = "BE-VLI"
    OOST_VLAANDEREN = "BE-VOV"
    WEST_VLAANDEREN = "BE-VWV"
    VLAAMS_BRABANT = "BE-VBR"
    LUIK = "BE-WLG"
    NAMEN = "BE-WNA"
    HENEGOUWEN = "BE-WHT"
    LUXEMBURG = "BE-WLX"
    BRUSSEL = "BE-BRU"
    WAALS_BRABANT = "BE-WBR"


# The first postcode of each range; a range ends where the next begins, the last at 9999.
RANGES = (
    (1000, Province.BRUSSEL),
    (1300, Province.WAALS_BRABANT),
    (1500, Province.VLAAMS_BRABANT),
    (2000, Province.ANTWERPEN),
    (3000, Province.VLAAMS_BRABANT),
    (3500, Province.LIMBURG),
    (4000, Province.LUIK),
    (5000, Province.NAMEN),
    (6000, Province.HENEGOUWEN),
    (6600, Province.LUXEMBURG),
    (7000, Province.HENEGOUWEN),
    (8000, Province.WEST_VLAANDEREN),
    (9000, Province.OOST_VLAANDEREN),
)
STARTS = tuple(start for start, _ in RANGES)
DIGITS = 4
ZWIJNDRECHT = "2070"
ZWIJNDRECHT_MOVED_ON = date(2025, 1, 1)


def province(postcode: str | None, on: date) -> Province | None:
    """The province of a postcode on a day; None for one that is unknown or abroad."""
    if postcode is None or len(postcode) != DIGITS:
        return None
    if not (postcode.isascii() and postcode.isdigit()) or int(postcode) < STARTS[0]:
        return None
    if postcode == ZWIJNDRECHT and on >= ZWIJNDRECHT_MOVED_ON:
        return Province.OOST_VLAANDEREN
    return RANGES[bisect_right(STARTS, int(postcode)) - 1][1]
