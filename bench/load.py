"""A crowd of tills in a process of its own: `python -m bench.load FILE PORT SECONDS CONNECTIONS`.

FILE holds whole HTTP requests, each with its length in front; every one is sent once, each
connection sending its next when the answer to the last is whole. Prints how many were answered and
how, as JSON. Built on bare transports: the load must cost less than what it loads.
"""

import asyncio
import json
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

LENGTH = struct.Struct(">I")
GOOD = b'"valid":true'


class Till(asyncio.Protocol):
    """One connection; `over` is told when it has nothing more to send."""

    def __init__(
        self, requests: Iterator[bytes], until_s: float, told: Counter[str], over: asyncio.Event
    ) -> None:
        self._requests = requests
        self._until_s = until_s
        self._told = told
        self._over = over
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to ask."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Count an answer once it is whole, and ask again."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._buffer = b""
        self._told[f"{head[9:12].decode()} {'good' if GOOD in body else 'not good'}"] += 1
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        """Nothing more will come."""
        self._over.set()

    def _ask(self) -> None:
        request = next(self._requests, None) if time.monotonic() < self._until_s else None
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def _crowd(requests: Iterator[bytes], port: int, seconds: float, count: int) -> Counter[str]:
    told: Counter[str] = Counter()
    until_s = time.monotonic() + seconds
    overs = [asyncio.Event() for _ in range(count)]
    loop = asyncio.get_running_loop()
    for over in overs:
        await loop.create_connection(
            lambda over=over: Till(requests, until_s, told, over),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
    await asyncio.gather(*(over.wait() for over in overs))
    return told


def _read(path: Path) -> Iterator[bytes]:
    content, at = path.read_bytes(), 0
    while at < len(content):
        (length,) = LENGTH.unpack_from(content, at)
        at += LENGTH.size
        yield content[at : at + length]
        at += length


def main() -> None:
    """Load one service."""
    path, port, seconds, connections = sys.argv[1:]
    requests = iter(list(_read(Path(path))))
    told = uvloop.run(_crowd(requests, int(port), float(seconds), int(connections)))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
