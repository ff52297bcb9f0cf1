"""What ID tokens and the assertions of clients share: parts of a JWT read without goodwill."""

import base64
import math
from typing import Any, TypeGuard

from app.identity.strict_json import read_object

# RFC 7515 section 4.1: with these the sender chooses the key, or changes what a token means.
REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"})


def segment(token: str, index: int) -> dict[str, Any]:
    """The JSON object in header (0) or payload (1), before any signature; `ValueError` if none."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature (RFC 7515 section 3.1)
        raise ValueError("not a signed token")
    return read_object(base64.urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4)))


def is_moment(value: object) -> TypeGuard[float]:
    """Whether this is a NumericDate (RFC 7519 section 2); `true` and infinity are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
