"""A copy holds everything of one moment, comes back whole or not at all, and opens no door."""

import json
import stat
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import fence, migrate
from app.cards import lifecycle, names
from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing
from app.cards.model import Card
from app.cards.names import Name
from app.db import Base, Database
from app.epd.pull.model import PullState
from app.errors import Conflict
from app.identity.model import AccessToken, OAuthClient, OAuthCredential, StoredAttempt, WebSession
from app.migrate import metadata
from app.recovery import copies
from tests.recovery.conftest import NOW, Change, Issue, status_of

# What a copy may not bring back as it was.
CHANGED = {"restore_fence", "epd_pull", "web_session", "login_attempt", "oauth_access_token"}


def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.reading() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for name, table in metadata().tables.items()
            if name not in CHANGED
        }


def open_doors(session: Session) -> None:
    """A session, a log-in under way and an access token."""
    session.add(OAuthClient(id="job", scopes="epd:write", created_at=NOW))
    session.flush()
    proof = OAuthCredential(client_id="job", name="one", secret_hash=b"s" * 32, created_at=NOW)
    session.add(proof)
    session.flush()
    session.add_all(
        [
            AccessToken(
                token_hash=b"t" * 32,
                credential_id=proof.id,
                scopes="epd:write",
                expires_at=NOW + timedelta(hours=1),
            ),
            WebSession(
                token_hash=b"w" * 32, authenticated_at=NOW, created_at=NOW, last_seen_at=NOW
            ),
            StoredAttempt(
                state_hash=b"a" * 32,
                browser_hash=b"b" * 32,
                issuer="https://login.example",
                nonce="n",
                code_verifier="v",
                return_to="/card",
                capacity="EA",
                step_up=False,
                created_at=NOW,
            ),
        ]
    )


def test_a_copy_comes_back_row_for_row_behind_the_fence_and_with_every_door_shut(
    *,
    database: Database,
    empty_database_url: str,
    issue: Issue,
    change: Change,
    ring: KeyRing,
    tmp_path: Path,
) -> None:
    cards = [issue(f"teacher {n}\t\\N\n") for n in range(3)]
    change(cards[1], lifecycle.suspend, 'why "not"\ttab')

    def name(session: Session) -> None:
        teacher = session.get_one(Card, cards[0]).teacher
        names.keep(ring.keys, teacher, Name("Zoë", "De\nÇ"))
        open_doors(session)

    database.transact(name)
    before = rows_of(database)
    path = tmp_path / "copy.zip"
    manifest = copies.take(database, path, now=NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert manifest.tables["card"].rows == 3
    assert set(manifest.tables) == set(metadata().tables)
    # What happens after a copy is not in it.
    change(cards[2], lifecycle.revoke, "lost")
    copies.put_back(path, empty_database_url, above=0, now=NOW)
    with closing(Database(empty_database_url)) as back:
        assert rows_of(back) == before
        assert status_of(back, cards[2])[0] is CardStatus.ACTIVE
        assert migrate.check(empty_database_url) == []
        with back.reading() as session:
            stands = fence.standing(session)
            assert (stands.epoch, stands.raised_at, stands.merged) == (1, NOW, False)
            for doors in (WebSession, StoredAttempt, AccessToken):
                assert session.scalars(select(func.count()).select_from(doors)).one() == 0
            assert session.scalars(select(PullState.full_since)).one() == NOW


def test_a_copy_of_a_copy_is_of_a_later_epoch(
    database: Database, empty_database_url: str, tmp_path: Path
) -> None:
    database.transact(lambda session: fence.put_up(session, why="before", above=6, now=NOW))
    database.transact(fence.release)
    copies.take(database, tmp_path / "copy.zip", now=NOW)
    copies.put_back(tmp_path / "copy.zip", empty_database_url, above=9, now=NOW)
    with closing(Database(empty_database_url)) as back, back.reading() as session:
        assert fence.standing(session).epoch == 10


def test_an_older_copy_is_never_written_over(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    path.write_bytes(b"older")
    with pytest.raises(FileExistsError):
        copies.take(database, path, now=NOW)
    assert path.read_bytes() == b"older"


def test_a_copy_is_not_put_over_what_is_there(
    database: Database, database_url: str, issue: Issue, tmp_path: Path
) -> None:
    card = issue("somebody")
    copies.take(database, tmp_path / "copy.zip", now=NOW)
    with pytest.raises(Conflict, match=r"put it aside|into an empty one"):
        copies.put_back(tmp_path / "copy.zip", database_url, above=0, now=NOW)
    assert status_of(database, card)[0] is CardStatus.ACTIVE


def test_a_copy_that_lost_rows_is_refused_and_leaves_nothing_behind(
    database: Database, empty_database_url: str, issue: Issue, tmp_path: Path
) -> None:
    issue("somebody")
    whole, short = tmp_path / "whole.zip", tmp_path / "short.zip"
    copies.take(database, whole, now=NOW)
    with zipfile.ZipFile(whole) as one, zipfile.ZipFile(short, "w") as other:
        for name in one.namelist():
            content = one.read(name)
            if name == copies.MANIFEST:
                document = json.loads(content)
                document["tables"]["card"]["rows"] += 1
                content = json.dumps(document).encode()
            other.writestr(name, content)
    with pytest.raises(Conflict, match="card has 1 rows instead of 2"):
        copies.put_back(short, empty_database_url, above=0, now=NOW)
    copies.put_back(whole, empty_database_url, above=0, now=NOW)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_whole_copy_is_refused_before_anything_is_done(
    database: Database, empty_database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "copy.zip"
    copies.take(database, path, now=NOW)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (b"", b"no archive", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(Conflict, match=r"no copy|damaged"):
            copies.put_back(path, empty_database_url, above=0, now=NOW)
    path.write_bytes(whole)
    with pytest.raises(Conflict, match="The copy is of sqlite"):
        copies.put_back(path, "postgresql://localhost/nowhere", above=0, now=NOW)


def test_a_filled_database_of_every_revision_comes_up_to_this_release(
    empty_database_url: str, tmp_path: Path
) -> None:
    """Filled as its own tables allow, copied, and put back: what an upgrade years later does."""
    for revision in migrate.revisions():
        with closing(Database(empty_database_url)) as database:
            migrate.upgrade(empty_database_url, revision)
            database.transact(lambda session: session.execute(text(A_TEACHER)))
            path = tmp_path / f"{revision}.zip"
            assert copies.take(database, path, now=NOW).revision == revision
            migrate.upgrade(empty_database_url)
            with database.reading() as session:
                count = select(func.count()).select_from(Base.metadata.tables["teacher"])
                assert session.scalars(count).one() == 1
            assert migrate.check(empty_database_url) == []
            migrate.clear(empty_database_url)
        if empty_database_url.startswith("sqlite"):
            Path(empty_database_url.removeprefix("sqlite:///")).unlink()
        copies.put_back(path, empty_database_url, above=0, now=NOW)
        assert migrate.check(empty_database_url) == []
        migrate.clear(empty_database_url)


A_TEACHER = (
    "INSERT INTO teacher (id, insz_pseudonym, pepper_id, created_at) VALUES "
    "('01990000000070008000000000000001', '12345678901234567890123456789012', 1,"
    " '2026-11-24 10:00:00')"
)
