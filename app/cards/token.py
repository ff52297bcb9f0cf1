"""The card token LK1: one signed text on every carrier. Pure.

Knows the text form, the bytes, the signature and the sealed reference of docs/card-token.md,
sections 1, 2 and 6; section numbers below are of that page. Hides the cryptography. Says
what a code is, not whether it counts now: that is for `totp` and `verification`.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.cards import azerty, crockford, es256
from app.cards.initials import are_initials

HOUR_S: Final = 3600
WEB_STRIP_S: Final = 30
WEB_LIFETIME_S: Final = 60
WALLET_LIFETIME_S: Final = 35 * 86_400
# Section 4, by server time, both ends inclusive.
EARLY_S: Final = 5
LATE_WEB_S: Final = 30
RECENT_S: Final = 36 * HOUR_S

# Section 1.
_LONGEST = 300
_WHITE_SPACE = " \t\n\v\f\r"
# What stands between a scheme and the path, or else before a single slash (RFC 3986, section 3).
# White space belongs to no address; other alphabets do, and make it a foreign one.
_AUTHORITY = re.compile(r"([A-Z][A-Z0-9+.-]*://)?([^/?# \t\n\v\f\r]+)(?(1)(?=[/?#]|\Z)|(?=/(?!/)))")
_PATH = re.compile(r"/1([0-9A-TV-Z]{146})(?:/([0-9]{10})/([0-9]{8}))?")

# Section 2.
_PAYLOAD = struct.Struct(">BBIH16sHB")
_REFERENCE = struct.Struct(">QI4x")
_PREFIX = b"LK1\0"
_TEST_FLAG = 0x01
_HOURS = 0x8000
_PASS_NUMBERS = 2**63
_UINT32 = 2**32
_TOKEN_SIZE = 91


class Carrier(IntEnum):
    """What shows the code; the number stands in the token."""

    WEB = 1
    APPLE = 2
    GOOGLE = 3
    PAPER = 4

    @property
    def label(self) -> str:
        """The word of the partner interface."""
        return self.name.lower()

    @property
    def grid_s(self) -> int:
        """Seconds of which issued_at is a multiple; whole hours tell nothing about the last use."""
        return WEB_STRIP_S if self is Carrier.WEB else HOUR_S


_CARRIERS = {carrier.value: carrier for carrier in Carrier}


class KeyState(StrEnum):
    """What a key may still do: sign and verify, verify only, the same for test cards, nothing."""

    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"
    TEST = "test"
    REVOKED = "revoked"


class Fault(StrEnum):
    """Why a text is no code of ours; the words of the verdict."""

    MALFORMED = "malformed"
    FOREIGN_CODE = "foreign_code"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_CARD = "unknown_card"


@dataclass(frozen=True, slots=True)
class Tail:
    """What Google Wallet adds: the phone's moment in Unix seconds and 8 ASCII digits."""

    seconds: int
    digits: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a well-formed code says; nothing in it is proven before `authenticate`.

    Moments are Unix seconds; `initials` are packed (`initials.initials_text` shows them);
    `body` holds the 146 canonical characters.
    """

    carrier: Carrier
    test: bool
    key_id: int
    issued_at: int
    lifetime_s: int
    ends_at: int
    reference: bytes
    initials: int
    payload: bytes
    signature: bytes
    body: str
    tail: Tail | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reference holds: the number of a `WalletPass` and the generation of its code."""

    pass_number: int
    counter: int


@dataclass(frozen=True, eq=False)
class TokenKey:
    """One key id (0-255): a P-256 key that signs and a 32-byte secret for all that is derived."""

    id: int
    state: KeyState
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        is_p256 = isinstance(self.private_key.curve, ec.SECP256R1)
        if self.id not in range(256) or not is_p256 or len(self.secret) != 32:  # noqa: PLR2004 - section 2
            raise ValueError("a token key is an id of one byte, a P-256 key and a 32-byte secret")

    @cached_property
    def _reference_cipher(self) -> Cipher[modes.ECB]:
        key = self._derive(b"lk1 reference" + bytes([self.id]), 16)
        return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - a single block

    def jwk(self) -> dict[str, str]:
        """Describe the public key for `/.well-known/jwks.json`; kid is the decimal key id."""
        return es256.public_jwk(self.private_key, str(self.id))

    def totp_key(self, pass_number: int, generation: int) -> bytes:
        """Derive the 20-byte TOTP key of one code of a Google pass (section 3)."""
        return self._derive(b"lk1 totp" + struct.pack(">QI", pass_number, generation), 20)

    def sign(self, payload: bytes) -> bytes:
        """Sign the 27 bytes of a payload: 64 bytes, always the same ones."""
        return es256.sign(self.private_key, _PREFIX + payload)

    def has_signed(self, payload: bytes, signature: bytes) -> bool:
        """Tell whether 64 bytes are the signature of this payload by this key."""
        return es256.has_signed(self.private_key, _PREFIX + payload, signature)

    def seal(self, *opened: Opened) -> bytes:
        """Encrypt pass numbers and counters, each into 16 bytes that only this key opens."""
        blocks = (_REFERENCE.pack(one.pass_number, one.counter) for one in opened)
        return self._reference_cipher.encryptor().update(b"".join(blocks))

    def open(self, reference: bytes) -> Opened | None:
        """Decrypt a reference; None when `seal` cannot have made it."""
        block = self._reference_cipher.decryptor().update(reference)
        opened = Opened(*_REFERENCE.unpack(block))
        genuine = opened.pass_number < _PASS_NUMBERS and not any(block[12:])
        return opened if genuine else None

    def _derive(self, purpose: bytes, size: int) -> bytes:
        return HKDF(hashes.SHA256(), size, salt=None, info=purpose).derive(self.secret)


