"""Batches as a careless source might send them: whatever it does, we end where the model ends.

Repeats, replays, gaps, snapshots in parts, replaced numbers, workers that stop in between and
restores of an old backup, in any order. The model is a dozen lines of rules about one person at
a time; the database must equal it, and no card that ended or was revoked may come back.
"""

import copy
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.card_year import card_year
from app.cards.entitlement import Policy
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.cards.model import Card, Teacher
from app.db import Base, Database
from app.epd.model import PersonnelRecord
from app.epd.push import accept as taking
from app.epd.push.contract import read_batch
from app.epd.push.runs import Runs
from app.epd.push.sorting import sort_out
from demo.crowd import file_of, insz_of
from demo.sync_job import record

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
POLICY = Policy()
PEOPLE = 6
KINDS = ("work", "left", "dead", "leave", "work")
FILES: dict[str, dict[str, Any]] = {
    "work": {},
    "left": {"until": date(2026, 3, 1)},
    "dead": {"died_on": date(2026, 11, 1)},
    "leave": {"leave": "LOOPBAANONDERBREKING"},
}
REASONS = {
    "work": "employed",
    "left": "not_employed",
    "dead": "deceased",
    "leave": "excluded_leave",
}
Number = int


def kind_of(person: Number, version: int) -> str:
    """What the source says at a version never changes."""
    return KINDS[(person * 3 + version * 2) % len(KINDS)]


