"""What took a card away outlives any copy of the database that does not know it."""

import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from app import fence
from app.cards import keyring, lifecycle
from app.cards.entitlement import CardStatus, EntitlementReason
from app.cards.keyring import KeyRing
from app.cards.model import CardEvent
from app.db import Database, uuid7
from app.recovery import copies, journal
from app.recovery.journal import Journal
from tests.recovery.conftest import NOW, Change, Issue, status_of

Keep = Callable[[], int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "elsewhere" / "revocation-journal"


@pytest.fixture
def keep(database: Database, ring: KeyRing, path: Path) -> Keep:
    """One step of a worker that stays."""
    kept = Journal(path)
    return lambda: kept.keep(database, ring.keys, now=NOW)


def events(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith("event")]


def restored(database: Database, url: str, tmp_path: Path, after: Callable[[], None]) -> Database:
    """Another database from a copy of the first, taken before `after` happened there."""
    copies.take(database, tmp_path / "copy.zip", now=NOW)
    after()
    copies.put_back(tmp_path / "copy.zip", url, above=0, now=NOW)
    return Database(url)


def test_what_takes_a_card_away_is_written_down_once_and_names_nobody(
    issue: Issue, change: Change, keep: Keep, path: Path
) -> None:
    lost, kept = issue("one"), issue("two")
    keep()
    assert events(path) == []
    change(lost, lifecycle.revoke, "lost")
    change(kept, lifecycle.suspend, "office, about somebody's child")
    assert keep() == 2
    assert keep() == 0
    assert [line.split()[3] for line in events(path)] == ["revoked", "suspended"]
    written = path.read_text()
    assert not any(found in written for found in (lost.hex, str(lost), str(kept), "child"))
    assert path.stat().st_mode & 0o077 == 0


def test_every_worker_has_a_whole_journal_and_two_can_share_one(
    database: Database, ring: KeyRing, issue: Issue, change: Change, tmp_path: Path
) -> None:
    shared = [Journal(tmp_path / "shared"), Journal(tmp_path / "shared")]
    for who in range(4):
        change(issue(str(who)), lifecycle.revoke, "lost")
        shared[who % 2].keep(database, ring.keys, now=NOW)
    assert len(events(tmp_path / "shared")) == 4
    Journal(tmp_path / "late").keep(database, ring.keys, now=NOW)
    assert events(tmp_path / "late") == events(tmp_path / "shared")


def test_an_event_that_was_committed_late_is_not_passed_over(
    database: Database, issue: Issue, change: Change, keep: Keep, path: Path
) -> None:
    early, card = uuid7(), issue("one")
    change(card, lifecycle.revoke, "lost")
    keep()
    late = CardEvent(id=early, card_id=card, what="suspended", why="late", at=NOW)
    database.transact(lambda session: session.add(late))
    assert keep() == 1
    assert str(early) in events(path)[-1]


def test_half_a_line_after_a_crash_costs_nothing(
    database: Database, ring: KeyRing, issue: Issue, change: Change, path: Path
) -> None:
    change(issue("one"), lifecycle.revoke, "lost")
    Journal(path).keep(database, ring.keys, now=NOW)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    Journal(path).keep(database, ring.keys, now=NOW)
    assert events(path)[-1] == whole.decode().splitlines()[-1]


def test_no_card_that_was_taken_away_after_a_copy_is_in_force_again(
    *,
    database: Database,
    empty_database_url: str,
    ring: KeyRing,
    issue: Issue,
    change: Change,
    keep: Keep,
    path: Path,
    tmp_path: Path,
) -> None:
    lost, ended, withheld, given_back, fine, key_gone = cards = [issue(str(n)) for n in range(6)]
    keep()

    def after() -> None:
        change(key_gone, lifecycle.revoke, "lost")
        keep()
        keyring.rotate(tmp_path / "ring", "audit", now=NOW)
        change(lost, lifecycle.revoke, "lost")
        change(ended, lifecycle.end, "year-over")
        change(withheld, lifecycle.suspend, EntitlementReason.NOT_EMPLOYED)
        change(given_back, lifecycle.suspend, "mistake")
        change(given_back, lifecycle.resume, "mistake")
        keep()

    with closing(restored(database, empty_database_url, tmp_path, after)) as back:
        assert {status_of(back, card)[0] for card in cards} == {CardStatus.ACTIVE}
        assert journal.merge(back, [path], keys=ring.keys, now=NOW) == 4
        statuses = {card: status_of(back, card) for card in cards}
        assert statuses[lost][0] is statuses[key_gone][0] is CardStatus.REVOKED
        assert statuses[ended][0] is CardStatus.ENDED
        assert statuses[withheld] == (CardStatus.SUSPENDED, EntitlementReason.NOT_EMPLOYED)
        assert statuses[given_back][0] is statuses[fine][0] is CardStatus.ACTIVE
        with back.reading() as session:
            assert fence.standing(session).merged
        assert journal.merge(back, [path], keys=ring.keys, now=NOW) == 0


def test_a_worker_mends_a_database_that_was_put_back_behind_its_back(
    *,
    database: Database,
    empty_database_url: str,
    ring: KeyRing,
    issue: Issue,
    change: Change,
    path: Path,
    tmp_path: Path,
) -> None:
    card = issue("one")
    first = issue("two")
    worker = Journal(path)
    change(first, lifecycle.revoke, "lost")
    worker.keep(database, ring.keys, now=NOW)

    def after() -> None:
        change(card, lifecycle.revoke, "lost")
        worker.keep(database, ring.keys, now=NOW)

    with closing(restored(database, empty_database_url, tmp_path, after)) as back:
        # As a snapshot of a disk would come back: nobody put up a fence.
        back.transact(fence.release)
        back.transact(lambda session: fence._set(session, epoch=0))  # noqa: SLF001 - as it was
        for _ in range(3):
            worker.keep(back, ring.keys, now=NOW)
        assert status_of(back, card)[0] is CardStatus.REVOKED
        with back.reading() as session:
            stands = fence.standing(session)
        assert (stands.epoch, stands.raised_at, stands.merged) == (1, NOW, True)
        assert "epoch 1" in path.read_text().splitlines()
        # And that is all: the next step finds nothing amiss.
        worker.keep(back, ring.keys, now=NOW + timedelta(seconds=1))
        with back.reading() as session:
            assert fence.standing(session) == stands


def test_a_journal_that_begins_after_the_copy_vouches_for_nothing(
    database: Database, keep: Keep, path: Path
) -> None:
    database.transact(lambda session: fence.put_up(session, why="copy", now=NOW))
    keep()
    with database.reading() as session:
        assert not fence.standing(session).merged
    assert path.read_text() == "epoch 1\n"


def test_only_a_whole_hearing_that_began_behind_a_merged_fence_takes_it_down(
    database: Database,
) -> None:
    def up() -> bool:
        with database.reading() as session:
            return fence.standing(session).raised_at is not None

    database.transact(lambda session: fence.put_up(session, why="copy", now=NOW))
    heard = NOW + timedelta(minutes=1)
    database.transact(lambda session: fence.heard_everybody(session, began=heard))
    assert up()
    database.transact(lambda session: fence.note_merged(session, epoch=1))
    before = NOW - timedelta(seconds=1)
    database.transact(lambda session: fence.heard_everybody(session, began=before))
    assert up()
    database.transact(lambda session: fence.heard_everybody(session, began=heard))
    assert not up()


def test_a_card_is_named_by_another_code_under_another_key() -> None:
    card = uuid.UUID(int=1)
    assert journal.code_of(card, b"a" * 32) != journal.code_of(card, b"b" * 32)
    assert len(journal.code_of(card, b"a" * 32)) == 32
