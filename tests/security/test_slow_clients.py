"""Clients who begin to ask and never end: they hold a place for a while, and nobody else waits."""

import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.api.connection import HEAD_TIMEOUT_S, Connection
from demo.deployment import Deployment
from demo.serving import free_port

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
SLOW_CLIENTS = 30
PATIENCE_S = 0.5
# On a busy machine; a client that is not cut is told from one that is cut late.
LONG_S = 4.0


class Hasty(Connection):
    """As in the service, but for tests."""

    head_timeout_s = PATIENCE_S


@contextmanager
def _server(http: type[H11Protocol]) -> Iterator[int]:
    """A server that answers every request once its body is there."""

    async def app(_scope: object, receive: object, send: object) -> None:
        while (await receive()).get("more_body"):  # type: ignore[operator]
            pass
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})  # type: ignore[operator]
        await send({"type": "http.response.body"})  # type: ignore[operator]

    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, http=http, lifespan="off", log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join()


def _cut_after_s(line: socket.socket, drops: Iterator[bytes], *, give_up_s: float) -> float:
    """Seconds until the server hung up on somebody who sends these, one each 50 ms."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < give_up_s:
        with suppress(ConnectionError):
            line.sendall(next(drops, b""))
            if not select.select([line], [], [], 0.05)[0]:
                continue
            if line.recv(4096):
                continue
        return waited
    return float("inf")


def _trickle() -> Iterator[bytes]:
    yield b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
    while True:
        yield b"x"


@pytest.mark.parametrize("says", [b"", b"GET / HT"], ids=["nothing", "half a line"])
def test_who_says_no_more_is_hung_up_on(says: bytes) -> None:
    with _server(Hasty) as port, socket.create_connection(("127.0.0.1", port)) as line:
        assert _cut_after_s(line, iter([says]), give_up_s=LONG_S) >= PATIENCE_S - 0.1
        assert _cut_after_s(line, iter([]), give_up_s=1) < 1


def test_a_head_that_trickles_is_cut_also_after_a_good_request() -> None:
    with _server(Hasty) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(REQUEST)
        assert line.recv(4096).startswith(b"HTTP/1.1 204")
        assert PATIENCE_S - 0.1 <= _cut_after_s(line, _trickle(), give_up_s=LONG_S) < LONG_S


def test_without_this_a_head_may_trickle_for_ever() -> None:
    """What is guarded against is there: the day uvicorn times heads, ours can go."""
    with _server(H11Protocol) as port, socket.create_connection(("127.0.0.1", port)) as line:
        assert _cut_after_s(line, _trickle(), give_up_s=PATIENCE_S * 4) == float("inf")


def test_a_body_may_take_longer_than_a_head_and_so_may_the_next_request() -> None:
    with _server(Hasty) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nab")
        time.sleep(PATIENCE_S * 2)
        line.sendall(b"cd")
        assert line.recv(4096).startswith(b"HTTP/1.1 204")
        time.sleep(PATIENCE_S * 2)
        line.sendall(REQUEST)
        assert line.recv(4096).startswith(b"HTTP/1.1 204")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_service_cuts_slow_clients_and_serves_the_others_meanwhile(
    deployment: Deployment,
) -> None:
    port = free_port()
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port"]
    with subprocess.Popen([*command, str(port)], env=deployment.environment) as server:
        try:
            _wait_for(port)
            with ExitStack() as open_:
                lines = [
                    open_.enter_context(socket.create_connection(("127.0.0.1", port)))
                    for _ in range(SLOW_CLIENTS)
                ]
                begun = time.monotonic()
                cut = set[int]()
                while len(cut) < SLOW_CLIENTS and time.monotonic() - begun < HEAD_TIMEOUT_S * 3:
                    answer = httpx.get(f"http://localhost:{port}/healthz", timeout=5)
                    assert answer.status_code == 200
                    cut |= {n for n, line in enumerate(lines) if n not in cut and _is_cut(line)}
                    if time.monotonic() - begun < HEAD_TIMEOUT_S - 1:
                        assert not cut
                    time.sleep(0.2)
            assert len(cut) == SLOW_CLIENTS
        finally:
            server.terminate()


def _is_cut(line: socket.socket) -> bool:
    """Whether the server hung up; if not, it gets one more byte of a head."""
    try:
        line.sendall(b"G")
        return bool(select.select([line], [], [], 0)[0]) and not line.recv(1)
    except ConnectionError:
        return True


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"http://localhost:{port}/healthz", timeout=2).is_success:
                return
        time.sleep(0.1)
    raise TimeoutError("the service did not start")
