"""The procedure's rules one by one, on the real recorder and both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from app.cards import totp
from app.cards.entitlement import CardStatus
from app.cards.model import Card, WalletPass
from app.cards.token import WALLET_LIFETIME_S, WEB_LIFETIME_S, Carrier, Tail, code, mint
from app.errors import Forbidden, Unauthenticated
from app.verification import partners
from app.verification.callers import caller_of
from app.verification.ledger import Ledger
from app.verification.model import Scan, TillKey
from app.verification.tills import read_key
from app.verification.verdict import Grade, Reason
from app.verification.verify import Examined, examine
from tests.verification.counter import BASE, Counter

NOW = int(datetime(2026, 11, 24, 10, 0, 10, tzinfo=UTC).timestamp())
PASS_NUMBER = 1234567890123456789
ANTWERP = partners.Place("2000", 51.2194, 4.4025)
GHENT = partners.Place("9000", 51.0543, 3.7174)
OSTEND = partners.Place("8400", 51.2247, 2.9155)


def body(counter: Counter, carrier: Carrier, *, at: int = NOW, **changes: Any) -> str:
    """A genuine code body of the active key."""
    values: dict[str, Any] = {
        "carrier": carrier,
        "pass_number": PASS_NUMBER,
        "issued_at": at,
        "lifetime_s": WEB_LIFETIME_S if carrier is Carrier.WEB else WALLET_LIFETIME_S,
        "initials": 182,
        "counter": None if carrier is Carrier.WEB else 1,
    }
    return mint(counter.ring.keys.signing_for(test=False), **(values | changes))


def web(counter: Counter, *, at: int = NOW) -> str:
    """A web code of the half minute of `at`."""
    return code(BASE, body(counter, Carrier.WEB, at=at))


def google(counter: Counter, *, at: int = NOW, digits: str | None = None) -> str:
    """A Google code with the tail of `at`, or with other digits."""
    right = totp.totp(
        counter.ring.keys.signing_for(test=False).totp_key(PASS_NUMBER, 1), at // totp.PERIOD_S
    )
    return code(BASE, body(counter, Carrier.GOOGLE), Tail(at, digits or right))


def apple(counter: Counter) -> str:
    """An Apple code of this hour."""
    return code(BASE, body(counter, Carrier.APPLE))


def test_the_next_web_code_always_works(counter: Counter) -> None:
    counter.place(web(counter))
    assert counter.show(web(counter), counter.key(), at=NOW).valid
    assert counter.show(web(counter, at=NOW + 30), counter.key("B"), at=NOW + 30).valid


def test_twenty_wrong_digits_suspend_the_check_for_that_partner_only(counter: Counter) -> None:
    right = google(counter)
    counter.place(right)
    guesser, other = counter.key("guesser"), counter.key("other")
    for number in range(20):
        wrong = google(counter, digits=f"{number:08}")
        assert counter.show(wrong, guesser, at=NOW + number).reason is Reason.BAD_SIGNATURE
    assert counter.show(right, guesser, at=NOW + 21).reason is Reason.SUSPENDED_CHECK
    assert counter.show(right, other, at=NOW + 22).valid


def test_five_minutes_after_the_wrong_digits_the_partner_may_check_again(counter: Counter) -> None:
    counter.place(google(counter))
    guesser = counter.key("guesser")
    for number in range(20):
        counter.show(google(counter, digits=f"{number:08}"), guesser, at=NOW)
    assert not counter.show(google(counter), guesser, at=NOW + 20).valid
    assert counter.show(google(counter, at=NOW + 301), guesser, at=NOW + 301).valid


def test_refusals_without_end_do_not_lengthen_what_later_checks_read(counter: Counter) -> None:
    counter.place(apple(counter))
    key = counter.key()
    assert counter.show(apple(counter), counter.key("B"), at=NOW).valid
    for second in range(5):
        too_low = counter.show(apple(counter), key, at=NOW + second, min_grade=Grade.LIVE)
        assert too_low.reason is Reason.GRADE_TOO_LOW
    examined = examine(apple(counter), counter.ring.keys, code_base=BASE)
    assert isinstance(examined, Examined)
    with counter.database.reading() as session:
        caller = caller_of(session, key)
        at = datetime.fromtimestamp(NOW + 9, UTC)
        ledger = Ledger(session, {key: caller}, [examined], at=at)
        state = ledger.state(examined, caller)
        assert [past.verdict.valid for past in ledger.past(state, caller)] == [True]


def test_the_eleventh_check_of_an_apple_code_in_a_day_asks_for_an_identity_card(
    counter: Counter,
) -> None:
    counter.place(apple(counter))
    verdicts = [
        counter.show(apple(counter), counter.key(f"shop {number}"), at=NOW + number)
        for number in range(11)
    ]
    assert all(verdict.valid for verdict in verdicts)
    assert [verdict.advice for verdict in verdicts] == [()] * 10 + [("check_id",)]


def test_two_places_far_apart_within_twenty_minutes_ask_for_an_identity_card(
    counter: Counter,
) -> None:
    counter.place(apple(counter))
    shown = [("antwerp", ANTWERP, 0), ("ghent", GHENT, 60), ("ostend", OSTEND, 120)]
    advice = [
        counter.show(apple(counter), counter.key_at(name, "1", place), at=NOW + after).advice
        for name, place, after in shown
    ]
    # Antwerp to Ghent is 51 km, Antwerp to Ostend 104 km.
    assert advice == [(), ("check_id",), ("check_id",)]


def test_the_same_two_places_an_hour_apart_are_ordinary(counter: Counter) -> None:
    counter.place(apple(counter))
    counter.show(apple(counter), counter.key_at("antwerp", "1", ANTWERP), at=NOW)
    later = counter.show(apple(counter), counter.key_at("ostend", "1", OSTEND), at=NOW + 3600)
    assert later.advice == ()


def test_a_typed_card_number_is_static_and_checked_against_the_card(counter: Counter) -> None:
    wallet_pass = counter.place(web(counter))
    with counter.database.reading() as session:
        number = session.get_one(Card, wallet_pass.card_id).number
    verdict = counter.show(f"{number[:4]}-{number[4:7]} {number[7:]}", counter.key(), at=NOW)
    assert verdict.valid
    assert verdict.grade is Grade.STATIC
    assert verdict.carrier is None


def test_a_typed_number_that_no_card_has_is_an_unknown_card(counter: Counter) -> None:
    wallet_pass = counter.place(web(counter))
    with counter.database.reading() as session:
        number = session.get_one(Card, wallet_pass.card_id).number
    other = "0000000000" if number != "0000000000" else "1111111118"
    assert counter.show(other, counter.key(), at=NOW).reason is Reason.UNKNOWN_CARD


def test_a_repeat_does_not_get_round_a_stricter_grade(counter: Counter) -> None:
    counter.place(apple(counter))
    key = counter.key()
    assert counter.show(apple(counter), key, at=NOW).valid
    strict = counter.show(apple(counter), key, at=NOW + 5, min_grade=Grade.LIVE)
    assert strict.reason is Reason.GRADE_TOO_LOW


def test_a_code_refused_for_its_grade_is_not_used_up(counter: Counter) -> None:
    counter.place(apple(counter))
    counter.show(apple(counter), counter.key(), at=NOW, min_grade=Grade.LIVE)
    assert counter.show(apple(counter), counter.key("B"), at=NOW + 1).valid


def test_a_live_card_at_a_till_with_a_test_key_is_an_unknown_card(counter: Counter) -> None:
    counter.place(web(counter))
    verdict = counter.show(web(counter), counter.key(test=True), at=NOW)
    assert verdict.reason is Reason.UNKNOWN_CARD


@pytest.mark.parametrize(
    "status", [CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.ENDED], ids=str
)
def test_partners_are_not_told_why_a_card_is_not_valid(
    status: CardStatus, counter: Counter
) -> None:
    counter.place(web(counter), status=status)
    verdict = counter.show(web(counter), counter.key(), at=NOW)
    assert verdict.reason is Reason.NOT_VALID
    assert verdict.cause == status
    assert verdict.expires_on is None


def test_a_card_year_that_is_over_ends_every_code(counter: Counter) -> None:
    counter.place(apple(counter), year=2025)
    assert counter.show(apple(counter), counter.key(), at=NOW).reason is Reason.EXPIRED


def test_a_card_made_this_moment_is_good_for_a_clock_that_knows_seconds_only(
    counter: Counter,
) -> None:
    counter.place(apple(counter), valid_from=datetime.fromtimestamp(NOW + 5, UTC))
    reasons = [
        counter.show(apple(counter), counter.key(f"at {early}"), at=NOW - early).reason
        for early in (0.1, 0)
    ]
    assert reasons == [Reason.NOT_YET_VALID, Reason.OK]


def test_every_verdict_leaves_one_scan_and_a_repeat_none(counter: Counter) -> None:
    counter.place(web(counter))
    key = counter.key()
    for text in (web(counter), web(counter), "rubbish"):
        counter.show(text, key, at=NOW)
    with counter.database.reading() as session:
        scans = session.scalars(select(Scan).order_by(Scan.id)).all()
    assert [scan.reason for scan in scans] == ["ok", "malformed"]
    assert scans[0].card_id
    assert scans[1].card_id is None


def test_an_accepted_wallet_code_is_due_for_its_next_generation(counter: Counter) -> None:
    placed = counter.place(apple(counter))
    counter.show(apple(counter), counter.key(), at=NOW)
    with counter.database.reading() as session:
        due = session.get_one(WalletPass, placed.id).rotation_due_at
    assert due == datetime.fromtimestamp(NOW, UTC)


def test_a_key_that_was_revoked_is_refused_at_once_and_leaves_no_scan(counter: Counter) -> None:
    counter.place(web(counter))
    key = counter.key()
    counter.database.transact(
        lambda session: partners.revoke_key(session, key.id, now=datetime.fromtimestamp(NOW, UTC))
    )
    with pytest.raises(Unauthenticated):
        counter.show(web(counter), key, at=NOW)
    with counter.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Scan)) == 0


def test_a_till_cannot_speak_for_another_till(counter: Counter) -> None:
    key, other = counter.key(till="1"), counter.key(till="2")
    with counter.database.reading() as session:
        till_id = session.get_one(TillKey, other.id).till_id
    with pytest.raises(Forbidden):
        counter.show(web(counter), key, at=NOW, till_id=till_id)


def test_a_key_with_one_letter_changed_is_not_even_looked_up() -> None:
    assert read_key("lk_live_0123456789AB_" + "a" * 43 + "_000000") is None


def test_codes_shown_together_are_judged_in_the_order_in_which_they_came(counter: Counter) -> None:
    counter.place(web(counter))
    newer, older = web(counter, at=NOW + 30), web(counter)
    shown = [(older, "A"), (newer, "B"), (older, "C"), (newer, "D")]
    verdicts = counter.show_together(
        [(text, counter.key(partner)) for text, partner in shown], at=NOW + 30
    )
    assert [verdict.reason for verdict in verdicts] == [
        Reason.OK,
        Reason.OK,
        Reason.ALREADY_USED,
        Reason.ALREADY_USED,
    ]


def test_a_web_code_is_good_from_five_seconds_before_until_thirty_after(counter: Counter) -> None:
    counter.place(web(counter))
    issued_at = NOW - NOW % 30
    reasons = {
        offset: counter.show(
            web(counter), counter.key(f"at {offset}"), at=issued_at + offset
        ).reason
        for offset in (-5.1, 90.1, 90.0)
    }
    assert reasons == {
        -5.1: Reason.NOT_YET_VALID,
        90.1: Reason.EXPIRED,
        90.0: Reason.OK,
    }


def test_an_apple_code_sinks_to_static_after_36_hours(counter: Counter) -> None:
    text = apple(counter)
    counter.place(text)
    issued_at = NOW - NOW % 3600
    after = timedelta(hours=36).total_seconds() + 1
    assert counter.show(text, counter.key(), at=issued_at + after).grade is Grade.STATIC


def test_a_batch_of_different_cards_is_recorded_in_one_transaction(counter: Counter) -> None:
    texts = [
        code(BASE, body(counter, Carrier.WEB, pass_number=number, at=NOW)) for number in range(40)
    ]
    for text in texts:
        counter.place(text)
    key = counter.key()
    with capture_logs() as logged:
        verdicts = counter.show_together([(text, key) for text in texts], at=NOW)
    assert all(verdict.valid for verdict in verdicts)
    assert len({verdict.verification_id for verdict in verdicts}) == 40
    assert logged == []
