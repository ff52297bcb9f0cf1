"""The national number (INSZ) inside the house: a value that cannot be printed by accident.

Knows how a checked number becomes a keyed pseudonym. Whoever makes an `Insz` has checked
it with python-stdnum; from here on only the pseudonym is stored, compared and passed on.
A plain hash would protect nothing: there are some twenty million numbers to try.
"""

import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Insz:
    """Eleven checked digits; `repr` and `str` never show them."""

    digits: str

    def __repr__(self) -> str:
        return "Insz(…)"

    def pseudonym(self, pepper: bytes) -> bytes:
        """HMAC-SHA256 under a 32-byte pepper that is not in the database: the look-up key."""
        return hmac.digest(pepper, self.digits.encode("ascii"), "sha256")