@dataclass(slots=True)
class Person:
    """What the model knows of one number."""

    version: int
    kind: str
    absent: bool = False
    cards: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Who is at work and left out is in grace; nothing else changes by it."""
        return "grace" if self.absent and self.kind == "work" else REASONS[self.kind]

    def follow(self) -> None:
        """The newest card follows; the others are over."""
        entitled = self.reason in {"employed", "grace"}
        if self.cards and self.cards[-1] == "active" and not entitled:
            self.cards[-1] = "ended" if self.kind == "dead" else "suspended"
        elif self.cards and self.cards[-1] == "suspended" and entitled:
            self.cards[-1] = "active"
        elif self.cards and self.cards[-1] == "suspended" and self.kind == "dead":
            self.cards[-1] = "ended"


class Model(dict[Number, Person]):
    """Everybody, by the number under which they are known."""

    def tell(self, person: Number, version: int) -> None:
        """News of one person."""
        known = self.get(person)
        if known is None:
            self[person] = Person(version, kind_of(person, version))
        elif version > known.version or (version == known.version and known.absent):
            known.version, known.kind, known.absent = version, kind_of(person, version), False
            known.follow()

    def leave_out(self, present: set[Number]) -> None:
        """Whoever is not in a full snapshot."""
        for number, person in self.items():
            if number not in present and not person.absent:
                person.absent = True
                person.follow()

    def replace(self, old: Number, new: Number) -> None:
        """One number took the place of another."""
        if old not in self:
            return
        if new not in self:
            self[new] = self.pop(old)
            return
        person = self[old]
        if person.cards and person.cards[-1] in {"active", "suspended"}:
            person.cards[-1] = "revoked"
        person.absent = True
        person.follow()


class Machine(RuleBasedStateMachine):
    """A source, our side of it, and the model."""

    fresh: Callable[[], Any]

    def __init__(self) -> None:
        super().__init__()
        self._open = type(self).fresh()
        self.database, self.ring = self._open.__enter__()
        self.now, self.number = NOW, 0
        self.model = Model()
        self.sent: list[tuple[bytes, Callable[[], None]]] = []
        self.backup: tuple[dict[Any, list[Any]], Model, int] | None = None

    def teardown(self) -> None:
        """Compare once more, and give the database back."""
        try:
            self.settle()
        finally:
            self._open.__exit__(None, None, None)

    @rule(changes=st.lists(st.tuples(st.integers(0, PEOPLE), st.integers(0, 5)), min_size=1))
    def push(self, changes: list[tuple[int, int]]) -> None:
        """A batch of changes, newer, older and twice."""

        def told() -> None:
            newest: dict[int, int] = {}
            for person, version in changes:
                newest[person] = max(version, newest.get(person, 0))
            for person, version in newest.items():
                self.model.tell(person, version)

        self._send([_record(person, version) for person, version in changes], told)

    @rule(data=st.data(), parts=st.integers(1, 3))
    def snapshot(self, data: st.DataObject, parts: int) -> None:
        """Everybody whom the source happens to name, in parts."""
        present = data.draw(st.sets(st.integers(0, PEOPLE), min_size=parts))
        versions = {p: self.model[p].version if p in self.model else 1 for p in sorted(present)}

        def told() -> None:
            for person, version in versions.items():
                self.model.tell(person, version)
            self.model.leave_out(set(versions))

        people = list(versions)
        for part in range(parts):
            some = [_record(p, versions[p]) for p in people[part::parts]]
            whole = {"soort": "VOLLEDIG", "deel": part + 1, "aantalDelen": parts}
            self._send(some, told if part == parts - 1 else lambda: None, **whole)

    @rule(old=st.integers(0, PEOPLE), new=st.integers(0, PEOPLE), version=st.integers(0, 5))
    @precondition(lambda self: len(self.model) > 1)
    def replace(self, old: int, new: int, version: int) -> None:
        """A number replaced by another."""
        if old == new:
            return

        def told() -> None:
            self.model.replace(old, new)
            self.model.tell(new, version)

        self._send([_record(new, version, replaces=insz_of(old))], told)

    @rule(which=st.integers(0, 20))
    @precondition(lambda self: self.sent)
    def repeat(self, which: int) -> None:
        """A batch that was sent already."""
        body, _ = self.sent[which % len(self.sent)]
        assert self._accept(body) is True

    @rule(ahead=st.integers(-5, 5))
    @precondition(lambda self: self.number > 0)
    def out_of_order(self, ahead: int) -> None:
        """Another batch under a number that was used, or is not due yet."""
        number = max(1, self.number + 1 + ahead)
        if number == self.number + 1:
            return
        body = _batch(number, [_record(0, 99)])
        expected = taking.Replayed if number <= self.number else taking.Gap
        with pytest.raises(expected):
            self._accept(body)

    @rule(steps=st.integers(1, 4))
    def work_a_little(self, steps: int) -> None:
        """A worker that dies after a few steps: what it did not commit was never done."""
        for _ in range(steps):
            self._runs().run()

    @rule()
    def settle(self) -> None:
        """Everything is carried out, and equals the model."""
        while self._runs().run():
            pass
        assert self._found() == {
            number: (person.version, person.reason, person.absent, person.cards)
            for number, person in self.model.items()
        }

    @rule(person=st.integers(0, PEOPLE))
    def give_card(self, person: int) -> None:
        """Somebody asks for a card."""
        self.settle()
        known = self.model.get(person)
        if known is None or known.reason not in {"employed", "grace"}:
            return
        if not known.cards or known.cards[-1] not in {"active", "suspended"}:
            known.cards.append("active")
            self.database.transact(lambda session: self._issue(session, person))

    @rule()
    def back_up(self) -> None:
        """A copy of the database."""
        self.settle()
        with self.database.reading() as session:
            rows = {
                table: [dict(row) for row in session.execute(select(table)).mappings()]
                for table in Base.metadata.sorted_tables
            }
        self.backup = rows, copy.deepcopy(self.model), len(self.sent)

    @rule()
    @precondition(lambda self: self.backup is not None)
    def restore(self) -> None:
        """The copy is put back, and the source sends again what we have not heard of."""
        assert self.backup is not None
        rows, model, sent = self.backup

        def put_back(session: Session) -> None:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))
            for table in Base.metadata.sorted_tables:
                if rows[table]:
                    session.execute(insert(table), rows[table])

        self.database.transact(put_back)
        self.model.clear()
        self.model.update(copy.deepcopy(model))
        for body, told in self.sent[sent:]:
            assert self._accept(body) is False
            told()

    def _send(self, records: list[Any], told: Callable[[], None], **more: Any) -> None:
        body = _batch(self.number + 1, records, **more)
        assert self._accept(body) is False
        self.number += 1
        self.sent.append((body, told))
        told()

    def _accept(self, body: bytes) -> bool:
        self.now += timedelta(seconds=1)
        keys, now = self.ring.keys, self.now
        request = taking.Request(read_batch(body), body[:32], "epd-sync")
        with self.database.reading() as session:
            found = sort_out(session, request.batch, keys=keys, policy=POLICY, now=now)
        intended = taking.intent(request, found, keys=keys)
        return self.database.transact(lambda session: taking.accept(session, intended, now=now))

    def _runs(self) -> Runs:
        return Runs(
            self.database,
            self.ring,
            policy=POLICY,
            brake_percent=100,
            clock=lambda: self.now,
        )

    def _issue(self, session: Session, person: int) -> None:
        lifecycle.issue(
            session,
            session.scalars(select(Teacher).filter_by(insz_pseudonym=self._known_as(person))).one(),
            year=card_year(2026),
            initials=0,
            why="employed",
            now=self.now,
        )

    def _known_as(self, person: int) -> bytes:
        return Insz(insz_of(person)).pseudonym(self.ring.keys.active("pepper").value)

    def _found(self) -> dict[int, tuple[int, str | None, bool, list[str]]]:
        numbers = {self._known_as(person): person for person in range(PEOPLE + 1)}
        with self.database.reading() as session:
            rows = session.execute(
                select(Teacher, PersonnelRecord).join(
                    PersonnelRecord, PersonnelRecord.teacher_id == Teacher.id
                )
            ).all()
            return {
                numbers[teacher.insz_pseudonym]: (
                    record.version,
                    teacher.entitlement_reason,
                    record.absent_since is not None,
                    [
                        card.status.value
                        for card in session.scalars(
                            select(Card).filter_by(teacher_id=teacher.id).order_by(Card.id)
                        )
                    ],
                )
                for teacher, record in rows
            }


def _record(person: int, version: int, *, replaces: str | None = None) -> dict[str, Any]:
    file = file_of(person, version=version, **FILES[kind_of(person, version)])
    return record(file, replaces=replaces)


def _batch(number: int, records: list[Any], **more: Any) -> bytes:
    return msgspec.json.encode(
        {
            "batchId": str(uuid.uuid4()),
            "bron": "EPD",
            "soort": "DELTA",
            "schemaVersie": 1,
            "reeksnummer": number,
            "vorigReeksnummer": number - 1,
            "aangemaaktOp": NOW.isoformat(),
            "records": records,
            **more,
        }
    )


def test_no_order_of_messages_resurrects_a_card_or_leaves_the_model(
    database: Database, tmp_path: Path
) -> None:
    keyring.init(tmp_path / "keys", environment="demo", now=NOW)
    ring = KeyRing(tmp_path / "keys")

    @contextmanager
    def fresh() -> Iterator[tuple[Database, KeyRing]]:
        yield database, ring

        def forget(session: Session) -> None:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))

        database.transact(forget)

    run_state_machine_as_test(
        type("Careless", (Machine,), {"fresh": staticmethod(fresh)}),
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
