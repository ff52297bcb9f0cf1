"""Crockford's base32: the alphabet of codes and typed numbers.

Knows the 32 symbols, how people misread them and how bits are laid out in them, the most
significant first. Hides that Python's own base-32 routines do the work.
"""

import base64
from string import ascii_lowercase, ascii_uppercase
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _ascii_map(written: str, meant: str) -> str:
    """A table for str.translate; one that names every ASCII character is three times as fast."""
    return "".join(map(chr, range(128))).translate(str.maketrans(written, meant))


# Only a-z, where str.upper also makes an S of a long s and an I of a dotless i.
UPPER: Final = _ascii_map(ascii_lowercase, ascii_uppercase)
# What people read and type for other symbols (docs/card-token.md, section 1).
MISREAD: Final = _ascii_map("OIL", "011")

_FROM_RFC4648 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
_TO_INT = _ascii_map(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")


def encode(octets: bytes) -> str:
    """Write bytes as symbols; spare bits at the end are 0."""
    return base64.b32encode(octets).rstrip(b"=").translate(_FROM_RFC4648).decode()


def decode(symbols: str, size: int) -> bytes | None:
    """Read `size` bytes from as many symbols as they need; None when a spare bit is not 0."""
    spare = len(symbols) * 5 - size * 8
    bits = int(symbols.translate(_TO_INT), 32)
    return None if bits & ~(-1 << spare) else (bits >> spare).to_bytes(size, "big")
