"""One deployment: its settings and files, judged whole, and the long-lived things made of them.

Knows which setting and which file becomes which part; hides it from the processes, which open
what they need and close it again. `Deployment.load` opens nothing and names every fault at
once, so that nobody mends a configuration one start at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from app.cards.entitlement import Policy
from app.cards.keyring import KeyFault, KeyRing
from app.client_authentication import ClientKey, ClientSecret, load_client_key
from app.db import Database
from app.epd.client import EpdClient
from app.epd.patience import Patience
from app.identity.oidc import OidcClient
from app.identity.registration import Registration
from app.identity.roles import Role, RoleBook
from app.notices.post import Relay
from app.passes.apple.apns import SHARE_OF_SIGNING, Apns
from app.passes.apple.certificates import Certificates
from app.passes.apple.passes import ApplePasses
from app.passes.apple.signature import signatures_per_s
from app.passes.google.account import ServiceAccount
from app.passes.google.callbacks import GoogleCallbacks
from app.passes.google.client import BURST as GOOGLE_BURST
from app.passes.google.client import GoogleWallet
from app.passes.google.passes import GooglePasses, class_id
from app.passes.google.root_keys import GoogleKeys
from app.passes.pace import Rate, SharedPace
from app.settings import PREFIX, Settings, StartRefused

ORGANIZATION = "Lerarenkaart"
# Who asks, in the personnel file's own log.
ENDUSER_ID = "lerarenkaart"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A configuration that may run; every file it names was read and found good."""

    settings: Settings
    ring: KeyRing
    certificates: Certificates
    google_account: ServiceAccount
    registration: Registration

    @classmethod
    def load(cls, settings: Settings, *, now: datetime) -> Self:
        """Read and judge everything; `StartRefused` names all that is wrong."""
        faults = settings.faults()
        ring = KeyRing(settings.key_directory)
        with _noted(faults):
            made_for = ring.keys.environment
            if made_for != settings.environment:
                faults.append(f"the key ring was made for {made_for}, not {settings.environment}")
        with _noted(faults):
            certificates = _certificates(settings, now=now)
            if not (settings.is_demo or certificates.issued_by_apple):
                faults.append("the WWDR certificate is not Apple's: phones would refuse every pass")
        with _noted(faults):
            path = _given(settings.google_service_account_file, "GOOGLE_SERVICE_ACCOUNT_FILE")
            google_account = ServiceAccount.load(path)
        with _noted(faults):
            registration = _registration(settings)
        if faults:
            raise StartRefused(list(dict.fromkeys(faults)))
        return cls(settings, ring, certificates, google_account, registration)

    def warnings(self) -> list[str]:
        """What works but is worth a word at the start."""
        return [*self.settings.warnings(), *self.certificates.warnings()]

    @property
    def policy(self) -> Policy:
        """The numbers of the entitlement that an operator may change."""
        return Policy(
            grace_days=self.settings.grace_days, summer_bridge=self.settings.summer_bridge
        )

    def database(self) -> Database:
        """The database; whoever asks closes it, as with each of the clients below."""
        return Database(self.settings.database_url, pool_size=self.settings.database_pool_size)

    def oidc(self) -> OidcClient:
        """The log-in of the government."""
        return OidcClient(self.registration)

    def epd(self, patience: Patience = Patience()) -> EpdClient:  # noqa: B008 - frozen
        """The personnel file; the patience is that of a teacher who waits."""
        return EpdClient(
            base_url=self.settings.epd_base_url,
            token_url=self.settings.epd_token_url,
            client_id=self.settings.epd_client_id,
            authentication=ClientSecret(self.settings.epd_client_secret.get_secret_value()),
            enduser_id=ENDUSER_ID,
            patience=patience,
        )

    def google_wallet(
        self, database: Database, *, left_free: int = 0, clock: Callable[[], datetime]
    ) -> GoogleWallet:
        """Google Wallet, under our service account, at the pace that all processes share.

        Who can wait leaves turns free for teachers who cannot.
        """
        rate = Rate(self.settings.google_requests_per_s, GOOGLE_BURST)
        return GoogleWallet(
            self.google_account,
            base_url=self.settings.google_wallet_base_url,
            save_url=self.settings.google_save_url,
            origins=[self.settings.public_url],
            pace=SharedPace(database, "google", rate, left_free=left_free, clock=clock),
        )

    def google_passes(self, wallet: GoogleWallet) -> GooglePasses:
        """Our passes there."""
        return GooglePasses(
            wallet, issuer_id=self.settings.google_issuer_id, public_url=self.settings.public_url
        )

    def google_keys(self) -> GoogleKeys:
        """The keys by which Google's callbacks are known."""
        return GoogleKeys(self.settings.google_keys_url)

    def google_callbacks(self, database: Database, keys: GoogleKeys) -> GoogleCallbacks:
        """What Google tells us of its own accord."""
        issuer_id = self.settings.google_issuer_id
        return GoogleCallbacks(database, keys, issuer_id=issuer_id, class_id=class_id(issuer_id))

    def apns(self) -> Apns:
        """Apple's push service, at a pace that the downloads that follow can keep up with."""
        return Apns(
            self.settings.apns_base_url,
            self.certificates,
            root_file=self.settings.apns_root_file,
            pushes_per_s=SHARE_OF_SIGNING * signatures_per_s(self.certificates.key),
        )

    def relay(self) -> Relay | None:
        """The mail server for notices, if there is one."""
        settings = self.settings
        if not settings.smtp_host:
            return None
        return Relay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            sender=settings.smtp_sender,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
            root_file=settings.smtp_root_file,
        )

    def apple_passes(self) -> ApplePasses:
        """Our passes for Apple Wallet, which need nobody to be made."""
        return ApplePasses(
            self.certificates,
            organization_name=ORGANIZATION,
            public_url=self.settings.public_url,
            web_service_url=f"{self.settings.public_url}/apple",
        )


