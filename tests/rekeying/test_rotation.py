"""After a rotation everything is brought along, through kills and beside a service that writes."""

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from app import rekeying
from app.cards import forgetting, keyring, names, own_key
from app.cards.entitlement import PersonnelStatus, Policy
from app.cards.insz import Insz
from app.cards.keyring import KeyFault, KeyRing, Kind
from app.cards.model import Teacher
from app.cards.names import Name
from app.cli import cli
from app.db import Database, uuid7
from app.epd import intake
from app.epd.merge import merge
from app.epd.messages import Snapshot
from app.epd.model import PersonnelRecord
from app.epd.push.model import Run, RunState
from app.errors import Conflict

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PEOPLE = 1600
KILLS = 3
FORK = multiprocessing.get_context("fork")

RunCommand = Callable[..., Result]


def _insz(number: int) -> Insz:
    """A made-up person of 1980: somebody else for each number up to 25,000."""
    digits = f"8001{1 + number // 900:02}{1 + number % 900:03}"
    return Insz(f"{digits}{97 - int(digits) % 97:02}")


def _work(url: str, directory: Path, kind: Kind, tell: Connection) -> None:
    """What the command does, in a process of its own; tells of every step."""
    steps = rekeying.reencrypt if kind == "encryption" else rekeying.rehash
    with closing(Database(url)) as database:
        for rows in steps(database, KeyRing(directory)):
            tell.send(rows)


def _rest(hear: Connection) -> Iterator[int]:
    """What was told before the end."""
    try:
        while True:
            yield hear.recv()
    except EOFError:
        return


@dataclass(frozen=True, slots=True)
class Town:
    """People whose numbers and names are kept, under a key ring of this test."""

    database: Database
    ring: KeyRing
    directory: Path

    def kill_some(self, kind: Kind) -> int:
        """Begin again and again, and die in the middle; how many steps were told of."""
        url = self.database.engine.url.render_as_string(hide_password=False)
        chance, steps = random.Random(1), 0  # noqa: S311 - for kills, not for secrets
        for _ in range(KILLS):
            hear, tell = FORK.Pipe(duplex=False)
            process = FORK.Process(target=_work, args=(url, self.directory, kind, tell))
            process.start()
            tell.close()
            assert hear.recv() > 0
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            process.join()
            steps += 1 + len(list(_rest(hear)))
        return steps

    def known(self, numbers: Sequence[int]) -> list[Name | None]:
        """The names of people by their numbers; each must be known."""
        keys = self.ring.keys
        found = []
        with self.database.reading() as session:
            for number in numbers:
                teacher = intake.known(session, _insz(number), keys=keys)
                assert teacher is not None
                found.append(names.read(keys, teacher))
        return found

    def uses(self, kind: Kind) -> dict[int, int]:
        """How much needs each key of a kind."""
        counted = rekeying.sealed_by if kind == "encryption" else rekeying.known_by
        with self.database.reading() as session:
            return counted(session)


@pytest.fixture
def settle(database: Database, tmp_path: Path) -> Callable[[int], Town]:
    """Makes a town of so many people, each with a number and a name that are kept."""
    directory = tmp_path / "ring"
    keyring.init(directory, environment="demo", now=NOW)
    ring = KeyRing(directory)

    def make(people: int) -> Town:
        def work(session: Session) -> None:
            snapshots = [
                Snapshot(_insz(number), 1, NOW, None, PersonnelStatus()) for number in range(people)
            ]
            merge(session, snapshots, keys=ring.keys, policy=Policy(), now=NOW)
            pepper = ring.keys.active("pepper").value
            by_pseudonym = {_insz(number).pseudonym(pepper): number for number in range(people)}
            for teacher in session.scalars(select(Teacher)).all():
                name = Name("Teacher", str(by_pseudonym[teacher.insz_pseudonym]))
                names.keep(ring.keys, teacher, name)

        database.transact(work)
        return Town(database, ring, directory)

    return make


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """A command of the operator on the keys."""
    url = database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("LERARENKAART_ENVIRONMENT", "demo")
    monkeypatch.setenv("LERARENKAART_DATABASE_URL", url)
    monkeypatch.setenv("LERARENKAART_KEY_DIRECTORY", str(tmp_path / "ring"))
    return lambda *words: CliRunner().invoke(cli, ["keys", *words])


