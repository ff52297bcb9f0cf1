"""Google's root keys for callbacks, fetched when first needed and kept as long as Google says.

Knows how Google's own library (Tink) caches them: until the age that the answer names, with a
fresh look from half of it on. Hides HTTP, and that a stranger who sends nonsense could make us
ask Google again and again: an early look comes at most once a minute.
"""

import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from app.errors import Unavailable
from app.passes.google.ecv2 import Malformed, RootKey, read_roots
from app.reply import Endless, body_of

MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)
# An answer that may not be kept at all would have us ask with every callback.
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=7)
EARLY_EVERY = timedelta(minutes=1)
# Who waited while somebody else asked takes the same answer, be it keys or a failure.
SAME_ANSWER = timedelta(seconds=10)
TIMEOUT_S = 3.0
BODY_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    roots: tuple[RootKey, ...]
    fetched_at: datetime
    lasts: timedelta


class GoogleKeys:
    """The root keys behind one URL; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"})
        self._turn = threading.Lock()
        self._kept: _Kept | None = None
        self._failed_at: datetime | None = None

    def close(self) -> None:
        """Return every connection."""
        self._http.close()

    def roots(self, *, now: datetime) -> tuple[RootKey, ...]:
        """The keys as Google gave them last; `Unavailable` when there are none that may be used."""
        kept = self._kept
        if kept is None or now >= kept.fetched_at + kept.lasts:
            with self._turn:
                return self._fresh(now, wanted_since=now - SAME_ANSWER).roots
        if now >= kept.fetched_at + kept.lasts / 2 and self._turn.acquire(blocking=False):
            try:
                return self._fresh(now, wanted_since=now - SAME_ANSWER).roots
            except Unavailable:
                return kept.roots  # they still hold
            finally:
                self._turn.release()
        return kept.roots

    def newer_roots(self, *, now: datetime) -> tuple[RootKey, ...]:
        """The keys as Google gives them now, for a signer that the kept ones do not know."""
        with self._turn:
            return self._fresh(now, wanted_since=now - EARLY_EVERY).roots

    def _fresh(self, now: datetime, *, wanted_since: datetime) -> _Kept:
        """What is kept when it is of that moment or later, else what Google says now."""
        if self._kept is not None and self._kept.fetched_at > wanted_since:
            return self._kept
        if self._failed_at is not None and now < self._failed_at + SAME_ANSWER:
            raise _unavailable()
        try:
            self._kept = self._fetch(now)
        except (httpx.HTTPError, Endless, Malformed) as exc:
            self._failed_at = now
            raise _unavailable() from exc
        self._failed_at = None
        return self._kept

    def _fetch(self, now: datetime) -> _Kept:
        with self._http.stream("GET", self._url) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise Malformed("another status")
            deadline = time.monotonic() + TIMEOUT_S
            content = body_of(answer, most=BODY_LIMIT, deadline=deadline)
        roots = read_roots(content)
        if not roots:
            raise Malformed("no key of ours")
        return _Kept(roots, now, _lasts(answer.headers))


def _lasts(headers: httpx.Headers) -> timedelta:
    """How long an answer may be kept: `max-age` less the `Age` it has already."""
    named = MAX_AGE.search(headers.get("cache-control", ""))
    age = headers.get("age", "0")
    spent = int(age[:9]) if age.isascii() and age.isdigit() else 0
    lasts = timedelta(seconds=int(named[1]) - spent) if named else SHORTEST
    return min(max(lasts, SHORTEST), LONGEST)


def _unavailable() -> Unavailable:
    return Unavailable("Google's keys cannot be fetched now.", retry_after_s=60)
