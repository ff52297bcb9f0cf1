"""The web process: everything long-lived is built here, once, and handed to who needs it.

`create_app(settings)` refuses a configuration that production must not run with, naming
all faults at once; the lifespan opens the house and closes it again.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.api import camera, deps, login, openapi, operations, partner, problems, teacher
from app.api.deps import House
from app.api.envelope import Envelope
from app.api.limits import Limits
from app.cards.entitlement import Policy
from app.cards.keyring import KeyFault, KeyRing
from app.client_authentication import ClientKey, ClientSecret, load_client_key
from app.db import Database
from app.epd.client import EpdClient
from app.identity.oidc import OidcClient
from app.identity.registration import Registration
from app.issuing import Issuing
from app.passes.apple import ApplePasses
from app.passes.certificates import CertificateFault, Certificates
from app.passes.google import GoogleWallet
from app.passes.google_account import ServiceAccount
from app.passes.google_passes import GooglePasses
from app.settings import Settings, StartRefused
from app.verification.recorder import Recorder
from app.web.pages import Pages
from app.web.texts import Texts

STATIC = Path(__file__).parent / "web" / "static"
ORGANIZATION = "Lerarenkaart"

log = structlog.get_logger()


class State(TypedDict):
    """What the lifespan gives every request."""

    house: House


def create_app(settings: Settings) -> FastAPI:
    """The whole application; nothing is opened before its lifespan begins."""
    ring = KeyRing(settings.key_directory)
    faults = settings.faults() + _key_faults(settings, ring)
    try:
        certificates = _certificates(settings, now=deps.now())
        if not (settings.is_demo or certificates.issued_by_apple):
            faults.append("the WWDR certificate is not Apple's: phones would refuse every pass")
    except (CertificateFault, OSError) as fault:
        faults += str(fault).splitlines()
    try:
        account = ServiceAccount.load(_path(settings.google_service_account_file))
    except (ValueError, OSError) as fault:
        faults.append(str(fault))
    if faults:
        raise StartRefused(faults)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        for warning in (*settings.warnings(), *certificates.warnings()):
            log.warning("settings", warning=warning)
        with ExitStack() as open_:
            yield {"house": _open(settings, ring, certificates, account, open_)}

    app = _routes(FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, **openapi.ABOUT))
    problems.install(app)
    elsewhere = {_origin(settings.oidc_issuer), _origin(settings.google_save_url)}
    app.add_middleware(
        Envelope, https=settings.public_url.startswith("https://"), forms_lead_to=elsewhere
    )
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document of the application, which needs no deployment to be known."""
    return _routes(FastAPI(**openapi.ABOUT)).openapi()


def _routes(app: FastAPI) -> FastAPI:
    for router in (
        login.router,
        teacher.router,
        partner.router,
        camera.router,
        operations.router,
        operations.pages,
    ):
        app.include_router(router)
    # The fingerprint in the address changes with the files, so browsers may keep them for ever.
    app.mount("/static/{fingerprint}", StaticFiles(directory=STATIC), name="static")
    openapi.install(app)
    return app


def _open(
    settings: Settings,
    ring: KeyRing,
    certificates: Certificates,
    account: ServiceAccount,
    open_: ExitStack,
) -> House:
    database = open_.enter_context(
        closing(Database(settings.database_url, pool_size=settings.database_pool_size))
    )
    wallet = GoogleWallet(
        account,
        base_url=settings.google_wallet_base_url,
        save_url=settings.google_save_url,
        origins=[settings.public_url],
    )
    texts = Texts.load()
    recorder = Recorder(
        database, ring, code_base=settings.code_base, superseded=settings.superseded
    )
    recorder.start()
    open_.callback(recorder.stop)
    return House(
        public_url=settings.public_url,
        code_base=settings.code_base,
        superseded=settings.superseded,
        database=database,
        ring=ring,
        recorder=recorder,
        oidc=open_.enter_context(closing(_oidc(settings))),
        issuing=Issuing(
            database,
            ring,
            epd=open_.enter_context(closing(_epd(settings))),
            apple=ApplePasses(
                certificates, organization_name=ORGANIZATION, public_url=settings.public_url
            ),
            google=GooglePasses(
                open_.enter_context(closing(wallet)),
                issuer_id=settings.google_issuer_id,
                public_url=settings.public_url,
            ),
            policy=Policy(grace_days=settings.grace_days, summer_bridge=settings.summer_bridge),
            code_base=settings.code_base,
        ),
        certificates=certificates,
        limits=Limits(settings.rate_limit_storage),
        pages=Pages(texts, environment_name=settings.environment),
        texts=texts,
    )


def _oidc(settings: Settings) -> OidcClient:
    secret = settings.oidc_client_secret.get_secret_value()
    authentication: ClientSecret | ClientKey = ClientSecret(secret)
    if settings.oidc_client_auth == "private_key_jwt":
        authentication = load_client_key(
            _path(settings.oidc_client_key_file).read_bytes(),
            key_id=settings.oidc_client_key_id,
            audience=settings.oidc_assertion_audience or settings.oidc_issuer,
        )
    return OidcClient(
        Registration(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            authentication=authentication,
            redirect_uri=f"{settings.public_url}/callback",
            post_logout_redirect_uri=f"{settings.public_url}/logged-out",
            accepted_acr=frozenset(settings.oidc_accepted_acr),
        )
    )


def _epd(settings: Settings) -> EpdClient:
    return EpdClient(
        base_url=settings.epd_base_url,
        token_url=settings.epd_token_url,
        client_id=settings.epd_client_id,
        authentication=ClientSecret(settings.epd_client_secret.get_secret_value()),
        enduser_id="lerarenkaart",
    )


def _certificates(settings: Settings, *, now: datetime) -> Certificates:
    certificate = _path(settings.apple_certificate_file)
    password = settings.apple_key_password.get_secret_value()
    return Certificates.load(
        certificate.read_bytes(),
        (settings.apple_key_file or certificate).read_bytes(),
        _path(settings.apple_wwdr_file).read_bytes(),
        pass_type_identifier=settings.apple_pass_type_identifier,
        team_identifier=settings.apple_team_identifier,
        password=password.encode() or None,
        now=now,
    )


def _key_faults(settings: Settings, ring: KeyRing) -> list[str]:
    try:
        made_for = ring.keys.environment
    except KeyFault as fault:
        return [str(fault)]
    if made_for == settings.environment:
        return []
    return [f"the key ring was made for {made_for}, this is {settings.environment}"]


def _path(path: Path | None) -> Path:
    """A file that must be set; a missing one is named together with every other fault."""
    return path or Path("(not set)")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
