"""The service as it is, and as it must never be: each planted fault is a factory for uvicorn.

A fault lives in a subclass of a public class and comes in where the lifespan hands the house
to the requests; everything around it is the product. Every one of these was once somebody's
good idea for speed or friendliness.
"""

import asyncio
import queue
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from importlib import import_module
from typing import ClassVar, cast

from fastapi import FastAPI
from sqlalchemy.orm import Session

from app.db import Database, Result, uuid7
from app.errors import Unavailable
from app.main import State
from app.verification.look import look
from app.verification.recorder import Presentation, Recorder
from app.verification.verdict import Verdict
from app.verification.verify import examine

COMMIT_EVERY_S = 1.0
REMEMBERED_S = 5.0
FEW = 64


def honest() -> FastAPI:
    """The product itself, as a server imports it."""
    return cast("FastAPI", import_module("app.asgi").app)


class CommitsLater(Database):
    """Collects what it answered, and commits it together a moment later."""

    _open: Session | None = None
    _opened_at_s = 0.0

    def transact(self, work: Callable[[Session], Result]) -> Result:
        """Answer before the commit."""
        if self._open is None:
            self._open = Session(self.engine.execution_options(writes=True))
            self._opened_at_s = time.monotonic()
        result = work(self._open)
        if time.monotonic() - self._opened_at_s > COMMIT_EVERY_S:
            self._commit()
        return result

    def close(self) -> None:
        """Lose nothing at an orderly end."""
        self._commit()
        super().close()

    def _commit(self) -> None:
        if self._open is not None:
            self._open.commit()
            self._open.close()
            self._open = None


class Looking(Recorder):
    """Can also tell what a code is worth without recording anything."""

    def look(self, presentation: Presentation) -> Verdict:
        """A verdict nobody will find again, under a number as if one could."""
        keys = self._ring.keys
        examined = examine(presentation.text, keys, code_base=self._code_base)
        with self._database.reading() as session:
            verdict = look(
                session, examined, presentation.asked, keys=keys, superseded=self._superseded
            )
        return replace(verdict, verification_id=uuid7())


class LooksFirst(Looking):
    """Checks, then acts: whoever looks in between is accepted too."""

    async def verify(self, presentation: Presentation) -> Verdict:
        """Record in good order, and answer what was seen before."""
        seen = await asyncio.to_thread(self.look, presentation)
        recorded = await super().verify(presentation)
        return replace(seen, verification_id=recorded.verification_id)


class Generous(Looking):
    """Lets people in when a check cannot be recorded."""

    async def verify(self, presentation: Presentation) -> Verdict:
        """Answer whatever happens."""
        try:
            return await super().verify(presentation)
        except Unavailable:
            return await asyncio.to_thread(self.look, presentation)


class Remembers(Recorder):
    """Spares the database: the same code gets the same answer for a while."""

    _known: ClassVar[dict[str, tuple[float, Verdict]]] = {}

    async def verify(self, presentation: Presentation) -> Verdict:
        """Answer from memory when there is an answer."""
        if known := self._known.get(presentation.text):
            at_s, verdict = known
            if time.monotonic() - at_s < REMEMBERED_S:
                return verdict
        verdict = await super().verify(presentation)
        self._known[presentation.text] = time.monotonic(), verdict
        return verdict


class Overflows(Recorder):
    """Has room for few, and no words for the others."""

    _inside = 0

    async def verify(self, presentation: Presentation) -> Verdict:
        """Answer few at once."""
        if self._inside >= FEW:
            raise queue.Full
        self._inside += 1
        try:
            return await super().verify(presentation)
        finally:
            self._inside -= 1


def commits_later() -> FastAPI:
    """The service that answers before it commits."""
    return _planted(Recorder, CommitsLater)


def looks_first() -> FastAPI:
    """The service that checks, then acts."""
    return _planted(LooksFirst)


def generous() -> FastAPI:
    """The service that gives verdicts it could not record."""
    return _planted(Generous)


def remembers() -> FastAPI:
    """The service that answers from memory."""
    return _planted(Remembers)


def overflows() -> FastAPI:
    """The service that breaks under a crowd."""
    return _planted(Overflows)


def _planted(recorder: type[Recorder], database: type[Database] = Database) -> FastAPI:
    app = honest()
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with opened(app) as state:
            assert state is not None  # noqa: S101 - as `create_app` made it; this tells the checker
            house = state["house"]
            url = house.database.engine.url.render_as_string(hide_password=False)
            with closing(database(url)) as own:
                broken = recorder(
                    own, house.ring, code_base=house.code_base, superseded=house.superseded
                )
                broken.start()
                try:
                    yield {"house": replace(house, recorder=broken)}
                finally:
                    broken.stop()

    app.router.lifespan_context = lifespan
    return app
