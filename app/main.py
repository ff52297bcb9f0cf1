"""The web process: everything long-lived is built here, once, and handed to who needs it.

`create_app(settings)` refuses a configuration that production must not run with, naming
all faults at once; the lifespan opens the house and closes it again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

import structlog
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.api import camera, openapi, operations, partner, problems
from app.api.deps import House
from app.api.envelope import Envelope
from app.api.limits import Limits
from app.cards.keyring import KeyFault, KeyRing
from app.db import Database
from app.settings import ProductionRefused, Settings
from app.verification.recorder import Recorder
from app.web.pages import Pages
from app.web.texts import Texts

STATIC = Path(__file__).parent / "web" / "static"

log = structlog.get_logger()


class State(TypedDict):
    """What the lifespan gives every request."""

    house: House


def create_app(settings: Settings) -> FastAPI:
    """The whole application; nothing is opened before its lifespan begins."""
    _refuse_faults(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        for warning in settings.warnings():
            log.warning("settings", warning=warning)
        house = _open(settings)
        house.recorder.start()
        try:
            yield {"house": house}
        finally:
            house.recorder.stop()
            house.database.close()

    app = _routes(FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, **openapi.ABOUT))
    problems.install(app)
    app.add_middleware(Envelope, https=settings.public_url.startswith("https://"))
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document of the application, which needs no deployment to be known."""
    return _routes(FastAPI(**openapi.ABOUT)).openapi()


def _routes(app: FastAPI) -> FastAPI:
    for router in (partner.router, camera.router, operations.router, operations.pages):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    openapi.install(app)
    return app


def _open(settings: Settings) -> House:
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    ring = KeyRing(settings.key_directory)
    texts = Texts.load()
    recorder = Recorder(
        database, ring, code_base=settings.code_base, superseded=settings.superseded
    )
    return House(
        public_url=settings.public_url,
        code_base=settings.code_base,
        superseded=settings.superseded,
        database=database,
        ring=ring,
        recorder=recorder,
        limits=Limits(settings.rate_limit_storage),
        pages=Pages(texts, environment_name=settings.environment),
        texts=texts,
    )


def _refuse_faults(settings: Settings) -> None:
    faults = settings.faults()
    try:
        keys = KeyRing(settings.key_directory).keys
    except KeyFault as fault:
        faults.append(str(fault))
    else:
        if keys.environment != settings.environment:
            faults.append(f"the key ring was made for {keys.environment}, not for production")
    if faults:
        raise ProductionRefused(faults)