def read(text: str, base: str) -> Token | Fault:
    """Read whatever was scanned, typed or posted; `base` as in CODE_BASE: "HTTPS://HOST[:PORT]".

    Gives MALFORMED or FOREIGN_CODE for all that is no LK1 text of ours, and never raises.
    """
    text = azerty.repair(text[:_LONGEST].strip(_WHITE_SPACE)).translate(crockford.UPPER)
    address = _AUTHORITY.match(text)
    if address and address[2] != base.partition("://")[2]:
        return Fault.FOREIGN_CODE
    path = _PATH.fullmatch(text, address.end() if address else 0)
    if path is None:
        return Fault.MALFORMED
    body, seconds, digits = path.groups()
    tail = Tail(int(seconds), digits) if digits else None
    return _token(body.translate(crockford.MISREAD), tail) or Fault.MALFORMED


def authenticate(token: Token, keys: Mapping[int, TokenKey]) -> Opened | Fault:
    """Prove that we made this token and open its reference.

    The caller still looks up the pass: that it exists and is of the token's carrier.
    Gives UNKNOWN_KEY, BAD_SIGNATURE or UNKNOWN_CARD, in this order.
    """
    key = keys.get(token.key_id)
    if key is None or key.state is KeyState.REVOKED or token.test != (key.state is KeyState.TEST):
        return Fault.UNKNOWN_KEY
    if not key.has_signed(token.payload, token.signature):
        return Fault.BAD_SIGNATURE
    opened = key.open(token.reference)
    if opened is None:
        return Fault.UNKNOWN_CARD
    if token.carrier is Carrier.WEB and opened.counter != token.issued_at // WEB_STRIP_S:
        return Fault.UNKNOWN_CARD
    return opened


def mint(
    key: TokenKey,
    *,
    carrier: Carrier,
    pass_number: int,
    counter: int | None = None,
    issued_at: int,
    lifetime_s: int,
    initials: int,
    test: bool = False,
) -> str:
    """Make the 146 characters of a new token; the same arguments always give the same ones.

    `counter` is the generation of the pass's code; the web card has none of its own.
    `issued_at` (Unix seconds) is rounded down to the carrier's grid, from where `lifetime_s`
    counts. Raises ValueError for a key that may not sign this and for what fits no field. A key
    that only verifies still makes again what it made before: a pass keeps its code.
    """
    if key.state is KeyState.REVOKED or test is not (key.state is KeyState.TEST):
        raise ValueError(f"key {key.id} is {key.state} and may not sign this token")
    if (counter is None) is not (carrier is Carrier.WEB):
        raise ValueError("a generation belongs to every carrier but the web card")
    issued_at -= issued_at % carrier.grid_s
    counter = issued_at // WEB_STRIP_S if counter is None else counter
    moments_fit = 0 <= counter < _UINT32 and 0 <= issued_at < _UINT32
    if not (moments_fit and 0 <= pass_number < _PASS_NUMBERS and are_initials(initials)):
        raise ValueError("a number does not fit its field in the token")
    reference = key.seal(Opened(pass_number, counter))
    payload = _PAYLOAD.pack(
        carrier << 4 | test, key.id, issued_at, _packed(lifetime_s), reference, initials, 0
    )
    return crockford.encode(payload + key.sign(payload))


def code(base: str, body: str, tail: Tail | None = None) -> str:
    """Write the canonical text of a token, as a QR code shows it; `base` is CODE_BASE."""
    text = f"{base}/1{body}"
    return f"{text}/{tail.seconds:010}/{tail.digits}" if tail else text


def _token(body: str, tail: Tail | None) -> Token | None:
    """Unpack canonical characters; None where a field holds what it may not hold."""
    octets = crockford.decode(body, _TOKEN_SIZE)
    if octets is None:
        return None
    payload, signature = octets[:27], octets[27:]
    head, key_id, issued_at, lifetime, reference, initials, last = _PAYLOAD.unpack(payload)
    carrier = _CARRIERS.get(head >> 4)
    if carrier is None or head & 0x0F & ~_TEST_FLAG or last or not are_initials(initials):
        return None
    if issued_at % carrier.grid_s or (tail and carrier is not Carrier.GOOGLE):
        return None
    lifetime_s = (lifetime & ~_HOURS) * (HOUR_S if lifetime & _HOURS else 1)
    if not lifetime_s:
        return None
    return Token(
        carrier=carrier,
        test=bool(head & _TEST_FLAG),
        key_id=key_id,
        issued_at=issued_at,
        lifetime_s=lifetime_s,
        ends_at=issued_at + lifetime_s,
        reference=reference,
        initials=initials,
        payload=payload,
        signature=signature,
        body=body,
        tail=tail,
    )


def _packed(lifetime_s: int) -> int:
    """Pack a lifetime: whole hours as hours, anything else as seconds."""
    hours, rest_s = divmod(lifetime_s, HOUR_S)
    value = lifetime_s if rest_s else hours
    if not 0 < value < _HOURS:
        raise ValueError(f"a lifetime of {lifetime_s} s fits no field in the token")
    return value if rest_s else value | _HOURS
