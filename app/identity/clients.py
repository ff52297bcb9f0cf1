"""OAuth clients: the machines that may ask for tokens, and what they prove themselves with.

Knows which scopes there are, what a key must be and that a secret is shown once and kept as a
fingerprint. A client may hold several credentials, so that one can follow another without a gap;
revoking one, or the whole client, ends at once every token that was got with it.
"""

import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.client_authentication import MIN_RSA_KEY_BITS, thumbprint
from app.db import insert_once
from app.errors import Conflict, NotFound
from app.identity.model import OAuthClient, OAuthCredential
from app.identity.secret_text import fingerprint, new_secret

CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]")
# Lets a scanner for leaked secrets know whose it is.
SECRET_PREFIX = "lk_secret_"  # noqa: S105 - the part that everybody may know
NAME_LENGTH = 12


class Scope(StrEnum):
    """What a token may be for."""

    EPD_WRITE = "epd:write"
    EPD_READ = "epd:read"
    VERIFICATIONS_WRITE = "verifications:write"


class UnfitKey(ValueError):
    """A public key that no client may have; the message says which may."""


def add_client(
    session: Session,
    client_id: str,
    *,
    scopes: Iterable[Scope],
    partner_id: uuid.UUID | None = None,
    now: datetime,
) -> None:
    """Register a client, still without any credential; `Conflict` when the name is taken."""
    if not CLIENT_ID.fullmatch(client_id):
        raise ValueError("a client id has 3 to 64 of a-z, 0-9, '.', '_' and '-'")
    granted = " ".join(sorted(set(scopes)))
    if not granted:
        raise ValueError("a client without a scope can do nothing")
    values = {"id": client_id, "scopes": granted, "partner_id": partner_id, "created_at": now}
    if not insert_once(session, OAuthClient, values):
        raise Conflict(f"There is a client {client_id} already.")


def new_client_id() -> str:
    """A name for a client that nobody has."""
    return f"partner-{secrets.token_hex(NAME_LENGTH // 2)}"


def of_partner(session: Session, partner_id: uuid.UUID) -> Sequence[OAuthClient]:
    """The clients of a partner, oldest first."""
    found = select(OAuthClient).where(OAuthClient.partner_id == partner_id)
    return session.scalars(found.order_by(OAuthClient.created_at, OAuthClient.id)).all()


def client_of_partner(session: Session, partner_id: uuid.UUID, client_id: str) -> OAuthClient:
    """A client of this very partner; `NotFound` for anybody else's."""
    found = select(OAuthClient).filter_by(id=client_id, partner_id=partner_id)
    client = session.scalars(found).one_or_none()
    if client is None:
        raise NotFound("This partner has no such client.")
    return client


def client_named(session: Session, client_id: str) -> OAuthClient:
    """The client with this id; `NotFound` otherwise."""
    client = session.get(OAuthClient, client_id)
    if client is None:
        raise NotFound(f"There is no client {client_id}.")
    return client


def add_secret(session: Session, client_id: str, *, now: datetime) -> str:
    """Make a secret for a client and return it, which is shown this once and never kept."""
    secret = SECRET_PREFIX + new_secret()
    _add(session, client_id, new_secret()[:NAME_LENGTH], secret_hash=fingerprint(secret), now=now)
    return secret


def add_key(session: Session, client_id: str, pem: bytes, *, now: datetime) -> str:
    """Register a client's public key; returns its `kid`, the thumbprint of RFC 7638."""
    key = fit_key(pem)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = thumbprint(key)
    _add(session, client_id, name, public_key=der, now=now)
    return name


def fit_key(pem: bytes) -> RSAPublicKey | EllipticCurvePublicKey:
    """A public key good enough for `private_key_jwt`; `UnfitKey` says why another is not."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise UnfitKey("the file must hold one public key in PEM") from error
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_KEY_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise UnfitKey("the key must be RSA of at least 2048 bits or on the curve P-256")


def revoke(
    session: Session, client_id: str, *, credential: str | None = None, now: datetime
) -> None:
    """Refuse a client, or one of its credentials, from the next request on."""
    client = client_named(session, client_id)
    if credential is None:
        client.revoked_at = client.revoked_at or now
        return
    wanted = select(OAuthCredential).filter_by(client_id=client_id, name=credential)
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound(f"{client_id} has no credential {credential}.")
    found.revoked_at = found.revoked_at or now


def _add(session: Session, client_id: str, name: str, *, now: datetime, **proof: bytes) -> None:
    client = client_named(session, client_id)
    if client.revoked_at is not None:
        raise Conflict(f"The client {client_id} was revoked; register another.")
    values = {"id": uuid.uuid4(), "client_id": client_id, "name": name, "created_at": now}
    if not insert_once(session, OAuthCredential, values | proof):
        raise Conflict(f"{client_id} has this key already.")