@contextmanager
def _noted(faults: list[str]) -> Iterator[None]:
    """Go on after what cannot be loaded, so that the other faults are found too."""
    try:
        yield
    except OSError as fault:
        faults.append(f"{fault.filename} cannot be read: {fault.strerror}")
    except (KeyFault, ValueError) as fault:
        faults += str(fault).splitlines()


def _given(path: Path | None, name: str) -> Path:
    if path is None:
        raise ValueError(f"{PREFIX}{name} is not set")
    return path


def _certificates(settings: Settings, *, now: datetime) -> Certificates:
    certificate = _given(settings.apple_certificate_file, "APPLE_CERTIFICATE_FILE")
    wwdr = _given(settings.apple_wwdr_file, "APPLE_WWDR_FILE")
    password = settings.apple_key_password.get_secret_value()
    return Certificates.load(
        certificate.read_bytes(),
        (settings.apple_key_file or certificate).read_bytes(),
        wwdr.read_bytes(),
        pass_type_identifier=settings.apple_pass_type_identifier,
        team_identifier=settings.apple_team_identifier,
        password=password.encode() or None,
        now=now,
    )


def _registration(settings: Settings) -> Registration:
    return Registration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        authentication=_login_authentication(settings),
        redirect_uri=f"{settings.public_url}/callback",
        post_logout_redirect_uri=f"{settings.public_url}/logged-out",
        accepted_acr=frozenset(settings.oidc_accepted_acr),
        step_up_acr=frozenset(settings.oidc_step_up_acr),
        machine_organisations=frozenset(settings.epd_organisations.split()),
        roles=RoleBook(
            application=settings.oidc_application,
            names={
                settings.role_personnel: Role.PERSONNEL,
                settings.role_partner: Role.PARTNER,
                settings.role_viewer: Role.VIEWER,
                settings.role_support: Role.SUPPORT,
                settings.role_issuer: Role.ISSUER,
                settings.role_security: Role.SECURITY,
            },
            office_organisations=frozenset(settings.office_organisations.split()),
        ),
    )


def _login_authentication(settings: Settings) -> ClientSecret | ClientKey:
    if settings.oidc_client_auth == "client_secret_basic":
        return ClientSecret(settings.oidc_client_secret.get_secret_value())
    return load_client_key(
        _given(settings.oidc_client_key_file, "OIDC_CLIENT_KEY_FILE").read_bytes(),
        key_id=settings.oidc_client_key_id,
        audience=settings.oidc_assertion_audience or settings.oidc_issuer,
    )
