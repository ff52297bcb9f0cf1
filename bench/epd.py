"""A full snapshot of the personnel file against what the database can do with the same rows.

The limit is COPY into a temporary table and one merge of all rows, already parsed; ours begins
with the bodies as they arrive and ends when the last card is in line, the worker's part included.
Two in a hundred persons changed. On PostgreSQL, in one process, taken in turns.
"""

import io
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
from sqlalchemy import insert, select

from app import migrate
from app.cards import keyring
from app.cards.entitlement import Policy
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.cards.model import Teacher
from app.db import Database, uuid7
from app.epd.messages import Personeelslid
from app.epd.model import EPD, PersonnelRecord, status_to_json
from app.epd.push import accept as taking
from app.epd.push.contract import MAX_RECORDS, read_batch
from app.epd.push.model import Run, RunState
from app.epd.push.runs import Runs
from app.epd.push.sorting import sort_out
from bench.measure import Measurement, measured
from bench.postgresql import server
from demo.crowd import file_of, insz_of
from demo.sync_job import record

_NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
_EVERYBODY = 228_000
_QUICK = 20_000
_CHANGED_EVERY = 50
_ROUNDS = 3
_AT_ONCE = 5_000
# What COPY of the same rows is merged into; the columns and keys are those of the real table.
_STAGE = """
CREATE TEMP TABLE staged (LIKE epd_person) ON COMMIT DROP
"""
_MERGE = """
INSERT INTO limit_person SELECT * FROM staged
ON CONFLICT (teacher_id, source) DO UPDATE SET
  insz_encrypted = excluded.insz_encrypted, version = excluded.version,
  changed_at = excluded.changed_at, received_at = excluded.received_at,
  snapshot = excluded.snapshot, home_province = excluded.home_province,
  absent_since = excluded.absent_since
"""


def epd_snapshot_vs_copy_merge(rounds: int, seconds: float) -> Measurement:
    """Compare a snapshot, from bodies to committed rows, with COPY and a merge of all rows."""
    del rounds
    people = _QUICK if seconds < 1 else _EVERYBODY
    with server() as url, TemporaryDirectory() as folder:
        migrate.upgrade(url)
        keyring.init(Path(folder) / "keys", environment="demo", now=_NOW)
        ring = KeyRing(Path(folder) / "keys")
        with closing(Database(url)) as database:
            settle_in(database, ring, people)
            runs = [_round(database, url, ring, people, number) for number in range(_ROUNDS)]
    note = f"{people} persons, 2 % changed: seconds of COPY and full merge per second of ours"
    return measured("epd_snapshot_vs_copy_merge", 1.0, runs, note)


def _round(database: Database, url: str, ring: KeyRing, people: int, number: int) -> float:
    moment = _NOW + timedelta(hours=number + 1)
    parts = list(bodies(people, number))
    limit_s = _limit(url)
    begun = time.perf_counter()
    for body in parts:
        take_in(database, ring, body, moment)
    worker = Runs(database, ring, policy=Policy(), brake_percent=100, clock=lambda: moment)
    while worker.run():
        pass
    ours_s = time.perf_counter() - begun
    with database.reading() as session:
        done = session.scalars(select(Run.state).order_by(Run.id.desc())).first()
    assert done is RunState.DONE  # noqa: S101 - a figure of work that was not done is none
    return limit_s / ours_s


def take_in(database: Database, ring: KeyRing, body: bytes, now: datetime) -> None:
    """What the service does with a batch between its arrival and its acknowledgement."""
    keys = ring.keys
    request = taking.Request(read_batch(body), body[:32], "bench")
    with database.reading() as session:
        found = sort_out(session, request.batch, keys=keys, policy=Policy(), now=now)
    intended = taking.intent(request, found, keys=keys)
    database.transact(lambda session: taking.accept(session, intended, now=now))


def _limit(url: str) -> float:
    """Seconds for COPY and a merge of all rows that the table holds, already parsed."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS limit_person (LIKE epd_person INCLUDING ALL)"
        )
        connection.execute(
            "INSERT INTO limit_person SELECT * FROM epd_person ON CONFLICT DO NOTHING"
        )
        connection.commit()
        rows = io.BytesIO()
        with connection.cursor().copy("COPY epd_person TO STDOUT") as copy:
            for chunk in copy:
                rows.write(chunk)
        connection.commit()
        begun = time.perf_counter()
        connection.execute(_STAGE)
        with connection.cursor().copy("COPY staged FROM STDIN") as copy:
            copy.write(rows.getvalue())
        connection.execute(_MERGE)
        connection.commit()
        return time.perf_counter() - begun


def bodies(people: int, number: int) -> Iterator[bytes]:
    """The parts of the snapshot of one round, as they come over the wire."""
    parts = range(0, people, MAX_RECORDS)
    for part, start in enumerate(parts, start=1):
        records = [
            record(file_of(one, version=_version(one, number)))
            for one in range(start, min(start + MAX_RECORDS, people))
        ]
        place = number * len(parts) + part
        yield msgspec.json.encode(
            {
                "batchId": str(uuid.uuid4()),
                "bron": "EPD",
                "soort": "VOLLEDIG",
                "schemaVersie": 1,
                "reeksnummer": place,
                "vorigReeksnummer": place - 1,
                "aangemaaktOp": _NOW.isoformat(),
                "deel": part,
                "aantalDelen": len(parts),
                "records": records,
            }
        )


def _version(one: int, number: int) -> int:
    """A fiftieth changes in every round, each round another."""
    return number + 2 if one % _CHANGED_EVERY == number else 1


def settle_in(database: Database, ring: KeyRing, people: int) -> None:
    """Everybody is known already, as after an earlier snapshot."""
    for start in range(0, people, _AT_ONCE):
        some = range(start, min(start + _AT_ONCE, people))
        rows = [_rows(ring, one) for one in some]
        database.transact(
            lambda session, rows=rows: [  # type: ignore[misc]
                session.execute(insert(table), [row[index] for row in rows])
                for index, table in enumerate((Teacher, PersonnelRecord))
            ]
        )
    with psycopg.connect(
        database.engine.url.render_as_string(hide_password=False).replace("+psycopg", ""),
        autocommit=True,
    ) as connection:
        connection.execute("VACUUM ANALYZE")


def _rows(ring: KeyRing, one: int) -> tuple[dict[str, Any], dict[str, Any]]:
    keys, teacher_id = ring.keys, uuid7()
    pepper = keys.active("pepper")
    snapshot = Personeelslid.model_validate_json(json.dumps(file_of(one))).snapshot()
    teacher = {
        "id": teacher_id,
        "insz_pseudonym": Insz(insz_of(one)).pseudonym(pepper.value),
        "pepper_id": pepper.id,
        "entitled": True,
        "entitlement_reason": "employed",
        "created_at": _NOW,
    }
    said = {
        "teacher_id": teacher_id,
        "source": EPD,
        "insz_encrypted": keys.seal(b"0" * 11, place="bench"),
        "version": snapshot.version,
        "changed_at": snapshot.changed_at,
        "received_at": _NOW,
        "snapshot": status_to_json(snapshot.status),
        "home_province": None,
    }
    return teacher, said
