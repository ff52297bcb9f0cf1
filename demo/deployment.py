"""A whole deployment in one folder: keys, database, certificates, settings, shops.

Makes what a person would make by hand following the README, and leaves the service's
settings as the environment of its process. Everything in it is synthetic.
"""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy.orm import Session

from app import migrate
from app.cards import keyring
from app.db import Database
from app.identity import clients
from app.identity.clients import Scope
from app.settings import PREFIX
from app.statistics import legacy
from app.verification import partners, tills
from demo import apple_certificates, figures, google_account
from demo.identity_provider.machines import MACHINES
from demo.officials import CARD_OFFICE

PASS_TYPE_IDENTIFIER = "pass.example.lerarenkaart"  # noqa: S105 - a public name
TEAM_IDENTIFIER = "DEMO123456"
GOOGLE_ISSUER_ID = "3388000000099999999"
MAIL_SENDER = "Lerarenkaart <noreply@kaart.example>"
CLIENT_ID = "lerarenkaart-demo"
SYNC_CLIENT_ID = "epd-sync"
SHOPS = {
    "museum": ("Museum aan de Stroom (demo)", partners.Place("2000", 51.2289, 4.4050)),
    "bookshop": ("Boekhandel De Reiger (demo)", partners.Place("9000", 51.0543, 3.7174)),
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everybody in this world answers."""

    service: str
    identity_provider: str
    epd: str
    google: str
    # Nobody answers there unless this world has a push service.
    apns: str = "https://localhost:1"
    # The port of the mail server on this machine, if this world has one.
    mail_port: int | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """A partner's till and its two keys."""

    name: str
    live_key: str
    test_key: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Apple, Google, the log-in and the personnel file know the service by."""

    apple: apple_certificates.Files
    apns: apple_certificates.ServerFiles
    google_account: Path
    login_key: Path
    epd_secret: str
    # The other way round: what the job of the personnel file proves itself to us with.
    sync_key: Path


@dataclass(frozen=True, slots=True)
class Deployment:
    """One folder with its key ring in `keys`, a database, and the settings of its service."""

    directory: Path
    database_url: str
    addresses: Addresses
    credentials: Credentials
    shops: Mapping[str, Shop]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the service's process: this world's settings and no others."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return own | {f"{PREFIX}{name}": str(value) for name, value in self.settings.items()}

    @property
    def settings(self) -> dict[str, str | Path]:
        """The service's settings, without their prefix."""
        credentials = self.credentials
        mail: dict[str, str | Path] = {}
        if self.addresses.mail_port:
            mail = {
                "SMTP_HOST": "localhost",
                "SMTP_PORT": str(self.addresses.mail_port),
                "SMTP_SENDER": MAIL_SENDER,
                "SMTP_ROOT_FILE": credentials.apns.root,
            }
        return {
            **mail,
            "ENVIRONMENT": "demo",
            "DATABASE_URL": self.database_url,
            "PUBLIC_URL": self.addresses.service,
            "KEY_DIRECTORY": self.directory / "keys",
            "OIDC_ISSUER": f"{self.addresses.identity_provider}/op",
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_KEY_FILE": credentials.login_key,
            "OFFICE_ORGANISATIONS": CARD_OFFICE,
            "EPD_ORGANISATIONS": MACHINES[0].organisation or "",
            "EPD_BASE_URL": self.addresses.epd,
            "EPD_TOKEN_URL": f"{self.addresses.epd}/op/v1/token",
            "EPD_CLIENT_ID": CLIENT_ID,
            "EPD_CLIENT_SECRET": credentials.epd_secret,
            "APPLE_PASS_TYPE_IDENTIFIER": PASS_TYPE_IDENTIFIER,
            "APPLE_TEAM_IDENTIFIER": TEAM_IDENTIFIER,
            "APPLE_CERTIFICATE_FILE": credentials.apple.certificate,
            "APPLE_WWDR_FILE": credentials.apple.wwdr,
            "APNS_BASE_URL": self.addresses.apns,
            "APNS_ROOT_FILE": credentials.apns.root,
            "GOOGLE_ISSUER_ID": GOOGLE_ISSUER_ID,
            "GOOGLE_SERVICE_ACCOUNT_FILE": credentials.google_account,
            "GOOGLE_WALLET_BASE_URL": self.addresses.google,
            "GOOGLE_SAVE_URL": f"{self.addresses.google}/gp/v/save",
            "GOOGLE_KEYS_URL": f"{self.addresses.google}/gp/m/issuer/keys",
        }


def prepare(
    directory: Path, addresses: Addresses, *, database_url: str | None = None, now: datetime
) -> Deployment:
    """Make a deployment in an empty folder."""
    directory.mkdir(parents=True)
    database_url = database_url or f"sqlite:///{directory / 'lerarenkaart.sqlite3'}"
    migrate.upgrade(database_url)
    _tell_old_figures(database_url, now=now)
    keyring.init(directory / "keys", environment="demo", now=now)
    credentials = make_credentials(directory, addresses, now=now)
    admit_sync_job(database_url, credentials, now=now)
    return Deployment(
        directory=directory,
        database_url=database_url,
        addresses=addresses,
        credentials=credentials,
        shops=open_shops(database_url, now=now),
    )


def _tell_old_figures(database_url: str, *, now: datetime) -> None:
    """What parliament was told before there was a digital card, and a made-up year with one."""
    text = legacy.FILE.read_text("utf-8")
    with closing(Database(database_url)) as database:
        database.transact(lambda session: legacy.import_legacy(session, text, now=now))
        database.transact(lambda session: figures.last_year(session, now.year - 1, now=now))


def make_credentials(directory: Path, addresses: Addresses, *, now: datetime) -> Credentials:
    """Make what others know the service by; it serves any number of deployments."""
    return Credentials(
        apple=apple_certificates.create(
            directory / "apple",
            pass_type_identifier=PASS_TYPE_IDENTIFIER,
            team_identifier=TEAM_IDENTIFIER,
            now=now,
        ),
        apns=apple_certificates.create_server(directory / "apple", now=now),
        google_account=google_account.create(directory, f"{addresses.google}/token"),
        login_key=_login_key(directory / "login-key.pem"),
        epd_secret=os.urandom(24).hex(),
        sync_key=_login_key(directory / "sync-key.pem"),
    )


def admit_sync_job(database_url: str, credentials: Credentials, *, now: datetime) -> None:
    """Register the job of the personnel file, with its public key, in a migrated database."""
    private = load_pem_private_key(credentials.sync_key.read_bytes(), None)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def work(session: Session) -> None:
        scopes = (Scope.EPD_READ, Scope.EPD_WRITE)
        clients.add_client(session, SYNC_CLIENT_ID, scopes=scopes, now=now)
        clients.add_key(session, SYNC_CLIENT_ID, pem, now=now)

    with closing(Database(database_url)) as database:
        database.transact(work)


def open_shops(database_url: str, *, now: datetime) -> dict[str, Shop]:
    """Register the shops in a migrated database, a till with two keys each."""
    with closing(Database(database_url)) as database:
        return {
            key: database.transact(partial(_shop, name=name, place=place, now=now))
            for key, (name, place) in SHOPS.items()
        }


def _shop(session: Session, *, name: str, place: partners.Place, now: datetime) -> Shop:
    partner = partners.add_partner(session, name, category="demo", now=now)
    till = partners.add_till(session, partner, "1", place=place, now=now)
    live, test = (tills.new_key(session, till, test=test, now=now) for test in (False, True))
    return Shop(name, live, test)


def _login_key(path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path
