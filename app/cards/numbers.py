"""Numbers that people type: the card number on every pass, one-time codes of webshops and tills.

Knows their alphabet, their check character and how people write them. Whether a number
belongs to a card is for others to say (docs/card-token.md, section 9).
"""

import re
import secrets

from app.cards.crockford import ALPHABET, MISREAD, UPPER

_RANDOM = 9
_ENROLMENT_RANDOM = 13
# Longer text is no number, however many spaces and hyphens it holds.
_LONGEST = 300
_WHITE_SPACE = " \t\n\v\f\r"
_SEPARATORS = str.maketrans("", "", " -")
_CARD_NUMBER = re.compile(rf"[{ALPHABET}]{{10}}")
_WEBSHOP_CODE = re.compile(rf"W[{ALPHABET}]{{10}}")
_ENROLMENT_CODE = re.compile(rf"E[{ALPHABET}]{{14}}")


def new_card_number() -> str:
    """Draw a card number: 9 random characters (45 bits) and their check character."""
    return _checked(_drawn())


def new_webshop_code() -> str:
    """Draw a webshop code: `W`, 9 random characters and the check character over these ten."""
    return _checked("W" + _drawn())


def new_enrolment_code() -> str:
    """Draw a till's enrolment code: `E`, 13 random characters (65 bits) and a check character."""
    return _checked("E" + _drawn(_ENROLMENT_RANDOM))


def card_number_of(text: str) -> str | None:
    """Read a typed card number; None when it is none or its check character is wrong."""
    return _read(text, _CARD_NUMBER)


def webshop_code_of(text: str) -> str | None:
    """Read a typed webshop code; None when it is none or its check character is wrong."""
    return _read(text, _WEBSHOP_CODE)


def enrolment_code_of(text: str) -> str | None:
    """Read a typed enrolment code; None when it is none or its check character is wrong."""
    return _read(text, _ENROLMENT_CODE)


def _read(text: str, form: re.Pattern[str]) -> str | None:
    if "/" in text:
        return None  # a scanned code, as nearly every text is
    bare = text[:_LONGEST].strip(_WHITE_SPACE).translate(_SEPARATORS)
    number = bare.translate(UPPER).translate(MISREAD)
    return number if form.fullmatch(number) and number == _checked(number[:-1]) else None


def _drawn(count: int = _RANDOM) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def _checked(number: str) -> str:
    total = sum(
        position * ALPHABET.index(character) for position, character in enumerate(number, start=1)
    )
    return number + ALPHABET[total % 31]
