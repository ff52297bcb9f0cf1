"""The pull keeps up whatever the source does, and takes no card away because it is silent."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cards import keyring
from app.cards.entitlement import Policy
from app.cards.keyring import KeyRing
from app.cards.model import Teacher
from app.client_authentication import ClientSecret
from app.db import Database
from app.epd.answers import EpdAnswer
from app.epd.client import EpdClient
from app.epd.intake import teacher_of
from app.epd.messages import checked_insz
from app.epd.model import PersonnelRecord
from app.epd.patience import Patience
from app.epd.pull import importing, sync
from app.epd.pull.importing import import_file
from app.epd.pull.model import FileImport, PullState
from app.epd.pull.sync import Pull
from app.errors import Conflict, Unavailable
from app.statistics.entitled import last_complete_snapshot
from demo import epd
from demo.population import by_key, synthetic_insz
from demo.serving import free_port, listening

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
POLICY = Policy()
HASTE = Patience(first_pause_s=0.01, longest_pause_s=0.05, failures=100)
PERMANENT = by_key("permanent").record
assert PERMANENT is not None


def number(place: int) -> str:
    return synthetic_insz(date(1980, 1, 1) + timedelta(days=place), 990)


def file_of(insz: str, version: int = 1, **changed: Any) -> dict[str, Any]:
    """A permanent teacher's file."""
    return PERMANENT | {"insz": insz, "versie": version} | changed


@dataclass(frozen=True, slots=True)
class Source:
    """The simulator from outside."""

    url: str

    def tell(self, **change: Any) -> None:
        """Script faults or change people."""
        httpx.post(f"{self.url}/_control", json=change).raise_for_status()

    def asked(self, what: str) -> int:
        """How often something was asked since the last script."""
        requests: list[str] = httpx.get(f"{self.url}/_state").json()["requests"]
        return requests.count(what)


@pytest.fixture
def source() -> Iterator[Source]:
    port = free_port()
    with listening(epd.create_app(()), port):
        yield Source(f"http://localhost:{port}")


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    keyring.init(tmp_path / "keys", environment="demo", now=NOW)
    return KeyRing(tmp_path / "keys")


def client_of(
    source: Source, client_class: type[EpdClient] = EpdClient, patience: Patience = HASTE
) -> EpdClient:
    """Our client of the simulator."""
    return client_class(
        source.url,
        token_url=f"{source.url}{epd.TOKEN_PATH}",
        client_id=epd.CLIENT_ID,
        authentication=ClientSecret(epd.CLIENT_SECRET),
        enduser_id="lerarenkaart",
        patience=patience,
    )


@pytest.fixture
def puller(database: Database, ring: KeyRing, source: Source) -> Iterator[Callable[..., Pull]]:
    clients: list[EpdClient] = []

    def make(
        clock: Callable[[], datetime] = lambda: NOW,
        patience: Patience = HASTE,
        client_class: type[EpdClient] = EpdClient,
    ) -> Pull:
        client = client_of(source, client_class, patience)
        clients.append(client)
        return Pull(database, ring, client, policy=POLICY, clock=clock)

    yield make
    for client in clients:
        client.close()


def run(pull: Pull) -> int:
    """Step until nothing waits; how many persons were asked about."""
    persons = 0
    while (step := pull.step()).more:
        persons += step.persons
    return persons + step.persons


def versions(database: Database) -> dict[uuid.UUID, int]:
    with database.reading() as session:
        rows = session.execute(select(PersonnelRecord.teacher_id, PersonnelRecord.version))
        return dict(map(tuple, rows))


def state(database: Database) -> PullState:
    with database.reading() as session:
        return session.scalars(select(PullState)).one()


def entitled(database: Database, ring: KeyRing, insz: str) -> bool | None:
    return database.transact(
        lambda s: teacher_of(s, checked_insz(insz), keys=ring.keys, now=NOW).entitled
    )


def test_changes_are_taken_in_page_by_page_and_only_once(
    database: Database,
    ring: KeyRing,
    source: Source,
    puller: Callable[..., Pull],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync, "PAGE", 3)
    source.tell(people=[file_of(number(place)) for place in range(7)])
    assert run(puller()) == 7
    assert len(versions(database)) == 7
    assert entitled(database, ring, number(4)) is True
    source.tell(people=[file_of(number(4), 2, opdrachten=[])])
    assert run(puller(lambda: NOW + sync.LEASE)) == 1
    assert sorted(versions(database).values()) == [1] * 6 + [2]
    assert entitled(database, ring, number(4)) is False


