"""Apple's push service, simulated: HTTP/2, mutual TLS, and everything that can go wrong.

Knows the request that Apple documents and refuses any other with Apple's own words. Keeps
every push that arrived; whether one was taken is known here even where the reply was lost.
Asks `decide` before each push what trouble to make.
"""

import argparse
import asyncio
import json
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from demo import apple_certificates

PATH = re.compile(r"/3/device/([^/]+)")
TOKEN = re.compile(r"[0-9a-fA-F]{2,200}")

Trouble = Literal["goaway", "disconnect", "lost-reply", "silence"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a push: an answer of Apple, or trouble on the way.

    `timestamp_ms` is since when a device is gone (410). `goaway` ends the connection with a
    GOAWAY that names no stream as served, `disconnect` cuts it before the push was taken,
    `lost-reply` after; `silence` takes the push and never answers.
    """

    status: int = 0
    reason: str = ""
    timestamp_ms: int | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """One push as it arrived; `taken` when Apple would bring it to the device."""

    token: str
    headers: dict[str, str]
    body: bytes
    connection: int
    taken: bool
    fault: Fault | None
    # On the monotonic clock.
    at_s: float


def undisturbed(_token: str, _nth: int) -> Fault | None:
    """Let every push through."""
    return None


def nobody_home(_token: str) -> None:
    """Bring a push to no device."""


@dataclass
class World:
    """What this APNs has seen; `decide(token, nth)` makes trouble for a token's nth push.

    `bring(token)` is called for every push that is taken, as it reaches the device.
    """

    topic: str
    decide: Callable[[str, int], Fault | None] = undisturbed
    bring: Callable[[str], object] = nobody_home
    pushes: list[Push] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    _taken: Counter[str] = field(default_factory=Counter)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def taken(self, token: str) -> int:
        """How many pushes this device got."""
        return self._taken[token]

    def wait_for_push(self, token: str, *, after: int, timeout_s: float = 20.0) -> bool:
        """Wait until this device got more than `after` pushes; whether it did."""
        with self._came:
            return self._came.wait_for(lambda: self.taken(token) > after, timeout_s)

    def judge(self, headers: dict[str, str], body: bytes, connection: int) -> Fault | None:
        """Note a push and say what is wrong with it; None when it is taken and answered."""
        match = PATH.fullmatch(headers[":path"])
        token = match[1] if match else ""
        self.arrived[token] += 1
        refusal = self._refusal(headers, body, token)
        fault = refusal or self.decide(token, self.arrived[token])
        taken = fault is None or fault.trouble in {"lost-reply", "silence"}
        self.pushes.append(
            Push(token, headers, body, connection, taken, fault, at_s=time.monotonic())
        )
        if taken:
            self.bring(token)
        with self._came:
            self._taken[token] += taken
            self._came.notify_all()
        return fault

    def _refusal(self, headers: dict[str, str], body: bytes, token: str) -> Fault | None:
        background = headers.get("apns-push-type") == "background"
        wrongs = {
            (405, "MethodNotAllowed"): headers[":method"] != "POST",
            (404, "BadPath"): not token,
            (400, "BadDeviceToken"): not TOKEN.fullmatch(token),
            (400, "MissingTopic"): "apns-topic" not in headers,
            (400, "TopicDisallowed"): headers.get("apns-topic") != self.topic,
            (400, "BadPriority"): background and headers.get("apns-priority") != "5",
            (400, "PayloadEmpty"): not body,
        }
        return next((Fault(*answer) for answer, wrong in wrongs.items() if wrong), None)


class _Connection(asyncio.Protocol):
    """One client's connection: many streams, answered as they end."""

    transport: asyncio.Transport

    def __init__(self, world: World) -> None:
        self._world = world
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._requests: dict[int, tuple[dict[str, str], bytearray]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a server gets
        self.transport = transport
        self._world.connections += 1
        self._number = self._world.connections
        self._h2.initiate_connection()
        transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._h2.receive_data(data):
                self._on(event)
        except ProtocolError:
            self.transport.close()
        if not self.transport.is_closing():
            self.transport.write(self._h2.data_to_send())

    def _on(self, event: Event) -> None:
        if self.transport.is_closing():
            return
        if isinstance(event, RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers}
            self._requests[event.stream_id] = (headers, bytearray())
        elif isinstance(event, DataReceived):
            self._requests[event.stream_id][1].extend(event.data)
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._answer(event.stream_id)
        elif isinstance(event, ConnectionTerminated):
            self.transport.close()

    def _answer(self, stream_id: int) -> None:
        headers, body = self._requests.pop(stream_id)
        fault = self._world.judge(headers, bytes(body), self._number)
        trouble = fault.trouble if fault else None
        if trouble is None:
            self._send(stream_id, fault or Fault(status=200))
        elif trouble == "goaway":
            self._h2.close_connection(last_stream_id=0)
            self.transport.write(self._h2.data_to_send())
            self.transport.close()
        elif trouble != "silence":
            self.transport.abort()

    def _send(self, stream_id: int, answer: Fault) -> None:
        said: dict[str, object] = {"reason": answer.reason} if answer.reason else {}
        if answer.timestamp_ms is not None:
            said["timestamp"] = answer.timestamp_ms
        self._h2.send_headers(stream_id, [(":status", str(answer.status))], end_stream=not said)
        if said:
            self._h2.send_data(stream_id, json.dumps(said).encode(), end_stream=True)


async def serve(
    world: World, port: int, *, tls: ssl.SSLContext, host: str = "127.0.0.1"
) -> asyncio.Server:
    """Listen; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(world), host, port, ssl=tls)


def tls_context(certificate: Path, client_root: Path) -> ssl.SSLContext:
    """Ask every client for a certificate under `client_root`; show our own."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_root)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    return context


@contextmanager
def listening(world: World, *, tls: ssl.SSLContext, port: int = 0) -> Iterator[str]:
    """The simulator in a thread of this process; gives its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(world, port, tls=tls), loop).result()
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    # Give transports that were told to close the turns of the loop they need for it.
    await asyncio.sleep(0.05)


def main() -> None:
    """Run alone: `python -m demo.apns --port N --directory D --topic pass.…`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--topic", required=True)
    options.add_argument("--client-root", type=Path, required=True)
    options.add_argument("--directory", type=Path, required=True)
    chosen = options.parse_args()
    files = apple_certificates.create_server(chosen.directory, now=datetime.now(UTC))
    world = World(chosen.topic)
    with listening(world, tls=tls_context(files.certificate, chosen.client_root), port=chosen.port):
        print(f"APNs answers on port {chosen.port}; trust {files.root}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
