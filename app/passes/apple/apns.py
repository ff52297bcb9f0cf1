"""Apple's push service as passes need it: tell devices that there is something to fetch.

Knows the request of a pass (HTTP/2, an empty object, the pass certificate as client
certificate) and what each answer means for whoever asked. Hides the connection, one for all
pushes, and the pace. A push carries nothing: the device fetches the newest pass itself.
"""

import asyncio
import json
import math
import secrets
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from app.passes.apple.certificates import Certificates
from app.passes.pace import Pace

# Each push brings a device back for a pass that must be signed. Asking, fetching and writing
# that down cost a few times as much as the signature, and teachers and shops want to be served
# as well, so one worker takes a sixteenth of what one core can sign (docs/decisions/0011).
SHARE_OF_SIGNING = 1 / 16
CONNECT_S = 5.0
ANSWER_S = 10.0
# How long Apple keeps a push for a phone that is off; whenever it comes, it is still true.
KEPT = timedelta(days=30)
# Literally this: Apple refuses an empty body and ignores any other.
BODY = b"{}"
# Reasons of a 400 that speak of the device, not of us (Apple: Handling notification responses).
OF_THE_TOKEN = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic"})
REASON_LENGTH = 64


class Fate(StrEnum):
    """What became of a push."""

    ACCEPTED = "accepted"
    # Apple knows no such device (any more): forget its token.
    GONE = "gone"
    # We are at fault, so that every push would be refused: stop and call an operator.
    MISCONFIGURED = "misconfigured"
    # Nobody is at fault for good; also when the answer was lost, for a push may come twice.
    LATER = "later"


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What became of one push, Apple's reason for it, and since when a device is gone."""

    fate: Fate
    reason: str = ""
    gone_since: datetime | None = None


class Apns:
    """One long-lived connection to APNs for one pass type; for one thread at a time.

    `base_url` is Apple's production service (passes have no sandbox) or a simulator whose
    certificate `root_file` vouches for.
    """

    def __init__(
        self,
        base_url: str,
        certificates: Certificates,
        *,
        root_file: Path | None = None,
        pushes_per_s: float,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._topic = certificates.pass_type_identifier
        self._pace = Pace(pushes_per_s)
        self._http = httpx.AsyncClient(
            http1=False,
            http2=True,
            verify=_tls(certificates, root_file),
            limits=httpx.Limits(max_connections=1),
            timeout=httpx.Timeout(answer_s, connect=CONNECT_S, pool=None),
        )
        # The connection lives on between calls, and with it the loop that it belongs to.
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """End the connection."""
        self._runner.run(self._http.aclose())
        self._runner.close()

    def push(self, tokens: Sequence[str], *, now: datetime) -> list[PushAnswer]:
        """Push to every token, many at a time; the answers stand in the order of the tokens.

        After an answer that blames us no further push is begun, and the rest get that answer too.
        """
        return self._runner.run(self._push_all(tokens, now))

    async def _push_all(self, tokens: Sequence[str], now: datetime) -> list[PushAnswer]:
        begun: list[asyncio.Task[PushAnswer]] = []
        for token in tokens:
            await asyncio.to_thread(self._pace.wait, until=math.inf)
            if fault := _fault_among(begun):
                return [*await asyncio.gather(*begun), *[fault] * (len(tokens) - len(begun))]
            begun.append(asyncio.create_task(self._push(token, now)))
        return await asyncio.gather(*begun)

    async def _push(self, token: str, now: datetime) -> PushAnswer:
        headers = {
            "apns-topic": self._topic,
            "apns-push-type": "background",
            "apns-priority": "5",
            "apns-expiration": str(int((now + KEPT).timestamp())),
        }
        url = f"{self._base_url}/3/device/{quote(token, safe='')}"
        try:
            response = await self._http.post(url, content=BODY, headers=headers)
        except Exception as fault:  # noqa: BLE001 - below httpx, a connection that ends in the middle of a write shows as whatever TLS or HTTP/2 made of it
            return PushAnswer(Fate.LATER, type(fault).__name__)
        return classify(response.status_code, response.content)


def classify(status: int, content: bytes) -> PushAnswer:
    """What an answer means (Apple: Handling notification responses from APNs)."""
    if status == HTTPStatus.OK:
        return PushAnswer(Fate.ACCEPTED)
    reason, timestamp_ms = _reason(content)
    reason = f"{status} {reason}".strip()
    if status == HTTPStatus.GONE:
        return PushAnswer(Fate.GONE, reason, _moment(timestamp_ms))
    if status == HTTPStatus.BAD_REQUEST and reason.removeprefix("400 ") in OF_THE_TOKEN:
        return PushAnswer(Fate.GONE, reason)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }:
        return PushAnswer(Fate.MISCONFIGURED, reason)
    return PushAnswer(Fate.LATER, reason)


def _reason(content: bytes) -> tuple[str, object]:
    """Apple's word for it and the timestamp beside it; empty when the body is not Apple's."""
    try:
        answer = json.loads(content)
    except ValueError:
        return "", None
    if not isinstance(answer, dict):
        return "", None
    word = answer.get("reason")
    known = isinstance(word, str) and word.isascii() and word.isalnum()
    return (str(word)[:REASON_LENGTH] if known else ""), answer.get("timestamp")


def _moment(timestamp_ms: object) -> datetime | None:
    if not isinstance(timestamp_ms, int):
        return None
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _fault_among(begun: Sequence[asyncio.Task[PushAnswer]]) -> PushAnswer | None:
    answers = (task.result() for task in begun if task.done())
    return next((answer for answer in answers if answer.fate is Fate.MISCONFIGURED), None)


def _tls(certificates: Certificates, root_file: Path | None) -> ssl.SSLContext:
    """A context that shows the pass certificate; OpenSSL takes a key from a file only.

    So the key lies in one for a moment, readable by us alone and encrypted with a password
    that is nowhere else.
    """
    context = ssl.create_default_context(cafile=root_file)
    password = secrets.token_urlsafe(32)
    key = certificates.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
    shown = (certificates.certificate, certificates.wwdr)
    chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in shown)
    with tempfile.NamedTemporaryFile() as file:
        file.write(chain + key)
        file.flush()
        context.load_cert_chain(file.name, password=password)
    return context