def test_one_person_in_a_page_twice_is_asked_about_once(
    database: Database, source: Source, puller: Callable[..., Pull]
) -> None:
    source.tell(people=[file_of(number(0), version) for version in (1, 2, 3)], faults=[])
    assert run(puller()) == 1
    assert source.asked(f"POST {epd.STATUS_PATH}") == 1
    assert list(versions(database).values()) == [3]


def test_a_replaced_number_moves_the_person(
    database: Database, ring: KeyRing, source: Source, puller: Callable[..., Pull]
) -> None:
    old, new = number(0), number(1)
    source.tell(people=[file_of(old)])
    pull = puller()
    run(pull)
    source.tell(forgotten=[old], replaced={old: new})
    source.tell(people=[file_of(new, 2)])
    run(pull)
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Teacher)).one() == 1
    assert entitled(database, ring, new) is True


@pytest.mark.parametrize("kind", ["down", "throttled", "bad-gateway", "unauthorized"])
def test_trouble_that_passes_is_waited_out(
    database: Database, source: Source, puller: Callable[..., Pull], kind: str
) -> None:
    source.tell(
        people=[file_of(number(place)) for place in range(3)],
        faults=[
            {"kind": kind, "times": 2, "path": "/v1/mutaties"},
            {"kind": kind, "times": 2, "path": "/v1/personeelsleden"},
        ],
    )
    assert run(puller()) == 3
    assert len(versions(database)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": kind, "times": 1000, "path": path}
        for kind in ("down", "garbage", "huge")
        for path in ("/v1/mutaties", "/v1/personeelsleden", epd.TOKEN_PATH)
    ],
    ids=lambda fault: f"{fault['kind']} at {fault['path']}",
)
def test_a_source_that_fails_moves_nothing_and_takes_nothing_away(
    database: Database,
    ring: KeyRing,
    source: Source,
    puller: Callable[..., Pull],
    fault: dict[str, Any],
) -> None:
    source.tell(people=[file_of(number(0))])
    pull = puller()
    run(pull)
    before = state(database)
    source.tell(
        people=[file_of(number(0), 2, opdrachten=[])],
        faults=[fault],
        end_tokens=True,
    )
    with pytest.raises(Unavailable):
        pull.step()
    after = state(database)
    assert (after.cursor, after.heard_at) == (before.cursor, before.heard_at)
    assert entitled(database, ring, number(0)) is True
    source.tell(faults=[])
    run(pull)
    assert entitled(database, ring, number(0)) is False


def test_a_source_that_keeps_failing_is_left_alone_for_a_while(
    source: Source, puller: Callable[..., Pull]
) -> None:
    source.tell(faults=[{"kind": "down", "times": 1000, "path": "/v1/mutaties"}])
    pull = puller(patience=Patience(first_pause_s=0.01, longest_pause_s=0.02, failures=3))
    for _ in range(4):
        with pytest.raises(Unavailable):
            pull.step()
    assert source.asked(f"GET {epd.CHANGES_PATH}") == 3


def test_a_clear_no_about_one_person_holds_nobody_up(
    database: Database, source: Source, puller: Callable[..., Pull]
) -> None:
    source.tell(
        people=[file_of(number(place)) for place in range(5)],
        faults=[{"kind": "denied", "times": 1, "path": "/v1/personeelsleden"}],
    )
    step = puller().step()
    assert (step.persons, step.refused, step.more) == (5, 1, False)
    assert len(versions(database)) == 4


def test_a_broken_item_in_the_feed_holds_nobody_up(
    database: Database, source: Source, puller: Callable[..., Pull]
) -> None:
    source.tell(feed=[{"insz": "84022999511"}, {"insz": None}, {"soort": "PERSOON"}])
    source.tell(people=[file_of(number(0))])
    assert run(puller()) == 1
    assert len(versions(database)) == 1


def test_a_cursor_that_is_kept_no_more_leads_to_everybody_anew(
    database: Database,
    ring: KeyRing,
    source: Source,
    puller: Callable[..., Pull],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync, "PAGE", 2)
    source.tell(people=[file_of(number(place)) for place in range(5)])
    pull = puller()
    run(pull)
    # A change that no feed tells of any more.
    source.tell(people=[file_of(number(3), 2, opdrachten=[])], end_cursors=True)
    first = pull.step()
    assert (first.full, first.more, state(database).cursor) == (True, True, None)
    run(pull)
    assert state(database).full_since is None
    assert entitled(database, ring, number(3)) is False


def complete(database: Database) -> datetime | None:
    """When, for the statistics, the personnel file last said all it knows."""
    with database.reading() as session:
        return last_complete_snapshot(session)


