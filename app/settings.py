"""What a deployment can set, read once from the environment.

Knows names, defaults and what production must not run with. Only where a process begins is this
imported (`cli`, `asgi`, `main`, `deployment`, migrations); rooms get plain values. Every setting
has the prefix `LERARENKAART_`; a secret can also be given as a file, in `LERARENKAART_<NAME>_FILE`.
"""

import os
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LERARENKAART_"
# A host of at most 22 characters keeps the QR at version 7, with tail 8 (docs/card-token.md).
MAX_CODE_HOST = 22
MIN_SECRET_LENGTH = 32


class StartRefused(Exception):
    """Everything that keeps this configuration from running, all at once."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n- ".join(["the service refuses to start:", *faults]))


class Settings(BaseSettings):
    """The settings of one deployment; frozen, so nobody can lean on changing them later."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    environment: Literal["demo", "production"] = "production"
    database_url: str = "sqlite:///var/lerarenkaart.sqlite3"
    database_pool_size: int = Field(default=10, ge=2)
    public_url: str = "http://localhost:8000"
    code_base: str = ""
    key_directory: Path = Path("var/keys")
    # Where what takes cards away is written down beside the database; by default with the keys.
    revocation_journal: Path | None = None
    trusted_proxies: str = ""
    # Where this process tells its figures (`/metrics`); for those inside only, and none by default.
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    metrics_host: str = "127.0.0.1"
    rate_limit_storage: str = "memory://"

    oidc_issuer: str = "https://authenticatie.vlaanderen.be/op"
    oidc_client_id: str = ""
    oidc_client_auth: Literal["private_key_jwt", "client_secret_basic"] = "private_key_jwt"
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_client_key_file: Path | None = None
    oidc_client_key_id: str = ""
    oidc_assertion_audience: str = ""
    # Means of authentication of level substantial or high at the Flemish log-in.
    oidc_accepted_acr: tuple[str, ...] = tuple(
        f"urn:be:vlaanderen:authmech:{means}"
        for means in ("eid", "eidashigh", "itsme", "csamtotp", "csamsms", "eidassubstantial")
    )

    # Those of level high: for what officials do that does harm in wrong hands.
    oidc_step_up_acr: tuple[str, ...] = tuple(
        f"urn:be:vlaanderen:authmech:{means}" for means in ("eid", "eidashigh", "itsme")
    )
    # A scope, and the beginning of the claim `<application>_rol_3d` with the roles of officials.
    oidc_application: str = "lerarenkaart"
    role_personnel: str = "LerarenkaartPersoneelsdienst"
    role_partner: str = "LerarenkaartPartner"
    role_viewer: str = "LerarenkaartInzage"
    role_support: str = "LerarenkaartHelpdesk"
    role_issuer: str = "LerarenkaartUitgifte"
    role_security: str = "LerarenkaartVeiligheid"
    # OVO codes, separated by spaces, of the organisations whose people are the card office.
    office_organisations: str = ""
    # Whose machines may push statuses with access tokens of the log-in's own server, asked about
    # by introspection; empty: only with ours.
    epd_organisations: str = ""

    epd_base_url: str = ""
    epd_token_url: str = ""
    epd_client_id: str = ""
    epd_client_secret: SecretStr = SecretStr("")

    apple_pass_type_identifier: str = ""
    apple_team_identifier: str = ""
    apple_certificate_file: Path | None = None
    apple_key_file: Path | None = None
    apple_key_password: SecretStr = SecretStr("")
    apple_wwdr_file: Path | None = None
    apns_base_url: str = "https://api.push.apple.com"
    # Vouches for a simulated push service; Apple's own needs none.
    apns_root_file: Path | None = None

    google_issuer_id: str = ""
    google_service_account_file: Path | None = None
    google_wallet_base_url: str = "https://walletobjects.googleapis.com"
    google_save_url: str = "https://pay.google.com/gp/v/save"
    # Google grants an issuer 20 in any second; ask for more there before raising this.
    google_requests_per_s: float = Field(default=14.0, gt=0)
    google_keys_url: str = "https://pay.google.com/gp/m/issuer/keys"

    # The mail server for notices to holders who ask for them; without a host none are offered.
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_sender: str = ""
    # Vouches for a mail server with a certificate of our own; others need none.
    smtp_root_file: Path | None = None

    grace_days: int = Field(default=30, ge=0, le=366)
    summer_bridge: bool = True
    # What one source may take from the holders of active cards within a day without two people.
    mass_change_brake_percent: float = Field(default=2.0, ge=0, le=100)
    # Of one partner, and from one address, at each web process.
    checks_per_minute: int = Field(default=12_000, ge=1)
    superseded: Literal["soft", "strict"] = "soft"
    scan_link_days: int = Field(default=90, ge=1, le=366)
    # Published counts below this are hidden; less than 3 would hide nobody.
    small_cell: int = Field(default=5, ge=3)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - whatever pydantic accepts
        super().__init__(**(_secrets_from_files() | values))

    @field_validator("public_url")
    @classmethod
    def _no_final_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _derived(self) -> Self:
        base = (self.code_base or self.public_url).rstrip("/").upper()
        object.__setattr__(self, "code_base", base)
        return self

    @property
    def is_demo(self) -> bool:
        """Whether this is the demonstration with its simulated outside world."""
        return self.environment == "demo"

    @property
    def journal_file(self) -> Path:
        """The revocation journal of this machine."""
        return self.revocation_journal or self.key_directory / "revocation-journal"

    def warnings(self) -> list[str]:
        """What works but is worth a word at the start."""
        host = urlsplit(self.code_base).netloc
        if len(host) <= MAX_CODE_HOST:
            return []
        grown = f"CODE_BASE has a host of {len(host)} characters, over {MAX_CODE_HOST}"
        return [f"{grown}: the QR code grows and old scanners read it less well"]

    def faults(self) -> list[str]:
        """What production must not run with, as sentences; keys are judged where loaded."""
        if self.is_demo:
            return []
        faults = [
            f"{PREFIX}{name} must be an https URL"
            for name, url in self._urls().items()
            if not url.startswith("https://")
        ]
        if "*" in self.trusted_proxies:
            faults.append(f"{PREFIX}TRUSTED_PROXIES trusts what anybody says of their address")
        faults += [
            f"{PREFIX}{name} is not set" for name, value in self._required().items() if not value
        ]
        faults += [
            f"{PREFIX}{name} is a default or too short (at least {MIN_SECRET_LENGTH} characters)"
            for name, secret in self._secrets().items()
            if _weak(secret)
        ]
        return faults

    def _urls(self) -> dict[str, str]:
        return {
            "PUBLIC_URL": self.public_url,
            "CODE_BASE": self.code_base.lower(),
            "OIDC_ISSUER": self.oidc_issuer,
            "EPD_BASE_URL": self.epd_base_url,
            "EPD_TOKEN_URL": self.epd_token_url,
            "APNS_BASE_URL": self.apns_base_url,
            "GOOGLE_WALLET_BASE_URL": self.google_wallet_base_url,
            "GOOGLE_KEYS_URL": self.google_keys_url,
        }

    def _required(self) -> dict[str, object]:
        required: dict[str, object] = {
            "OIDC_CLIENT_ID": self.oidc_client_id,
            "EPD_CLIENT_ID": self.epd_client_id,
            "APPLE_PASS_TYPE_IDENTIFIER": self.apple_pass_type_identifier,
            "APPLE_TEAM_IDENTIFIER": self.apple_team_identifier,
            "APPLE_CERTIFICATE_FILE": self.apple_certificate_file,
            "APPLE_WWDR_FILE": self.apple_wwdr_file,
            "GOOGLE_ISSUER_ID": self.google_issuer_id,
            "GOOGLE_SERVICE_ACCOUNT_FILE": self.google_service_account_file,
        }
        if self.smtp_host:
            required["SMTP_SENDER"] = self.smtp_sender
        if self.oidc_client_auth == "private_key_jwt":
            required["OIDC_CLIENT_KEY_FILE"] = self.oidc_client_key_file
        return required

    def _secrets(self) -> dict[str, SecretStr]:
        secrets = {"EPD_CLIENT_SECRET": self.epd_client_secret}
        if self.oidc_client_auth == "client_secret_basic":
            secrets["OIDC_CLIENT_SECRET"] = self.oidc_client_secret
        return secrets


def _weak(secret: SecretStr) -> bool:
    value = secret.get_secret_value()
    return len(value) < MIN_SECRET_LENGTH or "demo" in value.lower() or "change" in value.lower()


def _secrets_from_files() -> dict[str, str]:
    """Values of `<NAME>_FILE` variables whose plain name is a secret setting."""
    values = {}
    for name, field in Settings.model_fields.items():
        path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
        if field.annotation is SecretStr and path:
            values[name] = Path(path).read_text("utf-8").strip()
    return values
