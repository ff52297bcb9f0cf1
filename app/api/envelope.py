"""What surrounds every request: its number, its size, the headers of every answer.

A pure ASGI layer, so that it also covers what never reaches a route. Bodies are counted as
they arrive: a `Content-Length` can lie.
"""

import asyncio
import time
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.epd.push import contract

MAX_BODY_BYTES = 64 * 1024
# For the whole body: a client that trickles it does not hold a place for ever.
BODY_TIMEOUT_S = 30.0
# What may be larger, and take so many times as long: bytes by path. The route reads such a body
# itself, and only once it knows who sends it.
LARGER: Mapping[str, int] = {
    "/roster": 128 * 1024 * 1024,
    "/api/v1/rosters": 128 * 1024 * 1024,
    "/api/v1/epd/status-batches": contract.MAX_BODY_BYTES,
}
LARGER_TIMES = 4

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Nearly every answer is about somebody; what may be kept says so itself.
    "cache-control": "no-store",
}
HSTS = "max-age=31536000; includeSubDomains"
STATIC_PATH = "/static/"
FOR_EVER = b"public, max-age=31536000, immutable"

log = structlog.get_logger()


class Envelope:
    """Number, cap and headers around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        https: bool,
        forms_lead_to: Iterable[str],
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        """`forms_lead_to` are the origins that our own forms redirect to (log-out, wallet)."""
        self._app = app
        self._body_timeout_s = body_timeout_s
        policy = " ".join([CONTENT_SECURITY_POLICY, *sorted(forms_lead_to)])
        headers = {**SECURITY_HEADERS, "content-security-policy": policy}
        if https:
            headers["strict-transport-security"] = HSTS
        # As they go over the line: every answer carries them.
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        scope["request_id"] = request_id
        number = str(request_id)

        status, begun = 0, time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                if scope["path"].startswith(STATIC_PATH) and status == HTTPStatus.OK:
                    given.append((b"cache-control", FOR_EVER))
                given.append((b"x-request-id", number.encode()))
                message["headers"] = given + self._missing_in(given)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=number):
            try:
                await self._app(
                    scope, _capped(scope, receive, self._body_timeout_s), send_with_headers
                )
            finally:
                # The route's pattern, not the address: a code in an address is a code.
                route = getattr(scope.get("route"), "path", "none")
                took_s = time.perf_counter() - begun
                metrics.answered(scope["method"], route, status, took_s)
                took_ms = round(took_s * 1000, 1)
                log.info(
                    "request", method=scope["method"], route=route, status=status, took_ms=took_ms
                )

    def _missing_in(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in given}
        if self._names.isdisjoint(names):
            return self._headers
        return [header for header in self._headers if header[0] not in names]


def _request_id(offered: str | None) -> uuid.UUID:
    """The caller's number when it is a UUID (anything else could carry personal content)."""
    try:
        return uuid.UUID(offered or "")
    except ValueError:
        return uuid.uuid4()


def _capped(scope: Scope, receive: Receive, timeout_s: float) -> Receive:
    declared = Headers(scope=scope).get("content-length", "0")
    max_bytes = LARGER.get(scope["path"], MAX_BODY_BYTES)
    patience_s = timeout_s * (LARGER_TIMES if scope["path"] in LARGER else 1)
    deadline = asyncio.get_running_loop().time() + patience_s
    counted, complete = 0, False

    async def receive_within_cap() -> Message:
        nonlocal counted, complete
        if declared.isdecimal() and int(declared) > max_bytes:
            raise HTTPException(413)
        try:
            # After the body nothing comes but the end of the connection, and that may take long.
            async with asyncio.timeout_at(None if complete else deadline):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408) from error
        complete = not message.get("more_body", False)
        counted += len(message.get("body", b""))
        if counted > max_bytes:
            raise HTTPException(413)
        return message

    return receive_within_cap
