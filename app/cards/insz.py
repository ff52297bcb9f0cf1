"""The national number (INSZ) inside the house: a value that cannot be printed by accident.

Knows how a checked number becomes a keyed pseudonym. Whoever makes an `Insz` has had its
check digits checked by python-stdnum; from here on only the pseudonym is stored, compared
and passed on. A plain hash would protect nothing: there are some twenty million to try.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

NO_DATE = "000000"
NO_COUNTER = "000"
MODULUS = 97


@dataclass(frozen=True, slots=True, repr=False)
class Insz:
    """Eleven checked digits; `repr` and `str` never show them.

    ValueError for what has right check digits and is nobody's number all the same: a counter
    that is never given out, or a date of only zeros. Somebody born in 2000 on an unknown day
    has such a date, and other check digits than an empty field.
    """

    digits: str

    def __post_init__(self) -> None:
        date, counter, check = self.digits[:6], self.digits[6:9], int(self.digits[9:])
        is_of_1900 = MODULUS - int(self.digits[:9]) % MODULUS == check
        if counter == NO_COUNTER or (date == NO_DATE and is_of_1900):
            raise ValueError("this is nobody's national number")

    def __repr__(self) -> str:
        return "Insz(…)"

    def pseudonym(self, pepper: bytes) -> bytes:
        """HMAC-SHA256 under a 32-byte pepper that is not in the database: the look-up key."""
        return hmac.digest(pepper, self.digits.encode("ascii"), "sha256")


def pseudonyms(digits: Iterable[str], pepper: bytes) -> list[bytes]:
    """`Insz.pseudonym` of very many, for looking up only: no check digit is looked at.

    Nobody is known by the pseudonym of what is no number. Ten times as fast as one by one.
    """
    keyed = hmac.new(pepper, digestmod="sha256")

    def pseudonym(text: str) -> bytes:
        mac = keyed.copy()
        mac.update(text.encode())
        return mac.digest()

    return [pseudonym(text) for text in digits]
