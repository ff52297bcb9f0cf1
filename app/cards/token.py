"""LK1, the one code on every carrier: made, read and checked (docs/card-token.md). Pure.

Knows the text, the bytes, the keys and the fixed windows; hides them behind three steps that
carry the spec's order: `read` (text and fields), `authenticate` (key id, signature,
reference), and for the server `mint`. What cannot be read is a `Fault`, never an exception.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.cards.azerty import repaired
from app.cards.initials import LAST_LETTER, split
from app.cards.numbers import ALPHABET

HOUR_S = 3600
WEB_STRIP_S = 30
WEB_LIFETIME_S = 60
WALLET_LIFETIME_S = 35 * 86_400
# Section 4, server time, both ends inclusive.
EARLY_S = 5
LATE_WEB_S = 30
RECENT_S = 36 * HOUR_S

# Section 1.
MAX_READ = 300
BODY_LENGTH = 146
SPACE = " \t\n\v\f\r"
LENIENT_BODY = str.maketrans("OIL", "011")
TO_BASE32 = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
AUTHORITY = re.compile(r"(?:HTTPS?://)?([^/]*)/", re.DOTALL)
TAIL = re.compile(r"/([0-9]{10})/([0-9]{8})")

# Section 2.
PREFIX = b"LK1\x00"
PAYLOAD_BYTES = 27
TOKEN_BYTES = 91
TEST_FLAG = 0x01
HOURS_FLAG = 0x8000
REFERENCE_PADDING = bytes(4)
MAX_PASS_NUMBER = 1 << 63
SCALAR_BYTES = 32
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ES256 = ec.ECDSA(SHA256())
ES256_DETERMINISTIC = ec.ECDSA(SHA256(), deterministic_signing=True)


class Carrier(IntEnum):
    """What shows the code."""

    WEB = 1
    APPLE = 2
    GOOGLE = 3
    PAPER = 4

    @property
    def label(self) -> str:
        """The carrier's name in answers: web, apple, google, paper."""
        return self.name.lower()

    @property
    def grid_s(self) -> int:
        """Every issued_at is a multiple of this."""
        return WEB_STRIP_S if self is Carrier.WEB else HOUR_S


class KeyState(StrEnum):
    """What a key may still do."""

    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"
    TEST = "test"
    REVOKED = "revoked"


class Fault(StrEnum):
    """Why a text is not a code of ours, in the order in which it is found out."""

    MALFORMED = "malformed"
    FOREIGN_CODE = "foreign_code"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_CARD = "unknown_card"


