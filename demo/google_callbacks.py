"""How Google tells an issuer that a pass was saved or removed: signed, and not always tidily.

Knows the scheme ECv2SigningOnly from the signing side, with root keys of its own, written
apart from our verification so that one checks the other. Callbacks go once, twice, or are held
back and then sent newest first, as the script wants it.
"""

import asyncio
import base64
import json
import struct
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PROTOCOL = "ECv2SigningOnly"
SENDER = "GooglePayPasses"
MESSAGE_LIFETIME = timedelta(hours=1)
KEY_LIFETIME = timedelta(days=7)
ROOT_LIFETIME = timedelta(days=3650)
TRIES = 3
PAUSE_S = 0.2

Manner = Literal["once", "twice", "held"]
Event = Literal["save", "del"]


class Callbacks:
    """The signer of one issuer's callbacks, and what was sent so far."""

    def __init__(self, *, issuer_id: str, clock: Callable[[], datetime]) -> None:
        self._issuer_id = issuer_id
        self._clock = clock
        self._root = ec.generate_private_key(ec.SECP256R1())
        self._intermediate = ec.generate_private_key(ec.SECP256R1())
        self._last_ms = 0
        self._held: list[tuple[str, bytes]] = []
        self.manner: Manner = "once"
        self.answers: list[int] = []

    def keys(self) -> dict[str, Any]:
        """The document of root keys; one without an end and one of another scheme are no help."""
        ours = {"keyValue": _public(self._root), "protocolVersion": PROTOCOL}
        return {
            "keys": [
                ours,
                ours | {"protocolVersion": "ECv1", "keyExpiration": "1"},
                ours | {"keyExpiration": str(_ms(self._clock() + ROOT_LIFETIME))},
            ]
        }

    def new_keys(self) -> None:
        """Sign with other keys from now on, as after a rotation at Google's."""
        self._root = ec.generate_private_key(ec.SECP256R1())
        self._intermediate = ec.generate_private_key(ec.SECP256R1())

    def signed(self, class_id: str, object_id: str, event: Event) -> bytes:
        """The body of one callback."""
        self._last_ms = max(self._last_ms + 1, _ms(self._clock() + MESSAGE_LIFETIME))
        message = {
            "classId": class_id,
            "objectId": object_id,
            "eventType": event,
            "expTimeMillis": self._last_ms,
            "count": 1,
            "nonce": str(uuid.uuid4()),
        }
        return self.envelope(json.dumps(message, separators=(",", ":")))

    def envelope(self, message: str) -> bytes:
        """Any message, signed."""
        expires = str(_ms(self._clock() + KEY_LIFETIME))
        key = {"keyValue": _public(self._intermediate), "keyExpiration": expires}
        # Google's encoder escapes the equals sign; what is signed is the text with the escape.
        signed_key = json.dumps(key, separators=(",", ":")).replace("=", "\\u003d")
        outer = {
            "signature": _sign(self._intermediate, SENDER, self._issuer_id, PROTOCOL, message),
            "intermediateSigningKey": {
                "signedKey": signed_key,
                "signatures": [_sign(self._root, SENDER, PROTOCOL, signed_key)],
            },
            "protocolVersion": PROTOCOL,
            "signedMessage": message,
        }
        return json.dumps(outer).encode()

    async def tell(self, url: str, body: bytes) -> None:
        """Send a callback, in the manner of the script."""
        if self.manner == "held":
            self._held.append((url, body))
            return
        for _ in range(2 if self.manner == "twice" else 1):
            await self._send(url, body)

    async def follow(self, manner: Manner) -> None:
        """Take up another manner; what was held back goes out, the newest first."""
        self.manner, self.answers = manner, []
        if manner != "held":
            waiting, self._held = self._held[::-1], []
            for url, body in waiting:
                await self.tell(url, body)

    async def _send(self, url: str, body: bytes) -> None:
        async with httpx.AsyncClient(timeout=5.0) as http:
            for _ in range(TRIES):
                self.answers.append(await _post(http, url, body))
                if self.answers[-1] == httpx.codes.OK:
                    return
                await asyncio.sleep(PAUSE_S)


async def _post(http: httpx.AsyncClient, url: str, body: bytes) -> int:
    """The status of the answer; 0 when there was none."""
    try:
        headers = {"content-type": "application/json"}
        return (await http.post(url, content=body, headers=headers)).status_code
    except httpx.HTTPError:
        return 0


def _sign(key: ec.EllipticCurvePrivateKey, *parts: str) -> str:
    signed = b"".join(struct.pack("<I", len(part.encode())) + part.encode() for part in parts)
    return base64.b64encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key()
    return base64.b64encode(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
