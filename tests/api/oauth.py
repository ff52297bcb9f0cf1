"""Clients of the token endpoint, as their owners would set them up."""

from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from app.db import Database
from app.identity import clients
from app.identity.clients import Scope
from tests.api.stage import Service

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
GRANT = {"grant_type": "client_credentials"}


@dataclass(frozen=True, slots=True)
class Registered:
    """A client with a secret, and the names of its two keys."""

    client_id: str
    secret: str
    rsa_kid: str
    ec_kid: str


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as a file holds it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def register(
    service: Service, client_id: str = "epd-sync", *scopes: Scope, partner_id: Any = None
) -> Registered:
    """A client with a secret and two keys."""
    now = service.clock()

    def work(session: Session) -> Registered:
        wanted = scopes or (Scope.EPD_READ, Scope.EPD_WRITE)
        clients.add_client(session, client_id, scopes=wanted, partner_id=partner_id, now=now)
        return Registered(
            client_id,
            clients.add_secret(session, client_id, now=now),
            clients.add_key(session, client_id, pem_of(RSA_KEY), now=now),
            clients.add_key(session, client_id, pem_of(EC_KEY), now=now),
        )

    return transact(service, work)


def transact(service: Service, work: Any) -> Any:
    """Do something in the database of a service."""
    database = Database(service.deployment.database_url)
    try:
        return database.transact(work)
    finally:
        database.close()


def ask(service: Service, *, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
    """One request to the token endpoint."""
    return service.http.post("/oauth2/token", data=GRANT | form, auth=auth)


def bearer(service: Service, client: Registered, **form: str) -> dict[str, str]:
    """The headers of a client with a fresh token."""
    answer = ask(service, auth=(client.client_id, client.secret), **form)
    return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
