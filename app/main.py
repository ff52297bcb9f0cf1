"""The web process: everything long-lived is built here, once, and handed to who needs it.

`create_app(settings)` refuses a deployment that must not run, naming all faults at once; the
lifespan opens the house and closes it again.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app import metrics
from app.api import (
    about,
    activity,
    apple,
    benefits,
    camera,
    counts,
    deps,
    epd,
    google,
    handoff,
    live_card,
    login,
    me,
    my_passes,
    notices,
    oauth,
    office,
    office_api,
    office_offers,
    office_partners,
    office_service_api,
    office_waiting,
    office_watch,
    openapi,
    operations,
    paper,
    partner,
    partner_pages,
    privacy,
    problems,
    roster,
    roster_api,
    sandbox,
    scanner,
    statistics,
    teacher,
    verifications,
    webshop_codes,
)
from app.api.deps import House
from app.api.envelope import Envelope
from app.api.limits import Limits
from app.api.quotas import Quotas
from app.deployment import Deployment
from app.identity.access_tokens import verifiers
from app.issuing import Issuing
from app.retention.terms import terms
from app.settings import Settings
from app.verification.offline import OfflineLists
from app.verification.recorder import Recorder
from app.verification.verdict import Reason
from app.web.pages import Pages
from app.web.texts import Texts
from app.web.verdict_texts import verdict_message

STATIC = Path(__file__).parent / "web" / "static"

log = structlog.get_logger()


class State(TypedDict):
    """What the lifespan gives every request."""

    house: House


def create_app(settings: Settings) -> FastAPI:
    """The whole application; nothing is opened before its lifespan begins."""
    deployment = Deployment.load(settings, now=deps.clock())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        for warning in deployment.warnings():
            log.warning("settings", warning=warning)
        with ExitStack() as open_:
            open_.enter_context(metrics.served(settings.metrics_host, settings.metrics_port))
            yield {"house": _open(deployment, open_)}

    # No redirect to the address without a final slash: it would lead to whatever Host is sent.
    app = _routes(
        FastAPI(
            lifespan=lifespan,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            **openapi.ABOUT,
        )
    )
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
    # First, so that no other address is compared before it.
    app.router.routes.insert(0, verifications.ROUTE)
    for router in (
        login.router,
        teacher.router,
        live_card.router,
        live_card.offline,
        live_card.twin,
        webshop_codes.router,
        paper.router,
        activity.router,
        me.router,
        my_passes.router,
        notices.router,
        notices.links,
        privacy.router,
        privacy.pages,
        handoff.router,
        handoff.phone,
        about.pages,
        counts.router,
        partner.router,
        sandbox.router,
        sandbox.pages,
        scanner.router,
        oauth.router,
        roster.router,
        roster_api.router,
        epd.router,
        epd.published,
        camera.router,
        benefits.router,
        benefits.pages,
        apple.router,
        google.router,
        statistics.router,
        office.router,
        office_api.router,
        office_waiting.pages,
        office_partners.router,
        office_offers.router,
        partner_pages.router,
        office_watch.router,
        office_service_api.router,
        office_waiting.router,
        operations.router,
        operations.pages,
    ):
        app.include_router(router)
    # The fingerprint in the address changes with the files, so browsers may keep them for ever.
    app.mount("/static/{fingerprint}", StaticFiles(directory=STATIC), name="static")
    openapi.install(app)
    return app


def _open(deployment: Deployment, open_: ExitStack) -> House:
    settings, ring = deployment.settings, deployment.ring
    database = open_.enter_context(closing(deployment.database()))
    wallet = open_.enter_context(closing(deployment.google_wallet(database, clock=deps.clock)))
    recorder = Recorder(
        database,
        ring,
        code_base=settings.code_base,
        superseded=settings.superseded,
        partners_of=verifiers,
    )
    recorder.start()
    open_.callback(recorder.stop)
    apple_passes = deployment.apple_passes()
    google_keys = open_.enter_context(closing(deployment.google_keys()))
    texts = Texts.load()
    return House(
        public_url=settings.public_url,
        code_base=settings.code_base,
        superseded=settings.superseded,
        step_up_acr=deployment.registration.step_up_acr,
        database=database,
        ring=ring,
        policy=deployment.policy,
        recorder=recorder,
        offline_lists=OfflineLists(database, ring, issuer=settings.public_url),
        oidc=open_.enter_context(closing(deployment.oidc())),
        issuing=Issuing(
            database,
            ring,
            epd=open_.enter_context(closing(deployment.epd())),
            apple=apple_passes,
            google=deployment.google_passes(wallet),
            policy=deployment.policy,
            code_base=settings.code_base,
        ),
        apple=apple_passes,
        certificates=deployment.certificates,
        google_callbacks=deployment.google_callbacks(database, google_keys),
        limits=Limits(settings.rate_limit_storage),
        quotas=Quotas(settings.checks_per_minute),
        terms=terms(scan_link_days=settings.scan_link_days),
        notices_offered=bool(settings.smtp_host),
        small_cell=settings.small_cell,
        pages=Pages(
            texts,
            environment_name=settings.environment,
            notices_offered=bool(settings.smtp_host),
        ),
        texts=texts,
        verdict_messages={reason: texts.in_four(verdict_message(reason)) for reason in Reason},
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
