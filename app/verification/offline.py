"""What an enrolled scanner compares when it has no network: salted prefixes of references.

The list names refused codes to those who have seen them, and tells nobody else anything
(docs/card-token.md, section 8).
"""

import hmac

PREFIX_BYTES = 8


def prefix(reference: bytes, *, day_salt: bytes) -> bytes:
    """The first 8 bytes of HMAC-SHA256(day salt, reference); salt 32 bytes, reference 16."""
    return hmac.digest(day_salt, reference, "sha256")[:PREFIX_BYTES]
