"""A whole deployment in one folder: keys, database, certificates, settings, processes.

Makes what a person would make by hand following the README, with the same commands, and
runs the service as its own process, so that the tour meets it over HTTP only.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from starlette.types import ASGIApp

START_TIMEOUT_S = 30.0


class StartFault(Exception):
    """A process did not begin to answer; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One folder and the environment of every process in it."""

    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """One `lerarenkaart` command; its output."""
        finished = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "app.cli", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise StartFault(f"lerarenkaart {' '.join(arguments)}:\n{finished.stderr}")
        return finished.stdout.strip()

    @contextmanager
    def serving(self, port: int, *, ready: str = "/readyz") -> Iterator[subprocess.Popen[bytes]]:
        """The web process, from its first answer to its orderly end."""
        log = self.directory / "service.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "app.cli", "serve", "--port", str(port)],
                env=self._environment(),
                stdout=output,
                stderr=output,
            )
        try:
            _wait(f"http://localhost:{port}{ready}", process, log)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=15)

    def _environment(self) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith("LERARENKAART_")}
        return own | dict(self.environment)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def listening(app: ASGIApp, port: int) -> Iterator[str]:
    """A simulator behind a real port, in a thread of this process; yields its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise StartFault(f"nothing could listen on port {port}")
        time.sleep(0.01)
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=1.0).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    process.kill()
    raise StartFault(f"{url} did not answer:\n{log.read_text('utf-8', 'replace')[-3000:]}")
