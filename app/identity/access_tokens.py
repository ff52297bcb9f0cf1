"""Access tokens: sold for one proof of a client, and looked up at every use.

Knows the token's form and life; hides the tables behind `grant` and `callers`. A token is a row,
not a signed text (docs/decisions/0014), so a client or a credential that was revoked is refused
at the next request of every process.
"""

import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from app.db import insert_once, uuid7
from app.identity.client_proof import OAuthRefused, Proven, invalid_client
from app.identity.clients import Scope
from app.identity.model import AccessToken, OAuthClient, OAuthCredential, SpentAssertion
from app.identity.secret_text import fingerprint, new_secret

LIFETIME = timedelta(minutes=15)
PREFIX = "lk_access_"
FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A well-formed access token as a caller sent it; only its fingerprint is kept."""

    token_hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is behind a token that counts now, and what it is good for."""

    client_id: str
    scopes: frozenset[str]
    partner_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Granted:
    """A fresh token (RFC 6749 section 5.1)."""

    token: str = field(repr=False)
    scopes: str


def credentials_of(session: Session, client_id: str) -> list[OAuthCredential]:
    """What a client may prove itself with now, its row loaded with each."""
    usable = (
        select(OAuthCredential)
        .join(OAuthCredential.client)
        .where(
            OAuthClient.id == client_id,
            OAuthClient.revoked_at.is_(None),
            OAuthCredential.revoked_at.is_(None),
        )
        .options(contains_eager(OAuthCredential.client))
    )
    return list(session.scalars(usable))


def grant(session: Session, proven: Proven, *, wanted: str | None, now: datetime) -> Granted:
    """A token for a proof, with the scopes asked for or all of the client's.

    An assertion buys one token only. A credential revoked a moment ago buys one that opens nothing.
    """
    client = proven.credential.client
    scopes = _scopes(wanted, client.scopes)
    if proven.jti is not None and not insert_once(
        session,
        SpentAssertion,
        {
            "id": uuid7(),
            "client_id": client.id,
            "jti_hash": fingerprint(proven.jti),
            "expires_at": proven.expires_at,
        },
    ):
        raise invalid_client()
    token = PREFIX + new_secret()
    session.add(
        AccessToken(
            token_hash=fingerprint(token),
            credential_id=proven.credential.id,
            scopes=scopes,
            expires_at=now + LIFETIME,
        )
    )
    return Granted(token, scopes)


def read_token(text: str) -> PresentedToken | None:
    """The token in a text, or None when it has not the form of one."""
    return PresentedToken(fingerprint(text)) if FORM.fullmatch(text) else None


def callers(
    session: Session, presented: Collection[PresentedToken], *, now: datetime
) -> dict[PresentedToken, Caller]:
    """Who is behind each token that counts now, in one query; the others are not in it."""
    hashes = {token.token_hash for token in presented}
    found = session.execute(
        select(
            AccessToken.token_hash,
            AccessToken.scopes,
            OAuthClient.id,
            OAuthClient.partner_id,
        )
        .join(OAuthCredential, OAuthCredential.id == AccessToken.credential_id)
        .join(OAuthClient, OAuthClient.id == OAuthCredential.client_id)
        .where(
            AccessToken.token_hash.in_(hashes),
            AccessToken.expires_at > now,
            OAuthCredential.revoked_at.is_(None),
            OAuthClient.revoked_at.is_(None),
        )
    )
    return {
        PresentedToken(token_hash): Caller(client_id, frozenset(scopes.split()), partner_id)
        for token_hash, scopes, client_id, partner_id in found
    }


def verifiers(
    session: Session, presented: Collection[PresentedToken], *, now: datetime
) -> dict[PresentedToken, uuid.UUID | None]:
    """The partner in whose name each token that counts now verifies; None where it may not."""
    return {
        token: caller.partner_id if Scope.VERIFICATIONS_WRITE in caller.scopes else None
        for token, caller in callers(session, presented, now=now).items()
    }


def _scopes(wanted: str | None, allowed: str) -> str:
    """RFC 6749 section 3.3: a part of what the client may have; nothing asked for is all."""
    asked = set((wanted or "").split()) or set(allowed.split())
    if not asked <= set(allowed.split()) or not asked <= set(Scope):
        raise OAuthRefused("invalid_scope", "The client may not have every scope it asks for.")
    return " ".join(sorted(asked))
