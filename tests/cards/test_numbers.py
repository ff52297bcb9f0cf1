"""Numbers that people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cards.crockford import ALPHABET
from app.cards.numbers import (
    card_number_of,
    enrolment_code_of,
    new_card_number,
    new_enrolment_code,
    new_webshop_code,
    webshop_code_of,
)

# 1x1 + 2x2 + ... + 9x9 = 285 = 6 mod 31.
CARD_NUMBER = "1234567896"
# W is 28: 1x28 + 2x1 + 3x2 + ... + 10x9 = 358 = 17 mod 31, the symbol H.
WEBSHOP_CODE = "W123456789H"


def test_the_check_symbol_is_the_weighted_sum() -> None:
    assert card_number_of(CARD_NUMBER) == CARD_NUMBER
    assert webshop_code_of(WEBSHOP_CODE) == WEBSHOP_CODE


@pytest.mark.parametrize(
    "typed",
    ["12345 67896", "1234-5678-96", " i2345-67896\r\n", "l234567896", "I 2 3 4 5 6 7 8 9 6"],
)
def test_a_card_number_is_read_as_people_write_it(typed: str) -> None:
    assert card_number_of(typed) == CARD_NUMBER


def test_an_enrolment_code_is_read_as_people_write_it() -> None:
    code = new_enrolment_code()
    assert (len(code), code[0]) == (15, "E")
    typed = f" {code[:5].lower()}-{code[5:10]} {code[10:]}\n"
    assert enrolment_code_of(typed) == code
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert [enrolment_code_of(text) for text in (code[1:], wrong, "E", "")] == [None] * 4


def test_letters_that_look_like_digits_are_digits() -> None:
    assert card_number_of("0000000000") == card_number_of("oOoO-oOoO oO") == "0000000000"
    assert webshop_code_of("w-i234-5678 9h") == WEBSHOP_CODE


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "1234567897",
        "2134567896",
        "123456789",
        "12345678966",
        "U234567896",
        "１２３４５６７８９６",  # noqa: RUF001 - digits that only look like ASCII
        "123456\n7896",
        "12345\N{EN DASH}67896",
        "123456789\ud800",
        "1234567896\0",
        " " * 300 + CARD_NUMBER,
        WEBSHOP_CODE,
    ],
)
def test_anything_else_is_no_card_number(typed: str) -> None:
    assert card_number_of(typed) is None


@pytest.mark.parametrize("typed", ["", "W123456789J", "V123456789H", "W123456789", CARD_NUMBER])
def test_anything_else_is_no_webshop_code(typed: str) -> None:
    assert webshop_code_of(typed) is None


def test_new_numbers_are_canonical_and_differ() -> None:
    numbers = {new_card_number() for _ in range(500)}
    codes = {new_webshop_code() for _ in range(500)}
    assert len(numbers) == len(codes) == 500
    assert all(card_number_of(number) == number for number in numbers)
    assert all(webshop_code_of(code) == code for code in codes)
    assert {symbol for number in numbers for symbol in number[:9]} == set(ALPHABET)


@given(st.integers(0, 8), st.sampled_from(ALPHABET))
def test_one_mistyped_symbol_is_noticed(position: int, symbol: str) -> None:
    """Only 0 and Z weigh the same, modulo 31."""
    mistyped = CARD_NUMBER[:position] + symbol + CARD_NUMBER[position + 1 :]
    assert (card_number_of(mistyped) is None) is (mistyped != CARD_NUMBER)


@given(st.text(st.characters(), max_size=400))
def test_reading_numbers_never_fails(typed: str) -> None:
    for number in (card_number_of(typed), webshop_code_of(typed)):
        assert number is None or set(number) <= set(ALPHABET)
