"""The token a phone shows to fetch its pass: derived, unguessable, compared in constant time."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.passes.apple.passes import authentication_token, token_matches

OLD, NEW = b"o" * 32, b"n" * 32
TYPE, SERIAL = "pass.example.lerarenkaart", "5f0c9a4e"


def test_a_token_has_256_bits_in_letters_any_header_carries() -> None:
    token = authentication_token(NEW, TYPE, SERIAL)

    assert len(bytes.fromhex(token)) == 32


def test_every_secret_type_and_serial_has_a_token_of_its_own() -> None:
    named = list(product((OLD, NEW), (TYPE, "pass.example.other"), (SERIAL, "6a1d")))

    assert len({authentication_token(*one) for one in named}) == len(named)


def test_type_and_serial_cannot_be_shifted_into_each_other() -> None:
    assert authentication_token(NEW, "pass.a", "bc") != authentication_token(NEW, "pass.ab", "c")


def test_a_token_of_an_earlier_secret_still_matches() -> None:
    token = authentication_token(OLD, TYPE, SERIAL)

    assert token_matches(token, [NEW, OLD], TYPE, SERIAL)
    assert not token_matches(token, [NEW], TYPE, SERIAL)


def test_the_token_of_another_pass_does_not_match() -> None:
    assert not token_matches(authentication_token(NEW, TYPE, "other"), [NEW], TYPE, SERIAL)


@pytest.mark.parametrize("presented", ["", "ApplePass", "é" * 64, "\ud800" * 64])
def test_what_is_no_token_does_not_match(presented: str) -> None:
    assert not token_matches(presented, [NEW, OLD], TYPE, SERIAL)


def test_without_a_secret_nothing_matches() -> None:
    assert not token_matches(authentication_token(NEW, TYPE, SERIAL), [], TYPE, SERIAL)


@given(position=st.integers(0, 63), digit=st.sampled_from("0123456789abcdef"))
def test_a_token_with_one_digit_changed_does_not_match(position: int, digit: str) -> None:
    token = authentication_token(NEW, TYPE, SERIAL)
    changed = token[:position] + digit + token[position + 1 :]

    assert token_matches(changed, [NEW], TYPE, SERIAL) is (changed == token)
