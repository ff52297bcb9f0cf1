"""A postcode lies in the right province on the right day."""

from datetime import date

import pytest

from app.provinces import RANGES, Province, province

ON = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("1000", "1299", Province.BRUSSEL),
        ("1300", "1499", Province.WAALS_BRABANT),
        ("1500", "1999", Province.VLAAMS_BRABANT),
        ("2000", "2999", Province.ANTWERPEN),
        ("3000", "3499", Province.VLAAMS_BRABANT),
        ("3500", "3999", Province.LIMBURG),
        ("4000", "4999", Province.LUIK),
        ("5000", "5999", Province.NAMEN),
        ("6000", "6599", Province.HENEGOUWEN),
        ("6600", "6999", Province.LUXEMBURG),
        ("7000", "7999", Province.HENEGOUWEN),
        ("8000", "8999", Province.WEST_VLAANDEREN),
        ("9000", "9999", Province.OOST_VLAANDEREN),
    ],
)
def test_both_ends_of_a_range_lie_in_its_province(
    first: str, last: str, expected: Province
) -> None:
    assert province(first, ON) is province(last, ON) is expected


def test_every_province_has_a_range() -> None:
    assert {found for _, found in RANGES} == set(Province)


def test_zwijndrecht_moved_to_oost_vlaanderen_in_2025() -> None:
    assert province("2070", date(2024, 12, 31)) is Province.ANTWERPEN
    assert province("2070", date(2025, 1, 1)) is Province.OOST_VLAANDEREN


@pytest.mark.parametrize(
    "text",
    [None, "", "0999", "999", "10000", "4561 AB", "\uff19\uff10\uff10\uff10", "9 00", "-900"],
)
def test_what_is_no_belgian_postcode_lies_in_no_province(text: str | None) -> None:
    assert province(text, ON) is None
