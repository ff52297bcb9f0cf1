"""Numbers that people type: the card number printed on every pass. Pure.

Nine random Crockford characters and a check character, the sum of position x value modulo
31 (docs/card-token.md, section 9).
"""

import secrets
import string

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 10
CHECK_MODULUS = 31
# What eyes and fingers confuse, and what people write between groups.
LENIENT = str.maketrans("OIL", "011", " -")
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def new_card_number() -> str:
    """A random card number."""
    stem = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return stem + check_character(stem)


def card_number_of(text: str) -> str | None:
    """The card number in a typed text, None when it is not one."""
    if len(text) > 4 * LENGTH:
        return None
    typed = text.strip(string.whitespace).upper().translate(LENIENT)
    if len(typed) != LENGTH or not _VALUES.keys() >= set(typed):
        return None
    return typed if check_character(typed[:-1]) == typed[-1] else None


def check_character(stem: str) -> str:
    """The character that closes a number."""
    total = sum(position * _VALUES[character] for position, character in enumerate(stem, start=1))
    return ALPHABET[total % CHECK_MODULUS]
