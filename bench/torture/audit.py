"""Compares what tills were told with what the tables hold."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, text

from app.verification.model import Scan
from bench.torture.scenario import Figures
from bench.torture.site import LIVE, Site

# What an audit of a sound service finds.
SOUND = {"lost": 0, "duplicates": 0, "integrity_faults": 0}


def audit(site: Site, told: Iterable[dict[str, Any]]) -> Figures:
    """How many acknowledged verdicts are not in the tables as told, and codes counted twice.

    On SQLite also what its own integrity check finds.
    """
    with site.database.reading() as session:
        scans = session.execute(select(Scan.id, Scan.valid))
        stored = {f"vrf_{number}": valid for number, valid in scans}
        counted = (
            select(func.count())
            .where(Scan.valid, Scan.carrier.in_(LIVE))
            .group_by(Scan.code_digest)
        )
        duplicates = sum(times > 1 for times in session.scalars(counted))
        faults = 0
        if site.database.is_sqlite:
            found = session.scalars(text("PRAGMA integrity_check")).all()
            faults = len([line for line in found if line != "ok"])
    lost = sum(stored.get(one["verification_id"]) is not one["valid"] for one in told)
    return {"lost": lost, "duplicates": duplicates, "integrity_faults": faults}
