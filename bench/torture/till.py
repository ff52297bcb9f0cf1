"""A till at a real connection, and crowds of them.

Built on the standard library's plain client: the one who tortures must need less of the
processor than the tortured, and must tell an answer from half an answer.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

PATH = "/api/v1/verifications"
TIMEOUT_S = 30.0
# The server closes a connection that was idle for five seconds.
IDLE_S = 3.0


class Unanswered(Exception):
    """The connection broke before the whole answer was read: nothing was acknowledged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, and the monotonic seconds between which it was got."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    asked_at_s: float
    answered_at_s: float

    @property
    def is_verdict(self) -> bool:
        """Whether this acknowledges a check."""
        return self.status == HTTPStatus.OK

    @property
    def asks_for_patience(self) -> bool:
        """Whether this refuses as it should: 429 or 503, a problem document, when to come back."""
        return (
            self.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
            and self.headers.get("content-type") == "application/problem+json"
            and "retry-after" in self.headers
        )

    @property
    def document(self) -> dict[str, Any]:
        """The verdict or the problem."""
        document: dict[str, Any] = json.loads(self.content)
        return document


def question(code: str) -> bytes:
    """The body of a check."""
    return json.dumps({"presentation": code, "channel": "till"}).encode()


class Till:
    """One till, on one connection to one process; not to be shared between threads."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._used_at_s = 0.0

    def present(self, code: str) -> Answer:
        """Ask for a verdict; `Unanswered` when the connection breaks."""
        return self.ask("POST", PATH, question(code))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for anything; `Unanswered` when the connection breaks."""
        asked_at_s = time.monotonic()
        if asked_at_s - self._used_at_s > IDLE_S:
            self._connection.close()
        try:
            self._connection.request(method, path, body, headers or self._headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unanswered from error
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self._connection.close()  # as the server does without saying so
        self._used_at_s = time.monotonic()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content, asked_at_s, self._used_at_s)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def crowd(count: int, work: Callable[[int, threading.Event], None]) -> Iterator[None]:
    """Threads that repeat `work(number, over)` while this is open; what one raised is raised."""
    over = threading.Event()

    def repeat(number: int) -> None:
        while not over.is_set():
            work(number, over)

    with ThreadPoolExecutor(count, "crowd") as pool:
        threads = [pool.submit(repeat, number) for number in range(count)]
        try:
            yield
        finally:
            over.set()
    for thread in threads:
        thread.result()


def at_once(questions: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """The answers to questions that are all asked at the same moment, a thread for each."""
    line = threading.Barrier(len(questions))

    def ask(question: Callable[[], Answer]) -> Answer:
        line.wait(TIMEOUT_S)
        return question()

    with ThreadPoolExecutor(len(questions), "line") as pool:
        return list(pool.map(ask, questions))
