"""The Google Wallet API as we need it: bring one class or object into line, make a save link.

Knows how Google answers (JSON over REST, v1) and which of its answers are final; hides the
access token, the pace, the retries and the difference between insert and patch. Every call is
idempotent: after a lost reply it may simply be made again. Nothing that is raised or
logged here repeats what was sent: Google's own messages do, so only its reasons are kept.
"""

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

import httpx
import stamina

from app.errors import NotFound, Unavailable
from app.passes.google.account import AccessToken, Grant, ServiceAccount
from app.passes.google.answer import Answer, NoAccess, TryAgain
from app.passes.google.object import JsonObject, folded, merge_patch
from app.passes.pace import Turns
from app.reply import Endless, body_of

# With the 14 a second of the settings, at most 18 in any second of the 20 that Google grants an
# issuer: on its way a request may be late by a seventh of a second.
BURST = 4
# What bulk leaves to a teacher who waits.
LEFT_FREE = 2
# Longer links may be cut by browsers (Google's guide for Wallet on the web).
SAVE_JWT_LIMIT = 1800
# Resource field `messages`.
MESSAGES_LIMIT = 10
BODY_LIMIT = 256 * 1024
CONNECT_S = 2.0
WAIT_MAX_S = 1.0
RETRY_LATER_S = 30
NO_ACCESS_RETRY_S = 60
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLASSES = "walletobjects/v1/genericClass"
OBJECTS = "walletobjects/v1/genericObject"


@dataclass(frozen=True, slots=True)
class _Call:
    """One request and the status that is an answer too: there already, or not there."""

    verb: str
    path: str
    body: JsonObject | None = field(repr=False)
    none_for: HTTPStatus | None


