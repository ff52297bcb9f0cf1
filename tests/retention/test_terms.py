"""Everything about a person ends by its term, in batches, and leaves the counts as they were."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle, names, teachers
from app.cards.card_year import card_year
from app.cards.entitlement import CardStatus, PersonnelStatus
from app.cards.keyring import KeyRing, Keys
from app.cards.model import Card, CardEvent, Teacher, WalletPass
from app.cards.names import Name
from app.cards.token import Carrier
from app.db import Base, Database, uuid7
from app.epd.messages import Snapshot, checked_insz
from app.epd.model import PersonnelRecord, store
from app.identity import sessions
from app.identity.model import WebSession
from app.passes.codes import SHOWN, content_of
from app.passes.google.object import generic_object
from app.passes.model import DeviceRegistration
from app.retention.erasure import erase
from app.retention.export import export
from app.retention.terms import BATCH, Term, terms
from app.statistics import counting
from app.verification import partners
from app.verification.model import Scan
from app.web.privacy_texts import KEPT

TERMS = {term.name: term for term in terms(scan_link_days=90)}
INSZ = checked_insz("84022999510")


@pytest.fixture
def keys(tmp_path: Path, now: datetime) -> Keys:
    keyring.init(tmp_path, environment="demo", now=now)
    return KeyRing(tmp_path).keys


class Person:
    """A teacher with all that can be kept of one: card, passes, phone, file, session, checks."""

    def __init__(self, database: Database, keys: Keys, now: datetime, *, checks: int = 3) -> None:
        self._database = database
        self._keys = keys
        self.pseudonym = INSZ.pseudonym(keys.active("pepper").value)
        self.id = database.transact(lambda session: self._made(session, now, checks))

    def _made(self, session: Session, now: datetime, checks: int) -> Any:
        teacher = teachers.know(session, self.pseudonym, pepper_id=1, now=now)
        teacher.entitled = True
        teacher.heard_at = now
        names.keep(self._keys, teacher, Name("Annelies", "Peeters"))
        year = card_year(now.year)
        card = lifecycle.issue(session, teacher, year=year, initials=500, why="employed", now=now)
        apple = lifecycle.add_pass(session, card, Carrier.APPLE, keys=self._keys, now=now)
        session.add(
            DeviceRegistration(
                device_library_identifier="a" * 32,
                pass_id=apple.id,
                push_token="b" * 64,
                registered_at=now,
                last_seen_at=now,
            )
        )
        status = PersonnelStatus(employments=())
        file = Snapshot(insz=INSZ, version=1, changed_at=now, postcode="9000", status=status)
        store(session, teacher.id, file, now=now, insz_encrypted=b"sealed")
        sessions.begin_session(
            session, teacher_id=teacher.id, sealed_person=b"x", authenticated_at=now, now=now
        )
        partner = partners.add_partner(session, "Museum", category="demo", now=now)
        till = partners.add_till(session, partner, "Kassa 1", now=now)
        for number in range(checks):
            session.add(
                Scan(
                    id=uuid7(),
                    partner_id=partner.id,
                    till_id=till.id,
                    card_id=card.id,
                    pass_id=apple.id,
                    at=now + timedelta(seconds=number),
                    channel="till",
                    carrier=Carrier.APPLE,
                    valid=True,
                    reason="ok",
                    cause="ok",
                    code_digest=b"digest",
                    accepted_moment=number,
                    counted_at=now + timedelta(hours=2),
                )
            )
        return teacher.id

    def rows(self, table: type[Base]) -> int:
        """How many rows a table has."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def linked_checks(self) -> int:
        """How many checks still say whose card it was."""
        with self._database.reading() as session:
            return len(session.scalars(select(Scan).where(Scan.card_id.is_not(None))).all())


@pytest.fixture
def person(database: Database, keys: Keys, now: datetime) -> Person:
    return Person(database, keys, now)


def ended(database: Database, term: Term, now: datetime) -> int:
    """What a worker does: batches until nothing is due; how many rows that were."""
    total = 0
    while count := database.transact(lambda session: term.end(session, now)):
        assert count <= 2 * BATCH
        total += count
    return total


