"""Cards and passes as rows: what each verb changes, and what no race may break."""

import multiprocessing
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle, names, own_key, teachers
from app.cards.activation import confirm
from app.cards.card_year import card_year
from app.cards.entitlement import CardStatus, Entitlement, EntitlementReason
from app.cards.keyring import KeyRing
from app.cards.model import Card, CardEvent, Teacher, WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.errors import Conflict

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PSEUDONYM = b"a pseudonym of thirty-two bytes."
REQUESTS = 64


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """A fresh key ring."""
    keyring.init(tmp_path / "keys", environment="demo", now=NOW)
    return KeyRing(tmp_path / "keys")


@pytest.fixture
def card_id(database: Database, ring: KeyRing) -> uuid.UUID:
    """An active card with a web and an Apple pass."""
    return database.transact(lambda session: _issue(session, ring).id)


def _issue(session: Session, ring: KeyRing) -> Card:
    teacher = teachers.know(session, PSEUDONYM, pepper_id=1, now=NOW)
    card = lifecycle.issue(
        session, teacher, year=card_year(2026), initials=182, why="employed", now=NOW
    )
    for carrier in (Carrier.WEB, Carrier.APPLE):
        lifecycle.add_pass(session, card, carrier, keys=ring.keys, now=NOW)
    return card


def _entitled(reason: EntitlementReason) -> Entitlement:
    return Entitlement(reason, since=None, until=None, employment=None)


def _card(session: Session, card_id: uuid.UUID) -> Card:
    return session.get_one(Card, card_id)


def _refresh(
    database: Database, card_id: uuid.UUID, reason: EntitlementReason, *, year: int = 2026
) -> Card:
    def work(session: Session) -> Card:
        card = _card(session, card_id)
        lifecycle.refresh(session, card.teacher, _entitled(reason), year=card_year(year), now=NOW)
        return card

    return database.transact(work)


def _events(database: Database, card_id: uuid.UUID) -> list[tuple[str, str]]:
    found = select(CardEvent.what, CardEvent.why).where(CardEvent.card_id == card_id)
    with database.reading() as session:
        return [(what, why) for what, why in session.execute(found.order_by(CardEvent.id))]


def test_issuing_twice_gives_the_same_card(
    database: Database, ring: KeyRing, card_id: uuid.UUID
) -> None:
    assert database.transact(lambda session: _issue(session, ring).id) == card_id
    assert _events(database, card_id) == [
        ("issued", "employed"),
        ("pass-added", "web"),
        ("pass-added", "apple"),
    ]


def test_losing_the_entitlement_suspends_and_regaining_it_resumes(
    database: Database, card_id: uuid.UUID
) -> None:
    suspended = _refresh(database, card_id, EntitlementReason.NOT_EMPLOYED)
    assert suspended.status is CardStatus.SUSPENDED
    assert _refresh(database, card_id, EntitlementReason.EMPLOYED).status is CardStatus.ACTIVE
    assert _events(database, card_id)[-2:] == [
        ("suspended", "not_employed"),
        ("resumed", "employed"),
    ]


@pytest.mark.parametrize("reason", [EntitlementReason.GRACE, EntitlementReason.SUMMER_BRIDGE])
def test_grace_and_summer_bridge_leave_the_card_active(
    reason: EntitlementReason, database: Database, card_id: uuid.UUID
) -> None:
    assert _refresh(database, card_id, reason).status is CardStatus.ACTIVE


def test_news_from_the_personnel_file_does_not_lift_a_suspension_by_a_person(
    database: Database, card_id: uuid.UUID
) -> None:
    database.transact(
        lambda session: lifecycle.suspend(session, _card(session, card_id), why="fraud", now=NOW)
    )
    refreshed = _refresh(database, card_id, EntitlementReason.EMPLOYED)
    assert refreshed.status is CardStatus.SUSPENDED


def test_a_death_ends_the_card(database: Database, card_id: uuid.UUID) -> None:
    ended = _refresh(database, card_id, EntitlementReason.DECEASED)
    assert ended.status is CardStatus.ENDED


def test_a_new_year_extends_the_same_card(database: Database, card_id: uuid.UUID) -> None:
    extended = _refresh(database, card_id, EntitlementReason.EMPLOYED, year=2027)
    assert extended.id == card_id
    assert extended.year == 2027
    assert _events(database, card_id)[-1] == ("extended", "2027")


