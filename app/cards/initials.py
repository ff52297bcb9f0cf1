"""Two letters of a name, as staff compare them with an identity card. Pure.

Particles count, marks do not: Élodie van den Berg is E V (docs/card-token.md, section 2).
"""

import string
import unicodedata

WITHHELD = 0
# Letters that no decomposition turns into A-Z.
LIKE = str.maketrans("ØŁĐÐÞÆŒßẞĦŦŊ", "OLDDTAOSSHTN")
FAMILY_BITS = 5
LAST_LETTER = 26


def initials_of(given_name: str, family_name: str) -> int:
    """Both letters packed in ten bits: given name first; 0 where a name has no such letter."""
    return _letter(given_name) << FAMILY_BITS | _letter(family_name)


def initials_text(value: int) -> str:
    """The letters of a packed value, those withheld left out: EV, V, or nothing."""
    return "".join(
        string.ascii_uppercase[letter - 1] for letter in split(value) if letter != WITHHELD
    )


def split(value: int) -> tuple[int, int]:
    """The numbers of both letters: 1 to 26, 0 for withheld; more is not a letter."""
    return value >> FAMILY_BITS, value & (1 << FAMILY_BITS) - 1


def _letter(name: str) -> int:
    first = next((char for char in name if unicodedata.category(char).startswith("L")), "")
    plain = unicodedata.normalize("NFKD", first.translate(LIKE).upper().translate(LIKE))[:1]
    return string.ascii_uppercase.find(plain) + 1 if plain else WITHHELD
