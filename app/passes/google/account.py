"""Who we are towards Google: the service account, its signature and the access token.

Knows the service-account file and RS256 JWTs (RFC 7515, RFC 7519); hides the private key,
which is parsed once and never printed, and the flight of one token refresh at a time.
"""

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
# Google refuses assertions that live longer than an hour.
ASSERTION_S = 3600
REFRESH_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A Google service account that is a user of our issuer in the Pay & Wallet console."""

    email: str
    token_uri: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the JSON key file that Google hands out.

        Raises ValueError when it is none, OSError when it cannot be read.
        """
        try:
            fields = json.loads(path.read_bytes())
            email, token_uri = str(fields["client_email"]), str(fields["token_uri"])
            key_id = str(fields["private_key_id"])
            key = load_pem_private_key(fields["private_key"].encode(), password=None)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ValueError(f"{path.name} is not the key file of a service account.") from exc
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"{path.name} holds no RSA key; Google knows RS256 only.")  # noqa: TRY004 - a fault of the file, like the others
        return cls(email=email, token_uri=token_uri, key_id=key_id, key=key)

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT over the claims, RS256.

        The key is parsed once: its PEM text would cost fifty times the signature each time.
        """
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id})

    def assertion(self, *, now: datetime) -> str:
        """What the token endpoint exchanges for an access token (RFC 7523)."""
        issued_at = int(now.timestamp())
        return self.sign(
            {
                "iss": self.email,
                "scope": SCOPE,
                "aud": self.token_uri,
                "iat": issued_at,
                "exp": issued_at + ASSERTION_S,
            }
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token and the moment from which a new one is fetched."""

    token: str = field(repr=False)
    refresh_at: datetime

    @classmethod
    def lasting(cls, token: str, lifetime_s: int, *, now: datetime) -> Self:
        """A grant that is renewed five minutes ahead of its end, or halfway when it is short."""
        lifetime = timedelta(seconds=lifetime_s)
        return cls(token, now + max(lifetime - REFRESH_AHEAD, lifetime / 2))


class AccessToken:
    """The present grant, shared by all threads; of those who find it old, one fetches a new one.

    The others wait for the same answer, be it a grant or a failure, so that a token endpoint
    in trouble is asked once and not by every thread in turn.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._grant: Grant | None = None
        self._flight: Future[Grant] | None = None

    def get(self, fetch: Callable[[], Grant], *, now: datetime, wait_s: float) -> str:
        """The token; raises what `fetch` raises, TimeoutError when another's takes too long."""
        with self._guard:
            if self._grant and now < self._grant.refresh_at:
                return self._grant.token
            flight, leads = self._flight or Future(), self._flight is None
            self._flight = flight
        if leads:
            self._fly(flight, fetch)
        return flight.result(timeout=wait_s).token

    def drop(self, token: str) -> None:
        """Forget this token: Google does not accept it any more. A newer one stays."""
        with self._guard:
            if self._grant and self._grant.token == token:
                self._grant = None

    def _fly(self, flight: "Future[Grant]", fetch: Callable[[], Grant]) -> None:
        try:
            grant = fetch()
        except BaseException as exc:  # noqa: BLE001 - handed to everybody who waits, the fetcher too
            with self._guard:
                self._flight = None
            flight.set_exception(exc)
        else:
            with self._guard:
                self._grant, self._flight = grant, None
            flight.set_result(grant)
