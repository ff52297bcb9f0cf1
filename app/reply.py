"""The body of a reply, as it came over the wire, read up to a size and a moment.

A server that lies or is not itself can then cost neither memory nor a thread. Compressed bodies
stay compressed, so that the size counts what arrives in memory: whoever asks must not allow them.
"""

import time

import httpx


class Endless(Exception):
    """A body that was given up before its end."""


class TooLong(Endless):
    """More than anybody sends who answers what was asked."""


class TooSlow(Endless):
    """Its time was over while it still came."""


def body_of(response: httpx.Response, *, most: int, deadline: float) -> bytes:
    """All bytes of a streamed response: at most `most`, until `deadline` of `time.monotonic`.

    Raises `TooLong`, `TooSlow`, and whatever httpx raises while it reads.
    """
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most:
            raise TooLong
        if time.monotonic() > deadline:
            raise TooSlow
    return bytes(body)
