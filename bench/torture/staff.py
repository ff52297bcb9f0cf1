"""A crowd of staff before and after a full snapshot, and whether every one of them is whole.

Knows what the personnel file said first and says now: most stay, others leave, die, go on leave,
are new or are no longer named. What must become of each is told from what was sent, and once
more from the tables of a run that nobody disturbed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.entitlement import CardStatus, EntitlementReason, Policy, decide
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.cards.model import Card, CardEvent, Teacher
from app.cards.numbers import new_card_number
from app.db import Database, uuid7
from app.epd import merge
from app.epd.messages import Personeelslid, Snapshot
from app.epd.model import PersonnelRecord, status_to_json, without_running
from app.epd.push.accept import CHUNK
from app.epd.push.model import Batch, Pending, Run, RunState
from bench.torture.scenario import Figures
from demo.crowd import file_of, insz_of
from demo.population import Record
from demo.sync_job import record

LONG_AGO = date(2026, 3, 1)
# Of every ten: these have a story, the others stay as they were, at a newer version.
LEFT_LONG_AGO, DIED, ON_LEAVE, LEFT_OUT, NEW, LEFT_LATELY = range(6)
STORIES = 10
# What a comparison of a sound run finds.
WHOLE = {"half_applied": 0, "differing": 0, "left_undone": 0, "miscounted": 0}


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the tables say of one person, but numbers of chance and moments."""

    entitled: bool | None
    reason: str | None
    review_on: date | None
    version: int
    snapshot: dict[str, Any]
    province: str | None
    absent_since: date | None
    cards: tuple[tuple[CardStatus, str, int], ...]
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Staff:
    """So many people, on the day of the snapshot."""

    people: int
    ring: KeyRing
    now: datetime

    def settle(self, database: Database) -> None:
        """All but the new are known at their first version, each with a card."""
        for numbers in self._blocks():
            files = [file_of(one) for one in numbers if one % STORIES != NEW]
            snapshots = [_snapshot(file) for file in files]
            database.transact(lambda session, said=snapshots: self._known(session, said))  # type: ignore[misc]

    def records(self) -> list[range]:
        """The numbers of those in each part of the snapshot."""
        size = min(5_000, self.people // 4)
        return [
            range(start, min(start + size, self.people)) for start in range(0, self.people, size)
        ]

    def part(self, numbers: range) -> list[Record]:
        """What is sent of these."""
        return [record(self._file(one)) for one in numbers if one % STORIES != LEFT_OUT]

    def compare(self, database: Database, undisturbed: Database) -> Figures:
        """How many are not what was sent, or not what they are where nobody disturbed."""
        half = differing = 0
        for numbers in self._blocks():
            pseudonyms = {self._pseudonym(one): one for one in numbers}
            ours, theirs = (_standings(one, list(pseudonyms)) for one in (database, undisturbed))
            differing += sum(ours.get(one) != theirs.get(one) for one in pseudonyms)
            half += sum(not self._whole(one, ours.get(p)) for p, one in pseudonyms.items())
        counted, right = _counted(database), _counted(undisturbed)
        with database.reading() as session:
            unfinished = select(func.count()).select_from(Run).where(Run.state != RunState.DONE)
            left_undone = left(session) + (session.scalar(unfinished) or 0)
        return {
            "half_applied": half,
            "differing": differing,
            "left_undone": left_undone,
            "miscounted": sum(one != other for one, other in zip(counted, right, strict=True)),
        }

    def _whole(self, number: int, standing: Standing | None) -> bool:
        """Whether record, entitlement and card all say what was sent."""
        if standing is None:
            return False
        story = number % STORIES
        sent = _snapshot(file_of(number) if story == LEFT_OUT else self._file(number))
        on = belgian_day(self.now)
        absent_since = on if story == LEFT_OUT else None
        verdict = decide(without_running(sent.status, absent_since), on=on, policy=Policy())
        withheld = (
            CardStatus.ENDED
            if verdict.reason is EntitlementReason.DECEASED
            else CardStatus.SUSPENDED
        )
        status = CardStatus.ACTIVE if verdict.entitled else withheld
        said = (standing.version, standing.snapshot, standing.absent_since)
        return (
            said == (sent.version, status_to_json(sent.status), absent_since)
            and (standing.entitled, standing.reason) == (verdict.entitled, verdict.reason)
            and [card[0] for card in standing.cards] == ([] if story == NEW else [status])
        )

    def _file(self, number: int) -> Record:
        changes: dict[int, dict[str, Any]] = {
            LEFT_LONG_AGO: {"until": LONG_AGO},
            DIED: {"died_on": LONG_AGO},
            ON_LEAVE: {"leave": "LOOPBAANONDERBREKING"},
            LEFT_LATELY: {"until": belgian_day(self.now) - timedelta(days=1)},
        }
        return file_of(number, version=2, **changes.get(number % STORIES, {}))

    def _known(self, session: Session, snapshots: list[Snapshot]) -> None:
        merge.merge(session, snapshots, keys=self.ring.keys, policy=Policy(), now=self.now)
        pepper = self.ring.keys.active("pepper").value
        pseudonyms = [one.insz.pseudonym(pepper) for one in snapshots]
        ids = session.scalars(select(Teacher.id).where(Teacher.insz_pseudonym.in_(pseudonyms)))
        session.execute(insert(Card), [_card(teacher_id, self.now) for teacher_id in ids])

    def _pseudonym(self, number: int) -> bytes:
        return Insz(insz_of(number)).pseudonym(self.ring.keys.active("pepper").value)

    def _blocks(self) -> Iterator[range]:
        for start in range(0, self.people, CHUNK):
            yield range(start, min(start + CHUNK, self.people))


def left(session: Session) -> int:
    """How many chunks are yet to be carried out."""
    return session.scalar(select(func.count()).select_from(Pending)) or 0


def _snapshot(file: Record) -> Snapshot:
    return Personeelslid.model_validate_json(json.dumps(file)).snapshot()


def _card(teacher_id: object, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "teacher_id": teacher_id,
        "number": new_card_number(),
        "status": CardStatus.ACTIVE,
        "status_reason": EntitlementReason.EMPLOYED,
        "test": False,
        "initials": 0,
        "valid_from": now,
        "year": belgian_day(now).year,
        "created_at": now,
    }


def _standings(database: Database, pseudonyms: list[bytes]) -> dict[bytes, Standing]:
    with database.reading() as session:
        rows = session.execute(
            select(Teacher, PersonnelRecord)
            .join(PersonnelRecord, PersonnelRecord.teacher_id == Teacher.id)
            .where(Teacher.insz_pseudonym.in_(pseudonyms))
        ).all()
        ids = [teacher.id for teacher, _ in rows]
        cards = session.scalars(select(Card).where(Card.teacher_id.in_(ids))).all()
        events = session.scalars(
            select(CardEvent)
            .where(CardEvent.card_id.in_([card.id for card in cards]))
            .order_by(CardEvent.id)
        ).all()
    return {
        teacher.insz_pseudonym: Standing(
            entitled=teacher.entitled,
            reason=teacher.entitlement_reason,
            review_on=teacher.review_on,
            version=said.version,
            snapshot=said.snapshot,
            province=said.home_province,
            absent_since=said.absent_since,
            cards=tuple(
                (one.status, one.status_reason, one.year)
                for one in cards
                if one.teacher_id == teacher.id
            ),
            events=tuple(
                (event.what, event.why)
                for one in cards
                if one.teacher_id == teacher.id
                for event in events
                if event.card_id == one.id
            ),
        )
        for teacher, said in rows
    }


def _counted(database: Database) -> list[int]:
    """How many persons there are, and what the batches say became of their records."""
    tellers = (Batch.new, Batch.changed, Batch.unchanged, Batch.outdated, Batch.faulty)
    with database.reading() as session:
        people = session.scalar(select(func.count()).select_from(Teacher)) or 0
        return [people, *session.execute(select(*map(func.sum, tellers))).one()]
