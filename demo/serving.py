"""Programs behind real ports: a simulator in a thread, the service in its own process."""

import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import uvicorn
from starlette.types import ASGIApp

# Below those that a system hands out to connections (Linux: from 32768 on).
LISTENED_ON = range(10_000, 32_000)
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0


class StartFault(Exception):
    """A program did not begin to answer; the message ends with what it said."""


def free_port() -> int:
    """A port nobody listens on at this moment, and that no outgoing connection is given either."""
    while True:
        port = secrets.choice(LISTENED_ON)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def listening(app: ASGIApp, port: int) -> Iterator[None]:
    """An application behind a port, in a thread of this process."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise StartFault(f"nothing could listen on port {port}: is it taken?")
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=STOP_TIMEOUT_S)


@contextmanager
def running(
    app: str, port: int, *, environment: dict[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """`app` ("module:name") behind a port in its own process, from first answer to orderly end."""
    command = ["-m", "uvicorn", app, "--port", str(port), "--no-access-log"]
    with process(command, environment=environment, log=log) as started:
        _wait(f"http://localhost:{port}/readyz", started, log)
        yield started


@contextmanager
def process(
    arguments: list[str], *, environment: dict[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Python with these arguments, until its orderly end; what it says goes to the log."""
    with log.open("ab") as output:
        started = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *arguments], env=environment, stdout=output, stderr=output
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=STOP_TIMEOUT_S)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    # One client for all: each reads the machine's certificates, and so slows down who starts.
    with httpx.Client(timeout=2.0) as http:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(httpx.TransportError):
                if http.get(url).is_success:
                    return
            time.sleep(0.05)
    raise StartFault(f"{url} did not answer:\n{log.read_text('utf-8', 'replace')[-3000:]}")
