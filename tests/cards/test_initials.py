"""The letters that stand for a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cards.initials import are_initials, initials_of, initials_text


@pytest.mark.parametrize(
    ("given_name", "family_name", "shown"),
    [
        ("Emma", "Peeters", "EP"),
        ("élodie", "van den Berg", "EV"),
        ("E\N{COMBINING ACUTE ACCENT}lodie", "Çelik", "EC"),
        ("Ærø", "Œuvrard", "AO"),
        ("Þór", "Ðorðe", "TD"),
        ("Đorđe", "Ħaż-Żebbuġ", "DH"),
        ("Ŧor", "Ŋata", "TN"),
        ("ŋata", "łukasz", "NL"),
        ("Ǿrsted", "Ǽther", "OA"),
        ("ßara", "ẞmith", "SS"),
        ("'t", "'s Jongers", "TS"),
        ("  \t-Jan", "(De) Wit", "JD"),
        ("4ever", "2Pac", "EP"),
        ("\N{LATIN SMALL LIGATURE FI}ona", "\N{FULLWIDTH LATIN CAPITAL LETTER K}im", "FK"),
        ("Иван", "Peeters", "P"),
        ("Emma", "李", "E"),
        ("Иван Ivan", "", ""),
        ("", "", ""),
        ("123", "\N{COMBINING ACUTE ACCENT}", ""),
        ("\ud800", "\0", ""),
    ],
)
def test_the_first_letter_of_a_name_decides(given_name: str, family_name: str, shown: str) -> None:
    assert initials_text(initials_of(given_name, family_name)) == shown


def test_one_letter_says_which_name_it_came_from() -> None:
    assert initials_of("Emma", "") == 5 << 5
    assert initials_of("", "Emma") == 5


@given(st.text(st.characters()), st.text(st.characters()))
def test_every_name_gives_two_letters_or_less(given_name: str, family_name: str) -> None:
    value = initials_of(given_name, family_name)
    assert are_initials(value)
    assert all("A" <= letter <= "Z" for letter in initials_text(value))


def test_only_two_numbers_up_to_26_are_initials() -> None:
    sound = {first << 5 | second for first in range(27) for second in range(27)}
    assert {value for value in range(-70_000, 70_000) if are_initials(value)} == sound