def test_every_term_is_told_to_people() -> None:
    assert list(TERMS) == list(KEPT)


def test_a_check_that_the_counters_do_not_have_stays_with_its_card(
    database: Database, keys: Keys, now: datetime
) -> None:
    person = Person(database, keys, now, checks=3)
    late = now + timedelta(days=91)
    uncounted = update(Scan).where(Scan.at > now).values(counted_at=None)
    database.transact(lambda session: session.execute(uncounted))
    assert ended(database, TERMS["scan-links"], late) == 1
    counting.count(database, now=late)
    assert ended(database, TERMS["scan-links"], late) == 2
    assert person.linked_checks() == 0


def test_a_check_is_parted_from_the_card_after_its_term_and_goes_on_counting(
    database: Database, keys: Keys, now: datetime
) -> None:
    person = Person(database, keys, now, checks=BATCH + 50)
    term = TERMS["scan-links"]
    assert ended(database, term, now + timedelta(days=90)) == 0
    at_the_hundredth = now + timedelta(days=90, seconds=100)
    assert ended(database, term, at_the_hundredth) == 100
    assert person.linked_checks() == BATCH - 50
    assert ended(database, term, now + timedelta(days=91)) == BATCH - 50
    assert (person.linked_checks(), person.rows(Scan)) == (0, BATCH + 50)
    with database.reading() as session:
        cut = {(s.pass_id, s.code_digest, s.accepted_moment) for s in session.scalars(select(Scan))}
    assert cut == {(None, b"", None)}


def test_phones_are_forgotten_a_month_after_their_card_is_over(
    database: Database, person: Person, now: datetime
) -> None:
    term = TERMS["devices"]
    assert ended(database, term, now + timedelta(days=300)) == 0

    def stop(session: Session) -> None:
        lifecycle.revoke(session, session.scalars(select(Card)).one(), why="lost", now=now)

    database.transact(stop)
    assert ended(database, term, now + timedelta(days=29)) == 0
    assert ended(database, term, now + timedelta(days=31)) == 1
    assert person.rows(DeviceRegistration) == 0


def test_who_has_no_right_any_more_is_forgotten_after_the_year_that_follows(
    database: Database, person: Person, now: datetime
) -> None:
    term = TERMS["former-holders"]
    new_year = datetime(now.year + 2, 1, 1, tzinfo=UTC)
    assert ended(database, term, new_year) == 0  # still entitled

    def leave(session: Session) -> None:
        session.get_one(Teacher, person.id).entitled = False

    database.transact(leave)
    assert ended(database, term, new_year - timedelta(days=1)) == 0
    assert ended(database, term, new_year) == 1
    assert _nothing_leads_to(database, person)
    with database.reading() as session:
        [left] = session.scalars(select(Teacher)).all()
        assert left.insz_pseudonym != person.pseudonym


def test_who_never_had_a_card_is_forgotten_after_the_year_that_follows_their_last_news(
    database: Database, now: datetime
) -> None:
    database.transact(lambda session: teachers.know(session, b"p" * 32, pepper_id=1, now=now))
    term = TERMS["former-holders"]
    assert ended(database, term, datetime(now.year + 1, 12, 31, tzinfo=UTC)) == 0
    assert ended(database, term, datetime(now.year + 2, 1, 1, tzinfo=UTC)) == 1


def test_an_erasure_leaves_what_counts_and_nothing_of_whom(
    database: Database, person: Person, now: datetime
) -> None:
    counted = (Card, CardEvent, Scan, WalletPass)
    before = [person.rows(table) for table in counted]
    database.transact(lambda session: erase(session, person.id, now=now))
    after = [person.rows(table) for table in counted]
    assert after == [before[0], before[1] + 1, before[2], before[3]]  # one event: the revocation
    assert _nothing_leads_to(database, person)
    with database.reading() as session:
        card = session.scalars(select(Card)).one()
        assert (card.status, card.status_reason) == (CardStatus.REVOKED, "request")
        # The pass lags, so delivery brings its void state to every phone that has it.
        apple = session.scalars(select(WalletPass)).one()
        assert apple.revision > apple.pushed_revision
    assert person.rows(DeviceRegistration) == 1


