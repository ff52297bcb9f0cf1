"""What a canary leaves behind: every way in which a number, a name or a secret may be written."""

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from urllib.parse import quote


def forms_of_number(digits: str) -> set[bytes]:
    """A national number plain, as people write it, encoded, and hashed without a secret."""
    born, counter, check = digits[:6], digits[6:9], digits[9:]
    dotted = f"{born[:2]}.{born[2:4]}.{born[4:]}-{counter}.{check}"
    written = (
        digits,
        dotted,
        f"{born} {counter} {check}",
        f"{born}-{counter}-{check}",
        f"{born[:2]} {born[2:4]} {born[4:]} {counter} {check}",
        digits[::-1],
    )
    raw = digits.encode()
    hashes = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256", "sha512")]
    whole = int(digits)
    return {
        *(text.encode() for text in written),
        *_encoded(raw),
        "".join(f"%{byte:02X}" for byte in raw).encode(),
        digits.encode("utf-16-le"),
        bytes.fromhex(f"0{digits}"),
        whole.to_bytes(5, "big"),
        whole.to_bytes(5, "little"),
        f"{whole:x}".encode(),
        *(form for digest in hashes for form in (digest, *_encoded(digest))),
    }


def forms_of_text(text: str) -> set[bytes]:
    """A name or a secret plain, escaped and encoded."""
    raw = text.encode()
    return {
        raw,
        text.upper().encode(),
        text.lower().encode(),
        text.encode("utf-16-le"),
        quote(text).encode(),
        html.escape(text).encode(),
        text.encode("ascii", "xmlcharrefreplace"),
        json.dumps(text)[1:-1].encode(),
        *_encoded(raw),
    }


def found(forms: set[bytes], content: bytes) -> list[bytes]:
    """The forms that stand in some content."""
    return sorted(form for form in forms if form in content)


def _encoded(raw: bytes) -> Iterator[bytes]:
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for before in range(3):
        # What is the same wherever the bytes begin in a longer base64 text.
        text = base64.b64encode(b"\0" * before + raw)
        inner = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))
