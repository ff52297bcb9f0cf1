"""The detached CMS signature over a manifest, at little more than the price of the RSA operation.

Knows that of the 2.3 kB of such a signature only the signing time, the digest and the RSA
value ever change. The frame around them is not written by hand: it is cut from a
signature that cryptography's own builder made, and used only after the cut pieces,
put together again, gave that signature back byte for byte.
"""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

# Detached: the phone takes the content from manifest.json. Binary: without it the digest is
# taken over text with its line ends changed. The S/MIME capabilities mean nothing to Wallet.
_OPTIONS = (
    pkcs7.PKCS7Options.DetachedSignature,
    pkcs7.PKCS7Options.Binary,
    pkcs7.PKCS7Options.NoCapabilities,
)
# RFC 5652 section 5.3: the attributes travel under the tag [0] and are signed as SET OF.
_TRAVELLING, _SIGNED = b"\xa0", b"\x31"
# SEQUENCE { contentType (1.2.840.113549.1.9.3), SET { data (1.2.840.113549.1.7.1) } }
_CONTENT_TYPE = bytes.fromhex("301806092a864886f70d010903310b06092a864886f70d010701")
# signingTime (1.2.840.113549.1.9.5), SET, UTCTime of 13 characters
_SIGNING_TIME = bytes.fromhex("06092a864886f70d010905310f170d")
_UTC_TIME = "%y%m%d%H%M%SZ"
_UTC_TIME_LENGTH = 13
# UTCTime ends with 2049 (RFC 5280 section 4.1.2.5.1).
_LAST_YEAR = 2049
# Some 600 bytes each with an RSA-2048 key, so this memory ends near 20 MB.
REMEMBERED = 32_768
PROBES = 8


def signatures_per_s(key: rsa.RSAPrivateKey) -> float:
    """How many passes one core of this machine signs in a second, from a few milliseconds of it."""
    begun = time.thread_time()  # not by the clock: the machine may be busy just now
    for _ in range(PROBES):
        key.sign(b"", padding.PKCS1v15(), hashes.SHA256())
    return PROBES / (time.thread_time() - begun)


@dataclass(frozen=True, slots=True)
class DetachedSigner:
    """Signs with one RSA key; safe to use from many threads at once.

    The newest signatures, without their frame, are remembered by the digest of what they
    cover: a phone and its watch fetch the same pass within seconds.
    """

    _key: rsa.RSAPrivateKey
    _before: bytes
    _opening: bytes
    _between: bytes
    _after: bytes
    _limit: int
    _recent: OrderedDict[bytes, tuple[bytes, bytes]] = field(
        default_factory=OrderedDict, compare=False
    )
    _lock: Lock = field(default_factory=Lock, compare=False)

    @classmethod
    def of(
        cls,
        certificate: x509.Certificate,
        key: rsa.RSAPrivateKey,
        intermediate: x509.Certificate,
        *,
        remembered: int = REMEMBERED,
    ) -> Self:
        """Cut the frame for this certificate and this intermediate from one ordinary signature.

        `remembered` is how many signatures are kept for the next request of the same pass.
        """
        probe = b"{}"
        builder = pkcs7.PKCS7SignatureBuilder().set_data(probe)
        builder = builder.add_signer(certificate, key, hashes.SHA256())
        whole = builder.add_certificate(intermediate).sign(Encoding.DER, _OPTIONS)

        digest = hashlib.sha256(probe).digest()
        attributes_at = whole.rindex(_CONTENT_TYPE) - 2
        time_at = whole.index(_SIGNING_TIME, attributes_at) + len(_SIGNING_TIME)
        time_ends = time_at + _UTC_TIME_LENGTH
        digest_at = whole.index(digest, time_ends)
        signature_at = len(whole) - key.key_size // 8
        signer = cls(
            _key=key,
            _before=whole[:attributes_at],
            _opening=whole[attributes_at + 1 : time_at],
            _between=whole[time_ends:digest_at],
            _after=whole[digest_at + len(digest) : signature_at],
            _limit=remembered,
        )
        if signer._framed(*signer._signed(whole[time_at:time_ends], digest)) != whole:
            raise ValueError("the frame cut from a signature does not give that signature back")
        return signer

    def sign(self, content: bytes, *, now: datetime) -> bytes:
        """Return DER SignedData over `content`, its signing time `now` or, remembered, earlier."""
        digest = hashlib.sha256(content).digest()
        with self._lock:
            if known := self._recent.get(digest):
                self._recent.move_to_end(digest)
        return self._framed(*(known or self._remembered(digest, now)))

    def _remembered(self, digest: bytes, now: datetime) -> tuple[bytes, bytes]:
        if now.year > _LAST_YEAR:
            raise ValueError("a signing time after 2049 does not fit the frame")
        signed = self._signed(now.astimezone(UTC).strftime(_UTC_TIME).encode(), digest)
        with self._lock:
            self._recent[digest] = signed
            if len(self._recent) > self._limit:
                self._recent.popitem(last=False)
        return signed

    def _signed(self, signing_time: bytes, digest: bytes) -> tuple[bytes, bytes]:
        """Return the attributes, without their tag, and the RSA value over them."""
        attributes = b"".join((self._opening, signing_time, self._between, digest))
        return attributes, self._key.sign(_SIGNED + attributes, padding.PKCS1v15(), hashes.SHA256())

    def _framed(self, attributes: bytes, value: bytes) -> bytes:
        return b"".join((self._before, _TRAVELLING, attributes, self._after, value))