class TokenKey:
    """One key id: a P-256 signing key and a 32-byte secret, from which the others derive."""

    def __init__(
        self, key_id: int, state: KeyState, private_key: ec.EllipticCurvePrivateKey, secret: bytes
    ) -> None:
        self.id = key_id
        self.state = state
        self._private_key = private_key
        self._public_key = private_key.public_key()
        self._secret = secret
        # One block, so ECB is AES itself: a permutation of pass number and counter.
        self._reference = Cipher(
            AES(self._derive(b"lk1 reference" + bytes([key_id]), 16)),
            ECB(),  # noqa: S305 - see above
        )

    def sign(self, payload: bytes) -> bytes:
        """The r and s of the deterministic ES256 signature with the low s (RFC 6979)."""
        signature = self._private_key.sign(PREFIX + payload, ES256_DETERMINISTIC)
        r, s = decode_dss_signature(signature)
        low = min(s, ORDER - s)
        return r.to_bytes(SCALAR_BYTES, "big") + low.to_bytes(SCALAR_BYTES, "big")

    def verifies(self, payload: bytes, signature: bytes) -> bool:
        """Whether this key made the signature; signing again is half the price of verifying."""
        r, s = (int.from_bytes(signature[i : i + SCALAR_BYTES], "big") for i in (0, SCALAR_BYTES))
        if not (0 < r < ORDER and 0 < s <= ORDER // 2):
            return False
        if hmac.compare_digest(self.sign(payload), signature):
            return True
        try:
            self._public_key.verify(encode_dss_signature(r, s), PREFIX + payload, ES256)
        except InvalidSignature:
            return False
        return True

    def seal(self, pass_number: int, counter: int) -> bytes:
        """The 16-byte reference that only this key's secret opens."""
        block = pass_number.to_bytes(8, "big") + counter.to_bytes(4, "big") + REFERENCE_PADDING
        return self._reference.encryptor().update(block)

    def open(self, reference: bytes) -> "Opened | None":
        """What a reference holds, None when it is not one of this key's."""
        block = self._reference.decryptor().update(reference)
        pass_number = int.from_bytes(block[:8], "big")
        if block[12:] != REFERENCE_PADDING or pass_number >= MAX_PASS_NUMBER:
            return None
        return Opened(pass_number, int.from_bytes(block[8:12], "big"))

    def totp_key(self, pass_number: int, generation: int) -> bytes:
        """The 20-byte key of one pass and generation (section 3): derived, stored nowhere."""
        info = b"lk1 totp" + pass_number.to_bytes(8, "big") + generation.to_bytes(4, "big")
        return self._derive(info, 20)

    def jwk(self) -> dict[str, Any]:
        """The public key as a JWK (RFC 7517)."""
        numbers = self._public_key.public_numbers()
        x, y = (_base64url(n.to_bytes(SCALAR_BYTES, "big")) for n in (numbers.x, numbers.y))
        return {
            "kty": "EC",
            "crv": "P-256",
            "kid": str(self.id),
            "alg": "ES256",
            "use": "sig",
            "x": x,
            "y": y,
        }

    def _derive(self, info: bytes, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=b"", info=info).derive(self._secret)


@dataclass(frozen=True, slots=True)
class Tail:
    """What a Google phone adds: its own Unix seconds and the digits of that moment."""

    seconds: int
    digits: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reference holds: the pass number, and its generation or web moment."""

    pass_number: int
    counter: int


@dataclass(frozen=True, slots=True)
class Token:
    """A well-formed code; nothing is proven yet. Moments are Unix seconds."""

    carrier: Carrier
    test: bool
    key_id: int
    issued_at: int
    lifetime_s: int
    reference: bytes
    initials: int
    payload: bytes
    signature: bytes
    body: str
    tail: Tail | None

    @property
    def ends_at(self) -> int:
        """The last second of the code's own lifetime."""
        return self.issued_at + self.lifetime_s


def mint(
    key: TokenKey,
    *,
    carrier: Carrier,
    pass_number: int,
    issued_at: int,
    lifetime_s: int,
    initials: int,
    counter: int | None = None,
    test: bool = False,
) -> str:
    """The 146-character body of a new code; the moment is rounded down to the carrier's grid."""
    issued_at -= issued_at % carrier.grid_s
    if counter is None:
        counter = issued_at // WEB_STRIP_S
    payload = (
        bytes([carrier << 4 | (TEST_FLAG if test else 0), key.id])
        + issued_at.to_bytes(4, "big")
        + _lifetime(lifetime_s).to_bytes(2, "big")
        + key.seal(pass_number, counter)
        + initials.to_bytes(2, "big")
        + b"\x00"
    )
    return _encode(payload + key.sign(payload))


def code(base: str, body: str, tail: Tail | None = None) -> str:
    """The canonical text: base, body and, from a Google phone, the tail."""
    text = f"{base}/1{body}"
    return f"{text}/{tail.seconds}/{tail.digits}" if tail else text


def read(text: str, base: str) -> Token | Fault:
    """Steps 1 and 2: find the code in a scanned or typed text and look at its fields."""
    text = repaired(text[:MAX_READ].strip(SPACE)).translate(ASCII_UPPER)
    authority, rest = _split(text)
    if authority and authority != _split(f"{base}/")[0]:
        return Fault.FOREIGN_CODE
    body = rest[2 : 2 + BODY_LENGTH].translate(LENIENT_BODY)
    raw = _decode(body) if rest.startswith("/1") else None
    tail = _tail(rest[2 + BODY_LENGTH :])
    if raw is None or tail is Fault.MALFORMED:
        return Fault.MALFORMED
    return _token(raw, body, tail)


def authenticate(token: Token, keys: Mapping[int, TokenKey]) -> Opened | Fault:
    """Steps 3 to 5, as far as keys can tell: key id, signature, reference."""
    key = keys.get(token.key_id)
    if key is None or key.state is KeyState.REVOKED:
        return Fault.UNKNOWN_KEY
    if token.test is not (key.state is KeyState.TEST):
        return Fault.UNKNOWN_KEY
    if not key.verifies(token.payload, token.signature):
        return Fault.BAD_SIGNATURE
    opened = key.open(token.reference)
    if opened is None:
        return Fault.UNKNOWN_CARD
    if token.carrier is Carrier.WEB and opened.counter != token.issued_at // WEB_STRIP_S:
        return Fault.UNKNOWN_CARD
    return opened


def _split(text: str) -> tuple[str, str]:
    """The authority before the path (empty when there is none) and the path."""
    found = AUTHORITY.match(text)
    return (found[1], text[found.end() - 1 :]) if found else ("", text)


def _tail(text: str) -> Tail | Fault | None:
    if not text:
        return None
    found = TAIL.fullmatch(text)
    return Tail(int(found[1]), found[2]) if found else Fault.MALFORMED


def _token(raw: bytes, body: str, tail: Tail | Fault | None) -> Token | Fault:
    kind, flags = divmod(raw[0], 16)
    lifetime = int.from_bytes(raw[6:8], "big")
    initials = int.from_bytes(raw[24:26], "big")
    issued_at = int.from_bytes(raw[2:6], "big")
    if kind not in Carrier.__members__.values() or flags & ~TEST_FLAG or raw[26]:
        return Fault.MALFORMED
    carrier = Carrier(kind)
    if not lifetime & ~HOURS_FLAG or issued_at % carrier.grid_s:
        return Fault.MALFORMED
    if max(split(initials)) > LAST_LETTER or (tail and carrier is not Carrier.GOOGLE):
        return Fault.MALFORMED
    return Token(
        carrier=carrier,
        test=bool(flags & TEST_FLAG),
        key_id=raw[1],
        issued_at=issued_at,
        lifetime_s=(lifetime & ~HOURS_FLAG) * (HOUR_S if lifetime & HOURS_FLAG else 1),
        reference=raw[8:24],
        initials=initials,
        payload=raw[:PAYLOAD_BYTES],
        signature=raw[PAYLOAD_BYTES:],
        body=body,
        tail=tail if isinstance(tail, Tail) else None,
    )


def _lifetime(lifetime_s: int) -> int:
    hours, rest_s = divmod(lifetime_s, HOUR_S)
    return lifetime_s if rest_s else HOURS_FLAG | hours


def _encode(raw: bytes) -> str:
    number = int.from_bytes(raw, "big") << 2
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(BODY_LENGTH)))


def _decode(body: str) -> bytes | None:
    if len(body) != BODY_LENGTH or not set(body) <= set(ALPHABET):
        return None
    number = int(body.translate(TO_BASE32), 32)
    return None if number & 3 else (number >> 2).to_bytes(TOKEN_BYTES, "big")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
