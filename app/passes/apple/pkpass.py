"""A .pkpass archive, most of which is laid out once: only three members differ per pass.

Knows the zip format as far as storing needs it (APPNOTE 4.3.7, 4.3.12, 4.3.16) and Apple's
manifest of SHA-1 hashes. Everything is stored, not deflated, and dated 1980, so the same
members always give the same bytes.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
# Version 2.0 of the format; made by Unix so that the mode 0644 counts; 1 January 1980.
_VERSION, _MADE_BY, _DATE, _MODE = 20, 3 << 8 | 20, 1 << 5 | 1, 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Package:
    """The unchanging members of a pass with everything that can be known of them beforehand."""

    _members: bytes
    _directory: bytes
    _count: int
    # The manifest up to the hash of pass.json.
    _manifest: bytes

    @classmethod
    def of(cls, members: Mapping[str, bytes]) -> Self:
        """Lay out the files that are the same in every pass; names relative, with slashes."""
        body, directory = b"", b""
        for name, content in sorted(members.items()):
            local, central = _headers(name.encode("ascii"), content, len(body))
            body += local + content
            directory += central
        hashes = {name: _sha1(content) for name, content in sorted(members.items())}
        manifest = json.dumps(hashes | {"pass.json": ""}, separators=(",", ":"))
        return cls(body, directory, len(members), manifest.removesuffix('"}').encode("ascii"))

    def finish(self, pass_json: bytes, sign: Callable[[bytes], bytes]) -> bytes:
        """Return the whole archive; `sign` makes the detached signature over the manifest."""
        manifest = b"".join((self._manifest, _sha1(pass_json).encode("ascii"), b'"}'))
        parts, directory = [self._members], [self._directory]
        offset = len(self._members)
        for name, content in (
            (b"pass.json", pass_json),
            (b"manifest.json", manifest),
            (b"signature", sign(manifest)),
        ):
            local, central = _headers(name, content, offset)
            parts += local, content
            directory.append(central)
            offset += len(local) + len(content)
        parts += directory
        count, length = self._count + 3, sum(map(len, directory))
        parts.append(_END.pack(b"PK\5\6", 0, 0, count, count, length, offset, 0))
        return b"".join(parts)


def _headers(name: bytes, content: bytes, offset: int) -> tuple[bytes, bytes]:
    """Return the local header and the directory entry of a stored member at `offset`."""
    crc, size = zlib.crc32(content), len(content)
    # version needed, flags, method, time, date, CRC-32, both sizes, length of name and of extra
    common = (_VERSION, 0, 0, 0, _DATE, crc, size, size, len(name), 0)
    local = _LOCAL.pack(b"PK\3\4", *common) + name
    central = _CENTRAL.pack(b"PK\1\2", _MADE_BY, *common, 0, 0, 0, _MODE, offset) + name
    return local, central


def _sha1(content: bytes) -> str:
    """SHA-1 because Apple's format says so; the manifest itself is signed with SHA-256."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
