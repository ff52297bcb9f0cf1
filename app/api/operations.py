"""For those who keep the service running, and for everybody who meets a problem.

`/healthz` says that the process answers; `/readyz` that it can do its work. A dependency
that is down is a figure there, never a reason to take the process out of service.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import fence, migrate
from app.api.deps import House, Now, TheHouse, page
from app.epd.push.figures import figures
from app.errors import NotFound
from app.passes import lease, progress
from app.web.problem_texts import PROBLEMS

router = APIRouter(tags=["operations"])
pages = APIRouter(tags=["anyone"], include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(house: TheHouse, now: Now, response: Response) -> dict[str, Any]:
    """Database, migrations and keys; 503 when one of them keeps us from working."""
    checks = _checks(house, now)
    ready = all(check["ok"] for check in checks.values())
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not-ready", "checks": checks}


@pages.get("/problems")
def problems(request: Request) -> HTMLResponse:
    """Every kind of problem there is."""
    return page(request, "problems.html", problems=PROBLEMS)


@pages.get("/problems/{kind}")
def problem(kind: str, request: Request) -> HTMLResponse:
    """What a problem type means: what happened, what is safe, what to do next."""
    if kind not in PROBLEMS:
        raise NotFound("There is no such kind of problem.")
    return page(request, "problem.html", kind=kind, problem=PROBLEMS[kind])


def _checks(house: House, now: datetime) -> dict[str, dict[str, Any]]:
    states = {str(key.id): key.state.value for key in house.ring.keys.token.values()}
    days_left = house.certificates.days_left(now)
    return _database(house, now) | {
        "keys": {"ok": True, "token_keys": states},
        # A figure to watch: verification and the web card need no certificate.
        "certificates": {"ok": True, "days_left": days_left},
    }


def _database(house: House, now: datetime) -> dict[str, dict[str, Any]]:
    try:
        with house.database.reading() as session:
            session.execute(text("SELECT 1"))
        current, head = migrate.current(house.database), migrate.head()
        queues = _queues(house, now) if current == head else {}
    except SQLAlchemyError as error:
        return {"database": {"ok": False, "fault": type(error).__name__}}
    return {
        "database": {"ok": True},
        "migrations": {"ok": current == head, "current": current, "head": head},
        **queues,
    }


def _queues(house: House, now: datetime) -> dict[str, dict[str, Any]]:
    """How far phones are behind, and our news of the personnel file: figures to watch."""
    with house.database.reading() as session:
        deliveries = lease.figures(session, now=now)
        wallets = {
            carrier.label: asdict(progress.read(session, carrier, now=now))
            for carrier in lease.WALLETS
        }
        pushed = figures(session, now=now)
        behind = fence.standing(session)
    return {
        # While it is up verification says so itself; every other page of the process is of use.
        "restore": {"ok": True, "epoch": behind.epoch, "fence_raised_at": behind.raised_at},
        "deliveries": {"ok": True, **asdict(deliveries), "wallets": wallets},
        "epd_push": {"ok": True, **asdict(pushed)},
    }