def test_a_full_run_goes_on_where_it_was_interrupted(
    database: Database,
    source: Source,
    puller: Callable[..., Pull],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync, "PAGE", 2)
    source.tell(people=[file_of(number(place)) for place in range(5)])
    run(puller())
    source.tell(faults=[])
    later = NOW + sync.LEASE
    first = puller(lambda: later)
    assert first.begin_full() == 5
    first.step()
    # The process is gone; its lease ends.
    second = puller(lambda: later + sync.LEASE)
    assert second.begin_full() == 3
    assert complete(database) is None  # half of it is no answer about everybody
    run(second)
    assert source.asked(f"POST {epd.STATUS_PATH}") == 5
    assert state(database).full_since is None
    assert complete(database) == later + sync.LEASE


def test_of_two_pullers_one_works_until_its_lease_is_over(
    database: Database, source: Source, puller: Callable[..., Pull]
) -> None:
    source.tell(people=[file_of(number(0))])
    puller().step()
    with pytest.raises(Conflict):
        puller(lambda: NOW + sync.LEASE - timedelta(seconds=1)).step()
    heir = puller(lambda: NOW + sync.LEASE)
    heir.step()
    heir.finish()
    puller(lambda: NOW + sync.LEASE).step()
    assert len(versions(database)) == 1


def test_who_lost_the_lease_meanwhile_writes_nothing(
    database: Database,
    source: Source,
    puller: Callable[..., Pull],
) -> None:
    source.tell(people=[file_of(number(0))])
    quick = puller(lambda: NOW + sync.LEASE)

    class Slow(EpdClient):
        """Somebody else takes over while this one waits for an answer."""

        def status(self, *arguments: Any, **named: Any) -> EpdAnswer:
            """As always, but late."""
            answer = super().status(*arguments, **named)
            quick.step()
            return answer

    with pytest.raises(Conflict):
        puller(client_class=Slow).step()
    assert state(database).leased_until == NOW + 2 * sync.LEASE


# Files.


def write(path: Path, lines: list[str | bytes]) -> Path:
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines) + b"\n")
    return path


def lines_of(count: int) -> list[str | bytes]:
    return [json.dumps(file_of(number(place))) for place in range(count)]


def taken_in(database: Database, ring: KeyRing, path: Path, stop_after: int = 10**9) -> int:
    """Import and be killed after so many pages; how many lines the last page told of."""
    lines = 0
    for pages, step in enumerate(
        import_file(database, ring, path, policy=POLICY, clock=lambda: NOW)
    ):
        lines = step.lines
        if pages == stop_after:
            break
    return lines


def test_a_file_is_taken_in_and_bad_lines_are_named_without_their_content(
    database: Database, ring: KeyRing, tmp_path: Path
) -> None:
    broken = json.dumps(file_of("84022999511"))
    lines = [
        *lines_of(3),
        broken,
        "no json",
        b"\xff\xfe",
        "",
        b"x" * (importing.MAX_LINE_BYTES * 2),
    ]
    path = write(tmp_path / "file.jsonl", [*lines, *lines_of(5)[3:]])
    steps = list(import_file(database, ring, path, policy=POLICY, clock=lambda: NOW))
    faults = [fault for step in steps for fault in step.faults]
    assert [fault.line for fault in faults] == [4, 5, 6, 8]
    assert not any("84022999511" in fault.why or "no json" in fault.why for fault in faults)
    assert len(versions(database)) == 5
    assert steps[-1].position == path.stat().st_size


def test_an_import_goes_on_after_a_kill_and_reads_no_page_twice(
    database: Database, ring: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PAGE", 2)
    path = write(tmp_path / "file.jsonl", lines_of(9))
    assert taken_in(database, ring, path, stop_after=2) == 4
    assert len(versions(database)) == 4
    resumed = [
        step.lines for step in import_file(database, ring, path, policy=POLICY, clock=lambda: NOW)
    ]
    assert resumed == [4, 6, 8, 9]
    assert len(versions(database)) == 9
    with database.reading() as session:
        row = session.scalars(select(FileImport)).one()
    assert (row.lines, row.position, row.finished_at) == (9, path.stat().st_size, NOW)


def test_a_page_that_is_lost_is_lost_whole(
    database: Database, ring: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "file.jsonl", lines_of(3))
    moved = importing.merge.merge

    def cut(session: Session, *arguments: Any, **named: Any) -> Any:
        moved(session, *arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing.merge, "merge", cut)
        with pytest.raises(KeyboardInterrupt):
            taken_in(database, ring, path)
    assert versions(database) == {}
    taken_in(database, ring, path)
    assert len(versions(database)) == 3


def test_a_file_read_twice_changes_nothing(
    database: Database, ring: KeyRing, tmp_path: Path
) -> None:
    path = write(tmp_path / "file.jsonl", lines_of(3))
    taken_in(database, ring, path)
    before = versions(database)
    assert taken_in(database, ring, path) == 3
    assert versions(database) == before
