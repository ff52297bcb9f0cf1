"""Answers that are no answers: broken, slow, elsewhere, or of another kind.

Each gets the honest document, so that a client which forgives the fault would succeed.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

SLOW_S = 1.0
TRICKLE_S = 0.05
JSON = "application/json"


async def send(document: dict[str, Any], fault: str | None) -> Response:
    """The document as JSON, or what a fault makes of it."""
    if fault is None:
        return JSONResponse(document)
    return await FAULTS[fault](json.dumps(document))


async def echo(document: str) -> Response:
    """What a redirect leads to: the honest document after all."""
    return Response(document, media_type=JSON)


def _at_once(make: Callable[[str], Response]) -> Callable[[str], Awaitable[Response]]:
    async def answer(honest: str) -> Response:
        return make(honest)

    return answer


async def _too_slow(honest: str) -> Response:
    await asyncio.sleep(SLOW_S)
    return Response(honest, media_type=JSON)


async def _trickle(honest: str) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for character in honest:
            await asyncio.sleep(TRICKLE_S)
            yield character

    return StreamingResponse(pieces(), media_type=JSON)


async def _endless(_: str) -> Response:
    async def pieces() -> AsyncIterator[str]:
        while True:
            yield " " * 4_096
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type=JSON)


FAULTS: dict[str, Callable[[str], Awaitable[Response]]] = {
    "error": _at_once(lambda _: JSONResponse({"error": "server_error"}, 500)),
    "refusal": _at_once(lambda _: JSONResponse({"error": "invalid_client"}, 401)),
    "redirect": _at_once(
        lambda honest: RedirectResponse(f"/_echo?{urlencode({'document': honest})}", 302)
    ),
    "page": _at_once(HTMLResponse),
    "plain-text": _at_once(lambda honest: Response(honest, media_type="text/plain")),
    "no-json": _at_once(lambda honest: Response(honest[:-1], media_type=JSON)),
    "not-a-text": _at_once(lambda honest: Response(honest.encode("utf-16"), media_type=JSON)),
    "list": _at_once(lambda honest: Response(f"[{honest}]", media_type=JSON)),
    "name-twice": _at_once(lambda honest: Response(f'{{"x":1,"x":2,{honest[1:]}', media_type=JSON)),
    "too-long": _at_once(lambda honest: Response(" " * 70_000 + honest, media_type=JSON)),
    "endless": _endless,
    "compressed": _at_once(
        lambda honest: Response(
            gzip.compress(honest.encode()), media_type=JSON, headers={"Content-Encoding": "gzip"}
        )
    ),
    "too-slow": _too_slow,
    "trickle": _trickle,
}
