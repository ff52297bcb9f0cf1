"""The OpenID provider as we meet it over HTTP: its published documents and three calls.

Knows how long and how much we listen: small JSON, a few seconds, no redirects. Hides
fetching and caching: documents are fetched by one thread for all and kept for an hour;
after a failure everybody is told so at once for a few seconds instead of queueing.
"""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.identity.discovery import (
    Metadata,
    ProviderFault,
    SignatureKey,
    choose,
    origin,
    read_keys,
    read_metadata,
)
from app.identity.refusal import Cause, LoginRefused
from app.identity.strict_json import read_object
from app.reply import Endless, body_of

MAX_BODY_BYTES = 65_536
# A key that the provider withdraws stops counting within this time.
FRESH = timedelta(hours=1)
# A key that we do not know makes us look again, but no more often than this.
KEYS_COOLDOWN = timedelta(minutes=1)
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
JSON_TYPES = {"application/json", "application/jwk-set+json"}
# RFC 6749 section 5.2: what an operator can mend; any other word is not repeated in a log.
OAUTH_ERRORS = ("invalid_client", "invalid_request", "invalid_scope", "unauthorized_client")

Document = TypeVar("Document")


class Provider:
    """One OpenID provider, safe to share between threads."""

    def __init__(
        self, issuer: str, *, connect_s: float, answer_s: float, tls: ssl.SSLContext | None
    ) -> None:
        """`answer_s` bounds the whole body of an answer: a trickle does not prolong it."""
        if origin(issuer) is None:
            raise ValueError("the issuer must be an https URL, or http on this machine")
        self.issuer = issuer
        self._answer_s = answer_s
        # The way to the provider is configuration: no proxy and no .netrc from the environment.
        self._http = httpx.Client(
            verify=tls or True,
            timeout=httpx.Timeout(answer_s, connect=connect_s, pool=connect_s),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )
        self._metadata = _Shared(self._fetch_metadata)
        self._keys = _Shared(self._fetch_keys)

    def close(self) -> None:
        """Return every connection."""
        self._http.close()

    def metadata(self, *, now: datetime) -> Metadata:
        """Where the endpoints are; at most an hour old."""
        return self._metadata.get(now=now, not_older_than=FRESH)

    def key(self, key_id: str | None, *, now: datetime) -> RSAPublicKey | None:
        """The signature key that an ID token names, None when looking again did not help."""
        for age in (FRESH, KEYS_COOLDOWN):
            key = choose(self._keys.get(now=now, not_older_than=age), key_id)
            if key is not None:
                return key
        return None

    def redeem(
        self, form: Mapping[str, str], headers: Mapping[str, str], *, now: datetime
    ) -> dict[str, Any]:
        """Exchange a code at the token endpoint (RFC 6749 section 4.1.3); never tried twice.

        `LoginRefused` when the provider refuses this very code; `ProviderFault` for any other
        answer than 200: the provider or our registration is at fault, not the person.
        """
        endpoint = self.metadata(now=now).token_endpoint
        status, document = self._call("POST", endpoint, headers=headers, data=form)
        if status == httpx.codes.BAD_REQUEST and document.get("error") == "invalid_grant":
            raise LoginRefused(Cause.CODE_REFUSED)
        return _only_ok(status, document)

    def userinfo(self, access_token: str, *, now: datetime) -> dict[str, Any]:
        """The claims at the userinfo endpoint (OpenID Connect Core section 5.3)."""
        endpoint = self.metadata(now=now).userinfo_endpoint
        if endpoint is None:
            raise ProviderFault("claims are missing and there is no userinfo endpoint")
        headers = {"Authorization": f"Bearer {access_token}"}
        return _only_ok(*self._call("GET", endpoint, headers=headers))

    def introspect(
        self, form: Mapping[str, str], headers: Mapping[str, str], *, now: datetime
    ) -> dict[str, Any]:
        """What an access token is worth (RFC 7662 section 2); `form` holds it and our proof."""
        endpoint = self.metadata(now=now).introspection_endpoint
        if endpoint is None:
            raise ProviderFault("there is no introspection endpoint")
        return _only_ok(*self._call("POST", endpoint, headers=headers, data=form))

    def _fetch_metadata(self, _: datetime) -> Metadata:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        return read_metadata(_only_ok(*self._call("GET", url)), issuer=self.issuer)

    def _fetch_keys(self, now: datetime) -> tuple[SignatureKey, ...]:
        return read_keys(_only_ok(*self._call("GET", self.metadata(now=now).jwks_uri)))

    def _call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of one answer; `ProviderFault` when it is anything else."""
        deadline = time.monotonic() + self._answer_s
        try:
            with self._http.stream(method, url, headers=headers, data=data) as answer:
                body = body_of(answer, most=MAX_BODY_BYTES, deadline=deadline)
        except (httpx.HTTPError, Endless) as error:
            raise ProviderFault(f"no answer: {type(error).__name__}") from error
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in JSON_TYPES:
            raise ProviderFault(f"an answer of status {answer.status_code} was not JSON")
        try:
            return answer.status_code, read_object(body)
        except ValueError as error:
            raise ProviderFault(f"an answer of status {answer.status_code}: {error}") from error


class _Shared(Generic[Document]):
    """One fetched document for all threads; one of them fetches while the others wait."""

    def __init__(self, fetch: Callable[[datetime], Document]) -> None:
        self._fetch = fetch
        self._turn = threading.Lock()
        self._held: tuple[datetime, Document] | None = None
        self._failed_at: datetime | None = None

    def get(self, *, now: datetime, not_older_than: timedelta) -> Document:
        """The document, fetched when the one at hand is older."""
        held = self._held
        if held is not None and _near(now, held[0], not_older_than):
            return held[1]
        with self._turn:
            held = self._held
            if held is not None and _near(now, held[0], not_older_than):
                return held[1]
            return self._renew(now)

    def _renew(self, now: datetime) -> Document:
        if self._failed_at is not None and _near(now, self._failed_at, PAUSE_AFTER_FAILURE):
            raise ProviderFault("the last attempt failed a moment ago")
        try:
            document = self._fetch(now)
        except ProviderFault:
            self._failed_at = now
            raise
        self._held, self._failed_at = (now, document), None
        return document


def _near(now: datetime, then: datetime, span: timedelta) -> bool:
    # Either way round: threads arrive with slightly different nows, and clocks are set back.
    return abs(now - then) < span


def _only_ok(status: int, document: dict[str, Any]) -> dict[str, Any]:
    if status == httpx.codes.OK:
        return document
    error = document.get("error")
    raise ProviderFault(f"status {status}, {error if error in OAUTH_ERRORS else 'no known error'}")
