"""What verification is compared with: an endpoint that does nothing, and the ordinary way.

Both take the same requests as the product and answer the least that such an endpoint could.
"""

import os
from collections.abc import Iterator
from itertools import cycle
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine, make_url, select
from sqlalchemy.orm import Session

from app.cards.model import Card, WalletPass
from app.db import uuid7
from app.verification.model import Scan, Till
from demo.world import wall_clock

ROUTE = "/api/v1/verifications"
READ_AHEAD = 10_000
POOL = 40  # as many threads as the framework has


class Question(BaseModel):
    """What tills send."""

    presentation: str
    channel: str


class Answer(BaseModel):
    """The least that a till wants to know."""

    valid: bool
    reason: str


GOOD = Answer(valid=True, reason="ok")


def empty() -> FastAPI:
    """An endpoint that does nothing."""
    app = _application()

    @app.post(ROUTE)
    async def verify(_: Question) -> Answer:
        return GOOD

    return app


def row_per_request() -> FastAPI:
    """One read by the ORM and one insert for each request, each in a thread of the framework."""
    app = _application()
    url = make_url(os.environ["LERARENKAART_DATABASE_URL"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, pool_size=POOL)
    with Session(engine) as session:
        till = session.scalars(select(Till)).first()
        numbers = cycle(session.scalars(select(WalletPass.pass_number).limit(READ_AHEAD)).all())

    def opened() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.post(ROUTE)
    def verify(question: Question, session: Annotated[Session, Depends(opened)]) -> Answer:
        assert till is not None  # noqa: S101 - the floor has tills
        found = select(WalletPass).join(Card).where(WalletPass.pass_number == next(numbers))
        wallet_pass = session.scalars(found).one()
        session.add(
            Scan(
                id=uuid7(),
                partner_id=till.partner_id,
                till_id=till.id,
                card_id=wallet_pass.card_id,
                pass_id=wallet_pass.id,
                at=wall_clock(),
                channel=question.channel,
                carrier=wallet_pass.carrier,
                valid=True,
                reason="ok",
                cause="ok",
                code_digest=b"",
            )
        )
        session.commit()
        return GOOD

    return app


def _application() -> FastAPI:
    app = FastAPI()
    app.add_api_route("/readyz", lambda: {"status": "ready"})
    return app
