"""Asks the personnel file about one person, or what changed since a cursor.

Knows the service's address, headers, token and moods; hides them behind two questions. A clear
answer comes back as an `EpdAnswer`; everything else - silence, overload, refusal, nonsense, the
file of somebody else - is `Unavailable`, which never means "not employed". The national number
travels in the body of a request only: in no address, header, log line or text of a failure.
"""

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from http import HTTPStatus
from typing import TypeVar

import httpx
import stamina
import structlog

from app.cards.insz import Insz
from app.client_authentication import ClientKey, ClientSecret, prove
from app.epd.answers import (
    Changes,
    EpdAnswer,
    Failed,
    Reply,
    answer_in,
    busy,
    changes_in,
    done,
    token_in,
)
from app.epd.messages import registration, status_question
from app.epd.patience import Breaker, Patience
from app.errors import Unavailable
from app.reply import Endless, TooSlow, body_of

Answer = TypeVar("Answer")

SCOPE = "ond_epd_lerarenkaart_read"
MAX_BODY_BYTES = 1_000_000
# A token is left aside this long before its end, so that it does not die on the way.
TOKEN_MARGIN_S = 30
DEFAULT_RETRY_AFTER_S = 5
MAX_RETRY_AFTER_DIGITS = 4

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Question:
    """One request and how long its answer is waited for."""

    method: str
    url: str
    content: bytes | None
    now: datetime
    # On the monotonic clock.
    deadline: float

    def left_s(self) -> float:
        return self.deadline - time.monotonic()


