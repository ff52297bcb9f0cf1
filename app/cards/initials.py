"""The two letters of a holder that a code may carry, packed into ten bits.

Knows which letter stands for a name in any Latin spelling; a name that gives none stays
withheld. No other part of a name enters a code (docs/card-token.md, section 2).
"""

import unicodedata

# Letters whose decomposition holds no A-Z. Capitals: str.upper already makes SS of ß.
_PLAIN = dict(zip("ØŁĐÐÞÆŒẞĦŦŊ", "OLDDTAOSHTN", strict=True))
_LETTERS = 26


def initials_of(given_name: str, family_name: str) -> int:
    """Pack the first letters: family name in bits 0-4, given name in bits 5-9, 0 = withheld.

    The name as written decides, so a particle counts: "van den Berg" gives V.
    """
    return _letter(given_name) << 5 | _letter(family_name)


def initials_text(value: int) -> str:
    """Show packed initials, without the withheld: "EV", "P", ""."""
    return "".join(chr(ord("A") + letter - 1) for letter in (value >> 5, value & 31) if letter)


def are_initials(value: int) -> bool:
    """Tell whether a number is packed initials: two letters of at most 26 and nothing above."""
    return 0 <= value >> 5 <= _LETTERS and value & 31 <= _LETTERS


def _letter(name: str) -> int:
    first = next(filter(str.isalpha, unicodedata.normalize("NFKD", name)), "")
    capital = first.upper()[:1]
    capital = _PLAIN.get(capital, capital)
    return ord(capital) - ord("A") + 1 if "A" <= capital <= "Z" else 0