def test_every_change_of_status_raises_the_revision_of_every_pass(
    database: Database, card_id: uuid.UUID
) -> None:
    database.transact(
        lambda session: lifecycle.revoke(session, _card(session, card_id), why="lost", now=NOW)
    )
    with database.reading() as session:
        passes = session.scalars(select(WalletPass)).all()
    assert [wallet_pass.revision for wallet_pass in passes] == [2, 2]


def test_two_changes_within_a_second_have_different_seconds(
    database: Database, card_id: uuid.UUID
) -> None:
    """Last-Modified counts whole seconds, so a phone would miss the second change."""
    _refresh(database, card_id, EntitlementReason.NOT_EMPLOYED)
    _refresh(database, card_id, EntitlementReason.EMPLOYED)
    with database.reading() as session:
        revised = session.scalars(select(WalletPass.revised_at)).first()
    assert revised == NOW + timedelta(seconds=2)


def test_a_revoked_card_never_comes_back(database: Database, card_id: uuid.UUID) -> None:
    def revoke_and_resume(session: Session) -> None:
        card = _card(session, card_id)
        lifecycle.revoke(session, card, why="lost", now=NOW)
        lifecycle.resume(session, card, why="found", now=NOW)

    with pytest.raises(Conflict):
        database.transact(revoke_and_resume)
    with database.reading() as session:
        assert _card(session, card_id).status is CardStatus.ACTIVE


def test_a_lost_card_is_replaced_by_one_with_another_number(
    database: Database, card_id: uuid.UUID
) -> None:
    def lose(session: Session) -> tuple[Card, Card]:
        card = _card(session, card_id)
        return card, lifecycle.reissue(session, card, why="lost", now=NOW)

    old, new = database.transact(lose)
    assert (old.status, new.status) == (CardStatus.REVOKED, CardStatus.ACTIVE)
    assert old.number != new.number
    assert old.teacher_id == new.teacher_id


@pytest.mark.parametrize("why", ["fraud", EntitlementReason.NOT_EMPLOYED])
def test_reporting_a_suspended_card_lost_does_not_lift_the_suspension(
    why: str, database: Database, card_id: uuid.UUID
) -> None:
    def suspend_and_lose(session: Session) -> Card:
        card = _card(session, card_id)
        lifecycle.suspend(session, card, why=why, now=NOW)
        return lifecycle.reissue(session, card, why="lost", now=NOW)

    new = database.transact(suspend_and_lose)
    assert (new.id == card_id, new.status, new.status_reason) == (False, CardStatus.SUSPENDED, why)


def test_a_rotated_pass_has_the_next_generation_under_the_newest_key(
    database: Database, ring: KeyRing, card_id: uuid.UUID, tmp_path: Path
) -> None:
    keyring.rotate(tmp_path / "keys", "token", now=NOW)

    def rotate(session: Session) -> WalletPass:
        wallet_pass = _card(session, card_id).passes[1]
        lifecycle.rotate(session, wallet_pass, keys=ring.keys, why="used", now=NOW)
        return wallet_pass

    rotated = database.transact(rotate)
    assert (rotated.generation, rotated.key_id, rotated.revision) == (2, 3, 2)
    assert rotated.code_issued_at % 3600 == 0


def test_a_late_acknowledgement_takes_nothing_back(database: Database, card_id: uuid.UUID) -> None:
    def acknowledge(session: Session) -> WalletPass:
        wallet_pass = _card(session, card_id).passes[1]
        later = NOW + timedelta(hours=1)
        for generation, at in ((3, NOW), (2, later)):
            confirm(session, wallet_pass.id, generation=generation, revision=3, now=at)
        return wallet_pass

    confirmed = database.transact(acknowledge)
    assert (confirmed.confirmed_generation, confirmed.confirmed_at) == (3, NOW)


def test_grace_begins_and_ends_on_the_card_and_every_phone_hears_of_it(
    database: Database, card_id: uuid.UUID
) -> None:
    grace = Entitlement(EntitlementReason.GRACE, None, NOW.date(), None)
    at_work = _entitled(EntitlementReason.EMPLOYED)

    def judged(entitlement: Entitlement) -> list[int]:
        def work(session: Session) -> list[int]:
            card = _card(session, card_id)
            lifecycle.refresh(session, card.teacher, entitlement, year=card_year(2026), now=NOW)
            return [one.revision for one in card.passes]

        return database.transact(work)

    before = judged(at_work)
    during = judged(grace)
    assert [one - 1 for one in during] == before
    assert _events(database, card_id)[-1] == ("grace", str(NOW.date()))
    assert judged(grace) == during
    assert [one - 1 for one in judged(at_work)] == during
    assert _events(database, card_id)[-1] == ("grace-over", "employed")


