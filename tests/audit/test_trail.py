"""Whoever changes the record of what people did is found out, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import audit
from app.audit import Act, AuditEntry, Head
from app.audit_check import Verdict, keep, kept, verify
from app.cards import keyring
from app.cards.keyring import KeyRing, Keys
from app.db import Database

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ACT = Act(
    actor="P0123456789abcdef",
    capacity="GID",
    organisation="OVO000001",
    action="card.revoke",
    object="card:0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77",
    purpose="phone stolen",
    details={"why": "lost", "passes": 2},
)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keyring.init(tmp_path, environment="demo", now=NOW)
    return KeyRing(tmp_path).keys


def write(database: Database, keys: Keys, count: int = 1) -> None:
    for minute in range(count):
        moment = NOW + timedelta(minutes=minute)
        database.transact(
            lambda session, at=moment: audit.record(session, ACT, key=keys.active("audit"), now=at)
        )


def sealed(database: Database, keys: Keys) -> Head | None:
    return database.transact(lambda session: audit.seal(session, key=keys.active("audit")))


def judged(database: Database, keys: Keys, *known: Head | None) -> Verdict:
    with database.reading() as session:
        return verify(
            session,
            find_key=keys.secrets["audit"].get,
            kept=tuple(head for head in known if head is not None),
        )


def test_a_record_that_nobody_touched_is_whole(database: Database, keys: Keys) -> None:
    write(database, keys, 3)
    head = sealed(database, keys)
    write(database, keys, 2)
    verdict = judged(database, keys, head)
    assert (verdict.head, verdict.waiting, verdict.faults) == (head, 2, ())
    assert verdict.head.position == 3


def test_an_empty_record_is_whole(database: Database, keys: Keys) -> None:
    assert sealed(database, keys) is None
    assert judged(database, keys) == Verdict(audit.NOTHING_YET, 0, ())


def test_an_act_that_is_undone_leaves_no_entry(database: Database, keys: Keys) -> None:
    def work(session: Session) -> None:
        audit.record(session, ACT, key=keys.active("audit"), now=NOW)
        raise LookupError

    with pytest.raises(LookupError):
        database.transact(work)
    assert judged(database, keys).waiting == 0


def _exec(statement: str) -> Callable[[Session], None]:
    return lambda session: session.execute(text(statement)) and None


def _swap(session: Session) -> None:
    one, other = session.scalars(
        select(AuditEntry).where(AuditEntry.position.in_([2, 3])).order_by(AuditEntry.position)
    )
    for position, entry in ((99, one), (2, other), (3, one)):
        entry.position = position
        session.flush()


def _insert(session: Session) -> None:
    """A forger with the whole table, but not the key, appends and renames the head."""
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.position.desc())).first()
    assert last is not None
    session.add(
        AuditEntry(
            at=NOW,
            **{name: getattr(ACT, name) for name in ("actor", "capacity", "organisation")},
            **{name: getattr(ACT, name) for name in ("action", "object", "purpose", "request_id")},
            details="{}",
            key_id=1,
            code=bytes(32),
            position=6,
            link_key_id=1,
            link=bytes(32),
        )
    )
    session.execute(text("UPDATE audit_head SET position = 6, link = :link"), {"link": bytes(32)})


TAMPERINGS = {
    "the reason is edited": _exec("UPDATE audit_entry SET purpose = 'x' WHERE position = 2"),
    "the actor is edited": _exec("UPDATE audit_entry SET actor = 'P9' WHERE position = 5"),
    "the details are edited": _exec("UPDATE audit_entry SET details = '{}' WHERE position = 1"),
    "the moment is edited": _exec(
        "UPDATE audit_entry SET at = '2026-11-23 10:00:00+00:00' WHERE position = 4"
    ),
    "an entry in the middle is deleted": _exec("DELETE FROM audit_entry WHERE position = 3"),
    "the first is deleted": _exec("DELETE FROM audit_entry WHERE position = 1"),
    "the last is deleted": _exec("DELETE FROM audit_entry WHERE position = 5"),
    "two change places": _swap,
    "one is deleted and the rest moves up": lambda session: (
        [
            session.execute(text(statement))
            for statement in (
                "DELETE FROM audit_entry WHERE position = 3",
                "UPDATE audit_entry SET position = 3 WHERE position = 4",
                "UPDATE audit_entry SET position = 4 WHERE position = 5",
                "UPDATE audit_head SET position = 4",
                "UPDATE audit_head SET link = (SELECT link FROM audit_entry WHERE position = 4)",
            )
        ]
        and None
    ),
    "one is inserted": _insert,
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_with_what_was_sealed_is_found(
    database: Database, keys: Keys, tampering: str
) -> None:
    write(database, keys, 5)
    sealed(database, keys)
    if database.is_sqlite and tampering == "the moment is edited":
        _exec_sqlite = _exec(
            "UPDATE audit_entry SET at = '2026-11-23 10:00:00.000000' WHERE position = 4"
        )
        database.transact(_exec_sqlite)
    else:
        database.transact(TAMPERINGS[tampering])
    assert judged(database, keys).faults


def test_a_cut_end_whose_head_was_put_back_is_found_by_the_head_kept_apart(
    database: Database, keys: Keys
) -> None:
    write(database, keys, 2)
    early = sealed(database, keys)
    assert early is not None
    write(database, keys, 2)
    late = sealed(database, keys)

    def cut(session: Session) -> None:
        session.execute(text("DELETE FROM audit_entry WHERE position > 2"))
        session.execute(
            text("UPDATE audit_head SET position = 2, link = :link"), {"link": early.link}
        )

    database.transact(cut)
    # What is left is a whole chain: only who remembers its end can tell.
    assert judged(database, keys, early).faults == ()
    assert judged(database, keys, late).faults == (
        "the end is cut off: 4 entries were sealed once, 2 are left",
    )


def test_a_record_that_was_emptied_is_found_by_the_head_kept_apart(
    database: Database, keys: Keys
) -> None:
    write(database, keys, 2)
    head = sealed(database, keys)
    database.transact(_exec("DELETE FROM audit_entry"))
    database.transact(_exec("DELETE FROM audit_head"))
    assert judged(database, keys, head).faults


def test_a_chain_that_was_written_anew_is_found_by_an_old_head(
    database: Database, keys: Keys
) -> None:
    write(database, keys, 2)
    head = sealed(database, keys)
    database.transact(_exec("DELETE FROM audit_entry"))
    database.transact(_exec("DELETE FROM audit_head"))
    write(database, keys, 3)
    sealed(database, keys)
    assert judged(database, keys, head).faults == ("entry 2 is another one than was sealed there",)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET purpose = 'x'", "UPDATE audit_entry SET key_id = 9"],
)
def test_tampering_with_what_waits_to_be_sealed_is_found_before_and_after(
    database: Database, keys: Keys, statement: str
) -> None:
    write(database, keys)
    database.transact(_exec(statement))
    assert judged(database, keys).faults
    sealed(database, keys)
    assert judged(database, keys).faults


def test_any_number_of_sealers_make_one_chain(database: Database, keys: Keys) -> None:
    write(database, keys, 30)

    def many(_: int) -> None:
        write(database, keys)
        sealed(database, keys)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(many, range(24)))
    sealed(database, keys)
    verdict = judged(database, keys)
    assert (verdict.head.position, verdict.waiting, verdict.faults) == (54, 0, ())


def test_a_long_backlog_is_sealed_in_bounded_batches(database: Database, keys: Keys) -> None:
    key = keys.active("audit")
    database.transact(
        lambda session: [
            audit.record(session, ACT, key=key, now=NOW) for _ in range(audit.BATCH + 1)
        ]
    )
    first, second = sealed(database, keys), sealed(database, keys)
    assert first is not None
    assert second is not None
    assert (first.position, second.position) == (audit.BATCH, audit.BATCH + 1)
    assert judged(database, keys, first, second).faults == ()


def test_the_chain_goes_on_under_a_new_key_and_a_revoked_one_still_proves_its_part(
    database: Database, tmp_path: Path
) -> None:
    keyring.init(tmp_path, environment="demo", now=NOW)
    ring = KeyRing(tmp_path)
    write(database, ring.keys, 2)
    sealed(database, ring.keys)
    keyring.revoke(tmp_path, "audit", 1, now=NOW)
    write(database, ring.keys, 2)
    sealed(database, ring.keys)
    with database.reading() as session:
        by_key = session.execute(
            select(AuditEntry.link_key_id, func.count()).group_by(AuditEntry.link_key_id)
        ).all()
    assert sorted(map(tuple, by_key)) == [(1, 2), (2, 2)]
    assert judged(database, ring.keys).faults == ()


def test_a_head_is_kept_beside_the_key_ring_and_never_moves_back(tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    early, late = Head(2, b"a" * 32), Head(5, b"b" * 32)
    keep(tmp_path, late)
    keep(tmp_path, early)
    assert kept(tmp_path) == late


@pytest.mark.parametrize("written", ["", "5", "x:00", "5:00", "5:zz"])
def test_what_is_no_head_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever reads numbers says what is wrong
        Head.read(written)