class EpdClient:
    """One connection pool, one token and one breaker for all threads of a process."""

    def __init__(
        self,
        base_url: str,
        *,
        token_url: str,
        client_id: str,
        authentication: ClientSecret | ClientKey,
        enduser_id: str,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._service = f"{base_url.rstrip('/')}/v1"
        self._token_url = token_url
        self._client_id = client_id
        self._authentication = authentication
        self._enduser_id = enduser_id
        self._grant = {"grant_type": "client_credentials", "scope": SCOPE}
        self._patience = patience
        self._breaker = Breaker(patience)
        self._http = httpx.Client(
            limits=httpx.Limits(max_connections=patience.connections),
            # Identity: a compressed answer could unfold beyond any cap.
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )
        self._fetching = threading.Lock()
        self._token: str | None = None
        self._token_until = 0.0

    def close(self) -> None:
        """Give back every connection."""
        self._http.close()

    def examine(self, *, now: datetime) -> None:
        """Ask for a token, which needs no person; `Unavailable` when there is none to be had."""
        with _no_answer_is_unavailable():
            self._bearer(self._question("POST", self._token_url, None, now))

    def status(self, insz: Insz, *, on: date, now: datetime) -> EpdAnswer:
        """What EPD says of a person on a day (contract 4.2), within `Patience.budget_s` or so.

        A replaced number is followed once. `Unavailable` when there is no answer that can be
        trusted; the last known status then stands.
        """
        with _no_answer_is_unavailable():
            return self._follow(insz, on, now)

    def changes(self, after: str | None, *, limit: int, now: datetime) -> Changes | None:
        """Up to `limit` changes after a cursor (contract 4.2), from the first one kept without it.

        None when the cursor is too old; `Unavailable` as with `status`.
        """
        query = {"pagesize": str(limit)} | ({} if after is None else {"after": after})
        url = str(httpx.URL(f"{self._service}/mutaties").copy_merge_params(query))
        with _no_answer_is_unavailable():
            return self._ask(self._question("GET", url, None, now), changes_in)

    def register(self, reference: uuid.UUID, insz: Insz, *, since: date, now: datetime) -> None:
        """Have the feed name this person (contract 4.2); again under another number replaces it."""
        url = f"{self._service}/inschrijvingen/{reference}"
        with _no_answer_is_unavailable():
            self._ask(self._question("PUT", url, registration(insz, since=since), now), done)

    def unregister(self, reference: uuid.UUID, *, now: datetime) -> None:
        """Have the feed name nobody under this reference any more, whether it did or not."""
        url = f"{self._service}/inschrijvingen/{reference}"
        with _no_answer_is_unavailable():
            self._ask(self._question("DELETE", url, None, now), done)

    def _follow(self, insz: Insz, on: date, now: datetime) -> EpdAnswer:
        question = self._question(
            "POST", f"{self._service}/personeelsleden/status", status_question(insz, on=on), now
        )
        answer = self._ask(question, lambda reply: answer_in(reply, insz))
        new = answer.replaced_by
        if new is None:
            return answer
        question = replace(question, content=status_question(new, on=on))
        followed = self._ask(question, lambda reply: answer_in(reply, new))
        if followed.replaced_by is not None:
            raise Failed("a replaced number was replaced again")
        return replace(followed, replaced_by=new)

    def _question(self, method: str, url: str, content: bytes | None, now: datetime) -> _Question:
        return _Question(method, url, content, now, time.monotonic() + self._patience.budget_s)

    def _ask(self, question: _Question, meaning: Callable[[Reply], Answer]) -> Answer:
        patience = self._patience

        def again(error: Exception) -> bool | float:
            if not isinstance(error, Failed) or not error.again:
                return False
            if question.left_s() < max(error.wait_s or 0.0, patience.longest_pause_s):
                return False
            return True if error.wait_s is None else error.wait_s

        for attempt in stamina.retry_context(
            on=again,
            attempts=patience.attempts,
            timeout=None,
            wait_initial=patience.first_pause_s,
            wait_max=patience.longest_pause_s,
            wait_jitter=patience.first_pause_s,
        ):
            with attempt:
                return self._watched(question, meaning)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _watched(self, question: _Question, meaning: Callable[[Reply], Answer]) -> Answer:
        """One attempt, if the breaker admits it; it learns how the attempt went."""
        wait_s = self._breaker.wait_s()
        if wait_s:
            raise Failed("the source rests after failures in a row", wait_s=wait_s)
        correlation_id = str(uuid.uuid4())
        try:
            answer = meaning(self._once(question, correlation_id))
        except Failed as failed:
            log.warning("epd-failed", reason=str(failed), correlation_id=correlation_id)
            if failed.sick:
                self._breaker.failed()
            else:
                self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return answer

    def _once(self, question: _Question, correlation_id: str) -> Reply:
        token = self._bearer(question)
        reply = self._send(
            question.method,
            question.url,
            question,
            content=question.content,
            headers={
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                "x-correlation-id": correlation_id,
                "x-magda-enduser-id": self._enduser_id,
                "accept-language": "nl",
            },
        )
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._forget(token)
            raise Failed("the token was refused", again=True, sick=False)
        return reply

    def _bearer(self, question: _Question) -> str:
        """The token; of threads that miss it at once, one fetches and the others get that one."""
        if not self._fetching.acquire(timeout=max(0.0, question.left_s())):
            raise Failed("no token in time")
        try:
            if self._token is None or time.monotonic() >= self._token_until:
                proof = prove(self._client_id, self._authentication, now=question.now)
                reply = self._send(
                    "POST",
                    self._token_url,
                    question,
                    data=self._grant | proof.form,
                    headers=proof.headers,
                )
                token = token_in(reply)
                life_s = max(token.expires_in - TOKEN_MARGIN_S, token.expires_in / 2)
                self._token, self._token_until = token.access_token, time.monotonic() + life_s
            return self._token
        finally:
            self._fetching.release()

    def _forget(self, token: str) -> None:
        with self._fetching:
            if self._token == token:
                self._token = None

    def _send(
        self,
        method: str,
        url: str,
        question: _Question,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
    ) -> Reply:
        attempt_s = max(0.0, min(self._patience.attempt_s, question.left_s()))
        timeout = httpx.Timeout(attempt_s, connect=min(self._patience.connect_s, attempt_s))
        request = self._http.build_request(
            method, url, content=content, data=data, headers=headers, timeout=timeout
        )
        try:
            with closing(self._http.send(request, stream=True)) as response:
                reply = _read(response, question)
        except httpx.HTTPError as error:
            # What the other side sent may stand in the text of a protocol error.
            safe = isinstance(error, httpx.TimeoutException | httpx.NetworkError)
            reason = f"no reply: {type(error).__name__}"
            raise Failed(reason, again=True) from (error if safe else None)
        if later := busy(reply):
            raise later
        return reply


@contextmanager
def _no_answer_is_unavailable() -> Iterator[None]:
    try:
        yield
    except Failed as failed:
        raise Unavailable(
            "The personnel file cannot be asked right now; the card stays as it is.",
            retry_after_s=max(1, math.ceil(failed.wait_s or DEFAULT_RETRY_AFTER_S)),
        ) from failed


def _read(response: httpx.Response, question: _Question) -> Reply:
    """The whole reply, as long as it is plain, small and quick."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Failed("the reply is compressed, which was not asked for")
    try:
        body = body_of(response, most=MAX_BODY_BYTES, deadline=question.deadline)
    except Endless as fault:
        slow = isinstance(fault, TooSlow)
        raise Failed(f"the reply is too {'slow' if slow else 'large'}", again=slow) from fault
    return Reply(
        status=response.status_code,
        content_type=response.headers.get("content-type", ""),
        retry_after_s=_seconds(response.headers.get("retry-after", "")),
        body=body,
    )


def _seconds(text: str) -> int | None:
    """The delay in a Retry-After header; a date there, or hours and hours, is as good as none."""
    if len(text) > MAX_RETRY_AFTER_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