def test_a_name_is_unreadable_in_the_database_and_gone_once_erased(
    database: Database, ring: KeyRing, card_id: uuid.UUID
) -> None:
    def keep(session: Session) -> Teacher:
        teacher = _card(session, card_id).teacher
        names.keep(ring.keys, teacher, names.Name("Zoë", "Canary"))
        return teacher

    teacher = database.transact(keep)
    assert teacher.name
    assert b"Canary" not in teacher.name
    assert names.read(ring.keys, teacher) == names.Name("Zoë", "Canary")
    assert "Canary" not in repr(names.read(ring.keys, teacher))
    own_key.drop(teacher)
    assert names.read(ring.keys, teacher) is None


def test_a_number_that_was_replaced_moves_the_teacher(
    database: Database, card_id: uuid.UUID
) -> None:
    other = PSEUDONYM[::-1]

    def move(session: Session) -> tuple[uuid.UUID, bytes]:
        teacher = _card(session, card_id).teacher
        moved = teachers.move(session, teacher, other, now=NOW)
        return moved.id, moved.insz_pseudonym

    moved_id, pseudonym = database.transact(move)
    with database.reading() as session:
        assert _card(session, card_id).teacher_id == moved_id
    assert pseudonym == other


def test_a_replaced_number_that_we_know_already_leaves_one_card_in_force(
    database: Database, card_id: uuid.UUID
) -> None:
    other = PSEUDONYM[::-1]

    def move(session: Session) -> uuid.UUID:
        newer = teachers.know(session, other, pepper_id=1, now=NOW)
        moved = teachers.move(session, _card(session, card_id).teacher, other, now=NOW)
        assert moved.id == newer.id
        return moved.id

    database.transact(move)
    with database.reading() as session:
        assert _card(session, card_id).status is CardStatus.REVOKED


def _ask_many_times(database_url: str, directory: str, requests: int) -> None:
    ring, database = KeyRing(Path(directory)), Database(database_url)
    with ThreadPoolExecutor(requests) as pool:
        for answer in [
            pool.submit(database.transact, lambda session: _issue(session, ring).id)
            for _ in range(requests)
        ]:
            answer.result()
    database.close()


def test_64_requests_from_two_processes_make_one_card_and_one_pass_per_wallet(
    database_url: str, ring: KeyRing, tmp_path: Path
) -> None:
    assert ring.keys.environment == "demo"
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(
            target=_ask_many_times, args=(database_url, str(tmp_path / "keys"), REQUESTS // 2)
        )
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    database = Database(database_url)
    with database.reading() as session:
        cards = session.scalars(select(Card)).all()
        carriers = Counter(session.scalars(select(WalletPass.carrier)))
    database.close()
    assert [card.status for card in cards] == [CardStatus.ACTIVE]
    assert carriers == {Carrier.WEB: 1, Carrier.APPLE: 1}


@pytest.mark.parametrize("verb", [lifecycle.revoke, lifecycle.end], ids=["revoke", "end"])
def test_the_name_goes_with_the_last_card(
    verb: Callable[..., None], database: Database, ring: KeyRing, card_id: uuid.UUID
) -> None:
    def keep_and_close(session: Session) -> Teacher:
        card = _card(session, card_id)
        names.keep(ring.keys, card.teacher, names.Name("Zoë", "Canary"))
        verb(session, card, why="request", now=NOW)
        return card.teacher

    teacher = database.transact(keep_and_close)
    assert (teacher.data_key, teacher.name) == (None, None)


def test_a_replaced_card_keeps_the_name(
    database: Database, ring: KeyRing, card_id: uuid.UUID
) -> None:
    def keep_and_lose(session: Session) -> Teacher:
        card = _card(session, card_id)
        names.keep(ring.keys, card.teacher, names.Name("Zoë", "Canary"))
        lifecycle.reissue(session, card, why="lost", now=NOW)
        return card.teacher

    teacher = database.transact(keep_and_lose)
    assert names.read(ring.keys, teacher) == names.Name("Zoë", "Canary")