def test_the_void_pass_of_somebody_who_was_erased_shows_nothing_of_them(
    database: Database, person: Person, keys: Keys, now: datetime
) -> None:
    database.transact(lambda session: erase(session, person.id, now=now))
    with database.reading() as session:
        apple = session.scalars(select(WalletPass).options(SHOWN)).one()
    content = content_of(apple, keys=keys, base="HTTPS://KAART.EXAMPLE")
    assert (content.holder_name, content.status) == ("", CardStatus.REVOKED)
    assert content.card_number != apple.card.number
    google = generic_object(content, issuer_id="1", class_id="1.c", totp_key=b"k" * 20)
    assert apple.card.number not in str(google)
    assert "rotatingBarcode" not in google


def test_the_mark_of_an_erasure_is_nobodys_card_and_ends_too(
    database: Database, person: Person, now: datetime
) -> None:
    database.transact(lambda session: erase(session, person.id, now=now))
    with database.reading() as session:
        by_pseudonym = select(Teacher).where(Teacher.insz_pseudonym == person.pseudonym)
        mark = session.scalars(by_pseudonym).one()
    assert (mark.name, mark.data_key, mark.entitled, mark.erased_at) == (None, None, None, now)
    term = TERMS["erasures"]
    assert ended(database, term, datetime(now.year + 1, 12, 31, tzinfo=UTC)) == 0

    def spoken_of_again(session: Session) -> None:
        session.get_one(Teacher, mark.id).heard_at = now + timedelta(days=200)

    database.transact(spoken_of_again)
    assert ended(database, term, datetime(now.year + 2, 1, 1, tzinfo=UTC)) == 0
    assert ended(database, term, datetime(now.year + 3, 1, 1, tzinfo=UTC)) == 1
    # The row that the cards of nobody hang on stays with them.
    assert person.rows(Teacher) == 1


def test_the_export_holds_everything_that_is_kept(
    database: Database, person: Person, keys: Keys, now: datetime
) -> None:
    with database.reading() as session:
        told = export(session, person.id, keys=keys, terms=list(TERMS.values()), now=now)
    assert told["person"]["name"] == {"given": "Annelies", "family": "Peeters"}
    [record] = told["personnel_records"]
    assert (record["source"], record["home_province"]) == ("EPD", "BE-VOV")
    [card] = told["cards"]
    assert [event["what"] for event in card["events"]] == ["issued", "pass-added"]
    assert len(card["passes"][0]["devices"]) == 1
    assert [check["partner"] for check in told["checks"]] == ["Museum"] * 3
    assert len(told["log_ins"]) == 1
    assert told["kept_for"]["scan-links"] == "PT7776000S"
    assert INSZ.digits not in str(told)


def test_the_tables_that_lead_to_a_person_are_all_thought_of() -> None:
    """Whoever adds one decides what an erasure and an export do with it, then adds it here."""
    lead = {"teacher", "card", "wallet_pass", "web_session"}
    found = {
        table.name
        for table in Base.metadata.tables.values()
        if {key.column.table.name for key in table.foreign_keys} & lead
    }
    assert found == {
        "card",
        "card_event",
        "card_flags",
        "device_registration",
        "epd_person",
        "google_holding",
        "handoff",
        "live_device",
        "notice",
        "notice_subscription",
        "office_case",
        "office_proposal",
        "pass_delivery",
        "scan",
        "wallet_pass",
        "web_session",
        "webshop_code",
    }


def _nothing_leads_to(database: Database, person: Person) -> bool:
    """Whether no row says anything of whose cards and checks these were."""
    with database.reading() as session:
        nobody = session.get_one(Teacher, person.id)
        initials = session.scalars(select(Card.initials)).all()
    kept = (nobody.name, nobody.data_key, nobody.heard_at, nobody.entitled, nobody.review_on)
    left = [person.linked_checks(), person.rows(PersonnelRecord), person.rows(WebSession)]
    return (
        set(kept) == {None}
        and nobody.insz_pseudonym != person.pseudonym
        and set(initials) <= {0}
        and left == [0, 0, 0]
    )
