"""Whether a callback is Google's own: the signature scheme ECv2SigningOnly. Pure.

Knows the chain (a root key vouches for an intermediate key, that one for the message), how the
signed bytes are laid out, and when keys and messages end. Two spellings of one signature never
both count. Source: Google Pay's "payment method token cryptography", as Tink implements it;
no kept Python library checks all of it (docs/decisions/0012).
"""

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

PROTOCOL = "ECv2SigningOnly"
# Passes still carry the name that Wallet had before.
SENDER = "GooglePayPasses"
# While one key gives way to the next there are two; more would be somebody who keeps us busy.
MAX_SIGNATURES = 8


class NotGenuine(Exception):
    """This is not a message that Google signed for us and that still holds."""


class Malformed(NotGenuine):
    """This is not even of the form that such messages have."""


class UnknownSigner(NotGenuine):
    """No root key that we know vouches for the signer; a newer one may."""


@dataclass(frozen=True, slots=True)
class RootKey:
    """A key of Google's that vouches for others until `expires_ms` (Unix milliseconds)."""

    key: EllipticCurvePublicKey
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """A callback as it came; `signed_key` and `signed_message` are the exact texts signed."""

    protocol: str
    signature: str
    signed_key: str
    key_signatures: tuple[str, ...]
    signed_message: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Check 1: parse the outer JSON once. Raises Malformed."""
        outer = _object(body)
        key = outer.get("intermediateSigningKey")
        signatures = key.get("signatures") if isinstance(key, dict) else None
        if not isinstance(key, dict) or not isinstance(signatures, list):
            raise Malformed("no intermediate key")
        if not 0 < len(signatures) <= MAX_SIGNATURES:
            raise Malformed("none or too many signatures of the intermediate key")
        return cls(
            protocol=_text(outer.get("protocolVersion")),
            signature=_text(outer.get("signature")),
            signed_key=_text(key.get("signedKey")),
            key_signatures=tuple(_text(one) for one in signatures),
            signed_message=_text(outer.get("signedMessage")),
        )


def read_roots(document: bytes) -> tuple[RootKey, ...]:
    """The keys for this scheme in Google's document of keys; one without an end is left out.

    Raises Malformed.
    """
    keys = _object(document).get("keys")
    if not isinstance(keys, list) or not all(isinstance(one, dict) for one in keys):
        raise Malformed("no list of keys")
    return tuple(
        RootKey(_public_key(_text(one.get("keyValue"))), _milliseconds(one["keyExpiration"]))
        for one in keys
        if one.get("protocolVersion") == PROTOCOL and "keyExpiration" in one
    )


def verify(
    envelope: Envelope, roots: Iterable[RootKey], *, recipient: str, now: datetime
) -> Mapping[str, Any]:
    """Checks 2 to 6: the message that Google signed for `recipient`, our issuer id.

    Raises UnknownSigner where other root keys might say otherwise, else NotGenuine.
    """
    now_ms = _ms(now)
    if envelope.protocol != PROTOCOL:  # 2
        raise NotGenuine("another protocol")
    valid = [root.key for root in roots if root.expires_ms > now_ms]  # 3
    vouched = _signed_bytes(SENDER, PROTOCOL, envelope.signed_key)  # 4
    signatures = [_decoded(one) for one in envelope.key_signatures]
    if not any(_holds(key, one, vouched) for key in valid for one in signatures):
        raise UnknownSigner("no root key vouches for the intermediate key")
    intermediate = _object(envelope.signed_key)  # 5
    if _milliseconds(intermediate.get("keyExpiration")) <= now_ms:
        raise NotGenuine("the intermediate key has ended")
    signer = _public_key(_text(intermediate.get("keyValue")))
    message = _signed_bytes(SENDER, recipient, PROTOCOL, envelope.signed_message)  # 6
    if not _holds(signer, _decoded(envelope.signature), message):
        raise NotGenuine("not signed for us")
    return _object(envelope.signed_message)


@dataclass(frozen=True, slots=True)
class SaveEvent:
    """Somebody saved an object, or removed it; `expires_ms` grows with the moment it happened."""

    class_id: str
    object_id: str
    saved: bool
    expires_ms: int
    nonce: str

    @classmethod
    def read(cls, message: Mapping[str, Any], *, now: datetime) -> Self:
        """The pure half of check 7: what happened, unless the message has ended."""
        kind = _text(message.get("eventType")).lower()
        if kind not in {"save", "del"}:
            raise Malformed("another kind of event")
        event = cls(
            class_id=_text(message.get("classId")),
            object_id=_text(message.get("objectId")),
            saved=kind == "save",
            expires_ms=_milliseconds(message.get("expTimeMillis")),
            nonce=_text(message.get("nonce")),
        )
        if event.expires_ms <= _ms(now):
            raise NotGenuine("the message has ended")
        return event


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _signed_bytes(*parts: str) -> bytes:
    """Every part behind its length in UTF-8 bytes, four bytes, little-endian."""
    try:
        encoded = [part.encode() for part in parts]
    except UnicodeEncodeError as exc:
        raise Malformed("half a character") from exc
    return b"".join(struct.pack("<I", len(part)) + part for part in encoded)


def _holds(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _public_key(encoded: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(_decoded(encoded))
    except ValueError as exc:
        raise Malformed("not a public key") from exc
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise Malformed("not a key on P-256")
    return key


def _decoded(encoded: str) -> bytes:
    """Strict base64: the spare bits of the last character must be those an encoder writes."""
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError as exc:
        raise Malformed("not base64") from exc
    if base64.b64encode(decoded).decode() != encoded:
        raise Malformed("not the base64 that an encoder writes")
    return decoded


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise Malformed("not JSON") from exc
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed("a text is missing")
    return value


def _milliseconds(value: object) -> int:
    """Unix milliseconds, which Google writes as a number here and as digits there."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:  # noqa: PLR2004 - a 16-digit number of milliseconds is the year 300,000
        return int(value)
    if type(value) is int and 0 <= value < 10**16:
        return value
    raise Malformed("not a moment")
