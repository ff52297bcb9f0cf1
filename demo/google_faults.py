"""What can go wrong between us and Google, on demand: errors, silence, lost replies, quota.

Knows how a fault looks on the wire; hides it from the simulated API behind it, which never
notices. Faults are scripted by `POST /_control` and used up in the order given.
"""

import asyncio
import random
import time
from collections import deque
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.google_callbacks import Manner

Kind = Literal[
    "400",
    "401",
    "permission-403",
    "quota-403",
    "404",
    "409",
    "429",
    "500",
    "503",
    "latency",
    "drip",
    "disconnect",
    "lost-reply",
    "half-reply",
    "silence",
]
DROPS = 20
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
REASONS = {
    "400": "invalid",
    "401": "authError",
    "permission-403": "permissionDenied",
    "quota-403": "quotaExceeded",
    "404": "objectNotFound",
    "409": "alreadyExists",
    "429": "rateLimitExceeded",
    "500": "backendError",
    "503": "backendError",
}


class Fault(BaseModel):
    """One fault: which requests it hits (`method`, part of the `path`) and how often."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    times: int = 1
    method: str = ""
    path: str = "/walletobjects/"
    seconds: float = 0.0
    retry_after: str | None = None

    def hits(self, scope: Scope) -> bool:
        """Whether this request is struck."""
        fits = scope["method"] == self.method or not self.method
        return self.times > 0 and fits and self.path in scope["path"]


class Control(BaseModel):
    """The script of a simulator; what is left out returns to its peaceful default."""

    model_config = ConfigDict(extra="forbid")

    faults: list[Fault] = []
    # The share of all other API calls that fail, each in a way drawn by lot from `kinds`.
    failing: float = 0.0
    kinds: list[Kind] = []
    requests_per_s: int = 20
    over_limit: Literal["429", "quota-403"] = "429"
    legacy_enums: bool = False
    callbacks: Manner = "once"
    token_lifetime_s: int = 3600


def envelope(
    code: int, reason: str, message: str, *, field: str = "", retry_after: str | None = None
) -> JSONResponse:
    """An error as Google writes it; like Google's, the message repeats what was sent."""
    error: dict[str, Any] = {
        "code": code,
        "message": message,
        "status": "RESOURCE_EXHAUSTED" if reason == "quotaExceeded" else STATUSES[code],
        "errors": [{"message": message, "domain": "walletobjects", "reason": reason}],
    }
    if field:
        violation = {"field": field, "description": message}
        bad_request = "type.googleapis.com/google.rpc.BadRequest"
        error["details"] = [{"@type": bad_request, "fieldViolations": [violation]}]
    headers = {"Retry-After": retry_after} if retry_after is not None else None
    return JSONResponse({"error": error}, status_code=code, headers=headers)


class Troubles:
    """The way to the API: lets requests through, counts them, or lets them meet a fault."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.follow(Control())

    def follow(self, script: Control) -> None:
        """Begin a new script and count from nothing."""
        self.control = script
        self.arrivals: deque[float] = deque()
        self.peak_per_s = 0
        self.requests: list[str] = []
        self._lot = random.Random(script.model_dump_json())  # noqa: S311 - the same every time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it meets its fault."""
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            await self.app(scope, receive, send)
            return
        self.requests.append(f"{scope['method']} {scope['path']}")
        if "/walletobjects/" in scope["path"] and self._over_limit():
            refusal = Fault(kind=self.control.over_limit)
            await _answer(refusal, scope, receive, send)
            return
        fault = next((fault for fault in self.control.faults if fault.hits(scope)), None)
        fault = fault or self._drawn(scope)
        if fault is None:
            await self.app(scope, receive, send)
            return
        fault.times -= 1
        await self._strike(fault, scope, receive, send)

    def _drawn(self, scope: Scope) -> Fault | None:
        if "/walletobjects/" not in scope["path"] or self._lot.random() >= self.control.failing:
            return None
        return Fault(kind=self._lot.choice(self.control.kinds), seconds=0.1)

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        elif fault.kind == "drip":
            await self.app(scope, receive, _dripping(send, fault.seconds))
        elif fault.kind in {"lost-reply", "half-reply"}:
            await self.app(scope, receive, _cut(send, half=fault.kind == "half-reply"))
            _hang_up(send, at_once=fault.kind == "lost-reply")
        elif fault.kind == "disconnect":
            _hang_up(send, at_once=True)
        elif fault.kind == "silence":
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            await _answer(fault, scope, receive, send)

    def _over_limit(self) -> bool:
        """Google's limit: so many requests in any second; the refused ones count as well."""
        moment = time.monotonic()
        self.arrivals.append(moment)
        while self.arrivals[0] <= moment - 1:
            self.arrivals.popleft()
        self.peak_per_s = max(self.peak_per_s, len(self.arrivals))
        return len(self.arrivals) > self.control.requests_per_s


async def _answer(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    reason = REASONS[fault.kind]
    code = int(fault.kind[-3:])
    message = "Quota exceeded for quota metric 'Requests'" if "quota" in reason else reason
    response = envelope(code, reason, message, retry_after=fault.retry_after)
    await response(scope, receive, send)


def _cut(send: Send, *, half: bool) -> Send:
    """Swallow the reply, or all of it but its head and the first bytes."""

    async def swallow(message: Message) -> None:
        if half and message["type"] == "http.response.body":
            message = {**message, "body": message["body"][:10], "more_body": True}
        if half:
            await send(message)

    return swallow


def _dripping(send: Send, seconds: float) -> Send:
    """Send the reply in twenty drops, `seconds` in all: slow, but never silent for long."""

    async def drip(message: Message) -> None:
        body = message.get("body", b"")
        drop = len(body) // DROPS + 1
        for start in range(0, len(body), drop):
            part = {"type": message["type"], "body": body[start : start + drop]}
            await send(part | {"more_body": True})
            await asyncio.sleep(seconds / DROPS)
        await send({**message, "body": b""} if body else message)

    return drip


def _hang_up(send: Send, *, at_once: bool) -> None:
    """Close the connection without another word: ASGI has none for it, uvicorn's transport has."""
    cycle = getattr(send, "__self__")  # noqa: B009 - uvicorn's own object, known to no type checker
    cycle.disconnected = True
    if at_once:
        cycle.transport.abort()
    else:
        cycle.transport.close()