class GoogleWallet:
    """One issuer at the Google Wallet API; safe to share between threads.

    `base_url` and `save_url` are Google's or a simulator's; `origins` are the sites that show a
    save button; every request takes a turn of `pace`. A call ends within about `budget_s` seconds:
    with what Google acknowledged, GoogleRefused (final) or errors.Unavailable (temporary; NoAccess
    when our access is out of order).
    """

    def __init__(
        self,
        account: ServiceAccount,
        *,
        base_url: str,
        save_url: str,
        pace: Turns,
        origins: Sequence[str] = (),
        budget_s: float = 8.0,
        read_timeout_s: float = 5.0,
    ) -> None:
        self._account = account
        self._base_url = base_url.rstrip("/")
        self._save_url = save_url.rstrip("/")
        self._origins = list(origins)
        self._budget_s = budget_s
        self._read_timeout_s = read_timeout_s
        self._pace = pace
        self._access = AccessToken()
        # Answers are read undecoded, so that their cap counts what arrives in memory.
        self._http = httpx.Client(headers={"Accept-Encoding": "identity"})

    def close(self) -> None:
        """Return every connection."""
        self._http.close()

    def put_object(self, pass_object: JsonObject, *, now: datetime) -> JsonObject:
        """Insert a new object; one that is there already is brought to this state instead."""
        insert, patch = _insert(OBJECTS, pass_object), _patch(OBJECTS, pass_object)
        return self._upsert((insert, patch, insert), now=now)

    def patch_object(self, pass_object: JsonObject, *, now: datetime) -> JsonObject:
        """Bring an object to this state; one that Google never got is inserted."""
        insert, patch = _insert(OBJECTS, pass_object), _patch(OBJECTS, pass_object)
        return self._upsert((patch, insert, patch), now=now)

    def ensure_class(self, design: JsonObject, *, now: datetime) -> JsonObject:
        """Insert the class of our objects, or bring it to this state: every pass shows that."""
        insert, patch = _insert(CLASSES, design), _patch(CLASSES, design)
        return self._upsert((insert, patch, insert), now=now)

    def add_message(
        self, object_id: str, message: JsonObject, *, after: Sequence[JsonObject], now: datetime
    ) -> None:
        """Add one message to those of an object; tried once, since a second one would sound again.

        Where the list is full the oldest make room, and the new one makes no sound. Raises
        errors.Unavailable when it may have been lost: the object tells whether it was.
        """
        path = f"{OBJECTS}/{object_id}"
        call = _Call("POST", f"{path}/addMessage", {"message": message}, None)
        if len(after) >= MESSAGES_LIMIT:
            newest = [*after[1 - MESSAGES_LIMIT :], message]
            call = _Call("PATCH", path, {"messages": newest}, None)
        try:
            self._attempt(call, now=now, deadline=time.monotonic() + self._budget_s)
        except TryAgain as exc:
            raise _silent(exc) from exc

    def get_object(self, object_id: str, *, now: datetime) -> JsonObject:
        """What Google holds, `hasUsers` included. It carries the TOTP key: show it to nobody.

        Raises NotFound when there is no such object.
        """
        call = _Call("GET", f"{OBJECTS}/{object_id}", None, HTTPStatus.NOT_FOUND)
        resource = self._done(call, now=now, deadline=time.monotonic() + self._budget_s)
        if resource is None:
            raise NotFound("Google Wallet has no such pass.")
        return resource

    def save_link(self, object_id: str, *, now: datetime) -> str:
        """The link with which a teacher adds an object to their Google Wallet.

        Names the object by its id only, so that neither key nor name travels in a URL. Google
        knows no end for it: make it when it is followed. Raises ValueError above 1800 characters.
        """
        jwt = self._account.sign(
            {
                "iss": self._account.email,
                "aud": "google",
                "typ": "savetowallet",
                "iat": int(now.timestamp()),
                "origins": self._origins,
                "payload": {"genericObjects": [{"id": object_id}]},
            }
        )
        if len(jwt) > SAVE_JWT_LIMIT:
            raise ValueError("The save link is too long; name fewer origins.")
        return f"{self._save_url}/{jwt}"

    def _upsert(self, calls: Iterable[_Call], *, now: datetime) -> JsonObject:
        """Insert or patch, and the other when the first finds it there, or not there."""
        deadline = time.monotonic() + self._budget_s
        for call in calls:
            resource = self._done(call, now=now, deadline=deadline)
            if resource is not None:
                return resource
        raise Unavailable("Google Wallet is of two minds about this pass.")

    def _done(self, call: _Call, *, now: datetime, deadline: float) -> JsonObject | None:
        """One call with its retries: what Google acknowledged, or None for `call.none_for`."""

        def pause(failure: Exception) -> float | bool:
            if not isinstance(failure, TryAgain):
                return False
            # A Retry-After of 0 names no moment either: then our own back-off decides.
            wait_s = float(failure.after_s or WAIT_MAX_S)
            if time.monotonic() + wait_s >= deadline:
                return False
            return wait_s if failure.after_s else True

        try:
            for attempt in stamina.retry_context(
                pause, attempts=None, timeout=None, wait_max=WAIT_MAX_S, wait_jitter=0.4
            ):
                with attempt:
                    return self._attempt(call, now=now, deadline=deadline)
        except TryAgain as exc:
            raise _silent(exc) from exc
        raise AssertionError  # pragma: no cover - an attempt returns or raises

    def _attempt(self, call: _Call, *, now: datetime, deadline: float) -> JsonObject | None:
        for _ in range(2):
            token = self._token(now=now, deadline=deadline)
            if not self._pace.wait(until=deadline):
                raise TryAgain("our own pace")
            answer = self._exchange(self._request(call, token), deadline=deadline)
            if answer.ok:
                resource: JsonObject = folded(answer.resource())
                return resource
            if answer.status == call.none_for:
                return None
            if answer.temporary:
                raise answer.try_again(now=now)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                raise answer.refusal()
            self._access.drop(token)
        raise _no_access() from answer.refusal()

    def _request(self, call: _Call, token: str) -> httpx.Request:
        return self._http.build_request(
            call.verb,
            f"{self._base_url}/{call.path}",
            json=call.body,
            headers={"Authorization": f"Bearer {token}"},
        )

    def _token(self, *, now: datetime, deadline: float) -> str:
        left_s = max(0.0, deadline - time.monotonic())
        try:
            return self._access.get(
                lambda: self._fetch_grant(now=now, deadline=deadline), now=now, wait_s=left_s
            )
        except TimeoutError as exc:
            raise TryAgain("no access token yet") from exc

    def _fetch_grant(self, *, now: datetime, deadline: float) -> Grant:
        """Exchange a signed assertion for an access token (RFC 7523 section 2.1)."""
        form = {"grant_type": GRANT_TYPE, "assertion": self._account.assertion(now=now)}
        request = self._http.build_request("POST", self._account.token_uri, data=form)
        answer = self._exchange(request, deadline=deadline)
        if answer.temporary:
            raise answer.try_again(now=now)
        if not answer.ok:
            raise _no_access() from answer.refusal()
        fields = answer.resource()
        try:
            return Grant.lasting(str(fields["access_token"]), int(fields["expires_in"]), now=now)
        except (KeyError, TypeError, ValueError) as exc:
            raise TryAgain("unreadable access token") from exc

    def _exchange(self, request: httpx.Request, *, deadline: float) -> Answer:
        """Send one request; its answer is read up to a cap and no longer than the deadline."""
        left_s = max(0.001, deadline - time.monotonic())
        request.extensions["timeout"] = httpx.Timeout(
            min(self._read_timeout_s, left_s), connect=min(CONNECT_S, left_s)
        ).as_dict()
        try:
            with contextlib.closing(self._http.send(request, stream=True)) as response:
                content = body_of(response, most=BODY_LIMIT, deadline=deadline)
        except (httpx.RequestError, Endless) as exc:
            raise TryAgain(type(exc).__name__) from exc
        return Answer(response.status_code, response.headers.get("Retry-After"), content)


def _insert(collection: str, resource: JsonObject) -> _Call:
    return _Call("POST", collection, resource, HTTPStatus.CONFLICT)


def _patch(collection: str, resource: JsonObject) -> _Call:
    path = f"{collection}/{resource['id']}"
    return _Call("PATCH", path, merge_patch(resource), HTTPStatus.NOT_FOUND)


def _silent(failure: TryAgain) -> Unavailable:
    message = "Google Wallet does not answer now."
    return Unavailable(message, retry_after_s=failure.after_s or RETRY_LATER_S)


def _no_access() -> NoAccess:
    message = "Google Wallet does not accept our access."
    return NoAccess(message, retry_after_s=NO_ACCESS_RETRY_S)
