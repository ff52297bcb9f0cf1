"""What can go wrong between us and the personnel file, on demand.

Knows how each fault looks on the wire and how often it still strikes; hides that from the
simulated service behind it. `POST /_control` scripts the faults, and they are used up in the
order given.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict

Kind = Literal[
    "down",
    "bad-gateway",
    "gateway-timeout",
    "internal-error",
    "throttled",
    "busy",
    "invalid-number",
    "denied",
    "unknown",
    "unauthorized",
    "slow",
    "drip",
    "garbage",
    "html",
    "compressed",
    "huge",
    "wrong-person",
]
# Status, title and MAGDA's code, where it has one.
PROBLEMS: dict[str, tuple[int, str, str | None]] = {
    "down": (503, "Service Unavailable", None),
    "bad-gateway": (502, "Bad Gateway", None),
    "gateway-timeout": (504, "Gateway Timeout", None),
    "internal-error": (500, "Internal Server Error", None),
    "throttled": (429, "Too Many Requests", None),
    "busy": (500, "Bron tijdelijk onbeschikbaar", "99996"),
    "invalid-number": (400, "INSZ ongeldig", "20002"),
    "denied": (403, "Toegang geweigerd", "40005"),
    "unknown": (404, "Not Found", None),
    "unauthorized": (401, "Unauthorized", None),
}
HUGE_BYTES = 5_000_000
DROPS = 100


class Fault(BaseModel):
    """One fault: which requests it strikes (a part of the path) and how often."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    times: int = 1
    path: str = "/v1/personeelsleden"
    seconds: float = 0.0
    retry_after: str | None = None
    # What "wrong-person" sends instead.
    record: dict[str, Any] = {}


def problem(
    request: Request,
    status: int,
    title: str,
    *,
    code: str | None = None,
    headers: dict[str, str] | None = None,
    **more: str,
) -> JSONResponse:
    """An error in MAGDA's form; `instance` is the correlation id of the request."""
    content = {
        "title": title,
        "status": status,
        "detail": title,
        "instance": request.headers.get("x-correlation-id", ""),
        **more,
    }
    if code is not None:
        content["code"] = code
    return JSONResponse(content, status, headers, media_type="application/problem+json")


async def struck(faults: list[Fault], request: Request) -> Response | None:
    """The reply of the first fault that strikes this request; None lets it through."""
    fault = next((f for f in faults if f.times > 0 and f.path in request.url.path), None)
    if fault is None:
        return None
    fault.times -= 1
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return None
    if fault.kind in PROBLEMS:
        status, title, code = PROBLEMS[fault.kind]
        headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else None
        return problem(request, status, title, code=code, headers=headers)
    if fault.kind == "drip":
        return StreamingResponse(_drops(fault.seconds), media_type="application/json")
    return _nonsense(fault)


async def _drops(pause_s: float) -> AsyncIterator[bytes]:
    for _ in range(DROPS):
        yield b" "
        await asyncio.sleep(pause_s)


def _nonsense(fault: Fault) -> Response:
    content: dict[str, tuple[bytes, str]] = {
        "garbage": (b'{"insz": "8402', "application/json"),
        "html": (b"<!doctype html><title>Onderhoud</title>", "text/html"),
        "compressed": (b"\x1f\x8b\x08", "application/json"),
        "huge": (b" " * HUGE_BYTES, "application/json"),
        "wrong-person": (json.dumps(fault.record).encode(), "application/json"),
    }
    body, media_type = content[fault.kind]
    headers = {"Content-Encoding": "gzip"} if fault.kind == "compressed" else None
    return Response(body, headers=headers, media_type=media_type)