@pytest.mark.parametrize(
    ("kind", "verb"), [("encryption", "reencrypt"), ("pepper", "rehash")], ids=str
)
def test_killed_again_and_again_it_brings_everybody_along_and_the_old_key_can_go(
    settle: Callable[[int], Town], run: RunCommand, kind: Kind, verb: str
) -> None:
    town = settle(PEOPLE)
    keyring.rotate(town.directory, kind, now=NOW)
    assert town.kill_some(kind) >= KILLS
    assert set(town.uses(kind)) == {1, 2}
    ended = run(verb)
    assert ended.exit_code == 0, ended.output
    assert f"Nothing needs {kind} key 1 any more" in " ".join(ended.output.split())
    assert run("revoke", kind, "1").exit_code == 0
    assert list(town.uses(kind)) == [2]
    some = range(0, PEOPLE, 8)
    assert town.known(some) == [Name("Teacher", str(number)) for number in some]


def test_what_the_service_writes_meanwhile_stays(settle: Callable[[int], Town]) -> None:
    town, over = settle(40), threading.Event()
    last, written = {number: str(number) for number in range(40)}, count(1)

    def write() -> None:
        chance = random.Random(2)  # noqa: S311 - no secret
        while not over.is_set():
            number = chance.randrange(40)
            last[number] = f"{number} {next(written)}"
            name = Name("Teacher", last[number])

            def work(session: Session, number: int = number, name: Name = name) -> None:
                keys = town.ring.keys
                teacher = intake.teacher_of(session, _insz(number), keys=keys, now=NOW)
                own_key.drop(teacher)
                names.keep(keys, teacher, name)

            town.database.transact(work)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(10):
        for kind in ("encryption", "pepper"):
            keyring.rotate(town.directory, kind, now=NOW)
        assert sum(rekeying.reencrypt(town.database, town.ring)) > 0
        list(rekeying.rehash(town.database, town.ring))
    over.set()
    writer.join()
    assert next(written) > 10
    assert town.known(range(40)) == [Name("Teacher", last[number]) for number in range(40)]


def test_a_key_that_something_kept_needs_is_not_revoked_by_mistake(
    settle: Callable[[int], Town], run: RunCommand
) -> None:
    town = settle(2)
    refused = run("revoke", "encryption", "1")
    assert (refused.exit_code, "is needed for 4" in refused.output) == (1, True)
    assert town.known([0]) == [Name("Teacher", "0")]
    assert run("revoke", "encryption", "1", "--in-use").exit_code == 0
    with pytest.raises(KeyFault):
        town.known([0])


def test_a_pepper_is_kept_while_it_is_all_that_says_who_was_forgotten(
    settle: Callable[[int], Town], run: RunCommand, database: Database
) -> None:
    town = settle(2)

    def forget(session: Session) -> None:
        teacher = intake.known(session, _insz(0), keys=town.ring.keys)
        assert teacher is not None
        forgetting.forget(session, teacher, why="asked", remembered=True, now=NOW)
        session.execute(delete(PersonnelRecord).where(PersonnelRecord.teacher_id == teacher.id))

    database.transact(forget)
    keyring.rotate(town.directory, "pepper", now=NOW)
    assert "pepper key 1 is still needed for 1" in run("rehash").output
    assert town.uses("pepper") == {1: 1, 2: 1}


def test_nobody_gets_another_pseudonym_while_a_full_snapshot_compares_them(
    settle: Callable[[int], Town], database: Database
) -> None:
    town = settle(2)
    run = Run(source="EPD", full=True, leaves_out=True, parts=1, parts_received=1, begun_at=NOW)
    run.id, run.state = uuid7(), RunState.APPLYING
    database.transact(lambda session: session.add(run))
    keyring.rotate(town.directory, "pepper", now=NOW)
    with pytest.raises(Conflict):
        list(rekeying.rehash(database, town.ring))
    assert town.uses("pepper") == {1: 2}
