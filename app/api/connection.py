"""A connection to a web process: who opens one has to say what for, and soon.

Knows what uvicorn leaves open: it waits without end for the head of a request, so that a client
who sends a byte now and then, or nothing, holds a place as long as it likes. Bodies have their
own deadline (`envelope`).
"""

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT_S = 10.0


class Connection(H11Protocol):
    """HTTP/1.1 whose heads must be whole within `head_timeout_s` of their first byte.

    The first one must be so within that time of the connection; between requests uvicorn's own
    keep-alive time holds until something comes.
    """

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    _hang_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; only a whole head ends the wait."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait_for_head()
        else:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._hang_up is None:
            self._hang_up = self.loop.call_later(
                self.head_timeout_s, self.timeout_keep_alive_handler
            )

    def _wait_no_more(self) -> None:
        if self._hang_up is not None:
            self._hang_up.cancel()
            self._hang_up = None
