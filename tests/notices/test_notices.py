"""Notices: asked for, confirmed, sent at least once, stopped, and never to anybody else."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.card_year import card_year
from app.cards.entitlement import Entitlement, EntitlementReason
from app.cards.model import Card, Teacher
from app.errors import Conflict, NotFound
from app.notices import outbox, subscribing
from app.retention.erasure import erase
from demo.mail import TAKEN
from tests.notices.conftest import ADDRESS, Post, link

SUSPENDED = "Je Lerarenkaart is geschorst"


def _subjects(post: Post) -> list[str]:
    return [mail["Subject"] for mail in post.mailbox.mails]


def test_nobody_gets_a_mail_who_did_not_ask_or_did_not_confirm(post: Post) -> None:
    post.change(lifecycle.suspend, why="office")
    assert post.send() == []
    post.subscribe()
    post.change(lifecycle.resume, why="office")
    post.send()
    assert _subjects(post) == ["Bevestig je e-mailadres voor de Lerarenkaart"]
    assert post.waiting() == []


def test_every_kind_of_news_is_one_mail(post: Post) -> None:
    post.confirmed()
    grace = Entitlement(EntitlementReason.GRACE, None, post.now.date() + timedelta(20), None)
    employed = Entitlement(EntitlementReason.EMPLOYED, None, None, None)

    def judged(
        session: Session, card: Card, *, entitlement: Entitlement, year: int, now: datetime
    ) -> None:
        lifecycle.refresh(session, card.teacher, entitlement, year=card_year(year), now=now)

    post.change(judged, entitlement=grace, year=2026)
    post.change(judged, entitlement=employed, year=2027)
    post.change(lifecycle.suspend, why="excluded_leave")
    post.change(lifecycle.resume, why="employed")
    post.change(lifecycle.reissue, why="lost")
    post.send()
    assert sorted(_subjects(post)) == sorted(
        [
            "Je Lerarenkaart is voorlopig geldig",
            "Je Lerarenkaart 2027 staat klaar",
            SUSPENDED,
            "Je Lerarenkaart is opnieuw geldig",
            "Je Lerarenkaart is vervangen",
        ]
    )
    post.send()
    assert len(post.mailbox.mails) == 5


@pytest.mark.parametrize("language", ["nl", "fr", "en", "de"])
def test_a_mail_names_nobody_and_can_be_stopped_by_one_press(post: Post, language: str) -> None:
    post.confirmed(language)
    post.change(lifecycle.suspend, why="office")
    (mail,) = post.send()
    assert mail["To"] == ADDRESS
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"] == f"<https://kaart.example/notices/stop/{link(mail, 'stop')}>"
    whole = mail.as_string()
    assert "Annelies" not in whole.replace(ADDRESS, "")
    assert "Peeters" not in whole
    assert "<img" not in whole
    assert "/login" not in whole
    token = link(mail, "stop")
    post.database.transact(lambda s: subscribing.stop(s, token, keys=post.ring.keys))
    post.change(lifecycle.resume, why="office")
    assert len(post.send()) == 1
    with post.database.reading() as session:
        assert session.get_one(Teacher, post.teacher_id).address is None


def test_a_link_confirms_once_within_the_hour_and_only_the_newest_wish(post: Post) -> None:
    post.subscribe()
    old = link(post.send().pop(), "confirm")
    post.later(minutes=5)
    post.subscribe()
    new = link(post.send().pop(), "confirm")
    keys = post.ring.keys

    def confirm(token: str) -> None:
        post.database.transact(lambda s: subscribing.confirm(s, token, keys=keys, now=post.now))

    for wrong in (old, f"{new[:-4]}AAAA", "x", "*", ""):
        with pytest.raises(NotFound):
            confirm(wrong)
    confirm(new)
    with pytest.raises(NotFound):
        confirm(new)
    post.subscribe()
    late = link(post.send().pop(), "confirm")
    post.later(hours=1)
    with pytest.raises(NotFound):
        confirm(late)


def test_an_address_that_nobody_confirmed_is_forgotten_after_the_hour(post: Post) -> None:
    post.subscribe()
    post.later(minutes=59)
    assert _forgotten(post) == 0
    post.later(minutes=1)
    assert _forgotten(post) == 1
    with post.database.reading() as session:
        assert session.get_one(Teacher, post.teacher_id).address is None
    assert post.send() == []


def test_an_address_that_was_confirmed_stays(post: Post) -> None:
    post.confirmed()
    post.later(days=400)
    assert _forgotten(post) == 0


def _forgotten(post: Post) -> int:
    return post.database.transact(lambda s: outbox.forget(s, now=post.now, limit=10))


def test_without_a_card_there_is_nothing_to_hear_of(post: Post) -> None:
    post.change(lifecycle.revoke, why="office")
    with pytest.raises(Conflict):
        post.subscribe()


def test_the_address_goes_with_the_card_and_a_later_card_does_not_bring_it_back(
    post: Post,
) -> None:
    post.confirmed()
    post.change(lifecycle.suspend, why="office")
    post.change(lifecycle.revoke, why="office")
    assert post.send() == []
    with post.database.reading() as session:
        assert subscribing.subscribed(session, post.teacher_id, keys=post.ring.keys) is None


def test_an_erasure_leaves_neither_address_nor_mail(post: Post) -> None:
    post.confirmed()
    post.change(lifecycle.suspend, why="office")
    post.database.transact(lambda session: outbox.collect(session, now=post.now))
    post.database.transact(lambda session: erase(session, post.teacher_id, now=post.now))
    assert post.waiting() == []
    assert post.send() == []


def test_a_server_that_died_after_taking_a_mail_gets_it_again_under_the_same_name(
    post: Post,
) -> None:
    post.confirmed()
    post.change(lifecycle.suspend, why="office")
    post.mailbox.hangs_up = True
    post.send()
    post.mailbox.hangs_up = False
    post.later(hours=7)
    first, second = post.send()
    assert first["Message-ID"] == second["Message-ID"]
    assert post.waiting() == []


def test_what_a_dead_worker_had_taken_is_sent_by_another(post: Post) -> None:
    post.confirmed()
    post.change(lifecycle.suspend, why="office")
    post.database.transact(lambda session: outbox.collect(session, now=post.now))
    taken = post.database.transact(lambda s: outbox.take(s, limit=10, now=post.now))
    assert len(taken) == 1
    assert post.send() == []
    post.now += outbox.LEASE
    post.send()
    assert _subjects(post) == [SUSPENDED]


def test_a_refusal_for_good_is_given_up_and_one_for_now_is_tried_again(post: Post) -> None:
    post.confirmed()
    post.change(lifecycle.suspend, why="office")
    post.mailbox.answer = "451 try later"
    post.send()
    (notice,) = post.waiting()
    assert (notice.parked_at, notice.attempts) == (None, 1)
    post.later(hours=1)
    post.mailbox.answer = "550 no such mailbox"
    post.send()
    with post.database.reading() as session:
        (given_up,) = outbox.given_up(session)
    assert (given_up.reason, given_up.count, given_up.since) == ("550", 1, post.now)
    post.mailbox.answer = TAKEN
    post.later(hours=12)
    assert post.send() == []
    post.now += outbox.SHOWN
    assert post.database.transact(lambda s: outbox.forget(s, now=post.now, limit=10)) == 1


def test_a_server_that_cannot_prove_who_it_is_gets_no_mail(post: Post) -> None:
    post.confirmed()
    post.change(lifecycle.suspend, why="office")
    post.relay = replace(post.relay, root_file=None)
    assert post.send() == []
    assert len(post.waiting()) == 1


def test_the_address_is_unreadable_in_the_database(post: Post) -> None:
    post.confirmed()
    with post.database.reading() as session:
        sealed = session.scalars(select(Teacher.address)).one()
    assert sealed
    assert b"canary" not in sealed
