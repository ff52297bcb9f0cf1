"""Two people of security have a token key refused, in every process from the next check on."""

import re
from contextlib import closing

from app.cards.keyring import KeyRing
from app.cards.token import KeyState
from app.db import Database
from app.office import key_revocations
from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_office import entries
from tests.api.verdicts import verdict

WATCH, REVOKE = "/office/watch", "/office/watch/keys/1/revoke"


def proposed(service: Service) -> AtOffice:
    desk = AtOffice.log_in(service, "security")
    desk.browser.open(WATCH)
    assert desk.browser.press("/keys/1/revoke", why="a copy was stolen").status_code == 200
    return desk


def answer(desk: AtOffice, word: str) -> int:
    page = desk.browser.open(WATCH).text
    found = re.search(rf'action="({WATCH}/revocations/[0-9a-f-]+/{word})"', page)
    assert found is not None
    return desk.service.http.post(
        found[1], data={"why": "seen it myself"}, headers=desk.headers
    ).status_code


def ring(service: Service) -> KeyRing:
    return KeyRing(service.deployment.directory / "keys")


def test_a_key_that_two_people_refuse_is_refused_at_the_next_check_of_every_process(
    service: Service, elsewhere: Service
) -> None:
    teacher = service.with_card()
    first, second, third = service.web_codes(teacher)[:3]
    assert verdict(service.till().scan(first))["reason"] == "ok"
    one = proposed(service)
    assert answer(one, "approve") == 403
    service.clock.advance(seconds=30)
    assert verdict(elsewhere.till().scan(second))["reason"] == "ok"
    assert answer(AtOffice.log_in(service, "security-second"), "approve") == 303
    service.clock.advance(seconds=30)
    assert verdict(elsewhere.till().scan(third))["reason"] == "unknown_key"
    assert verdict(service.till().scan(service.web_codes(teacher)[0]))["reason"] == "ok"
    published = service.http.get("/.well-known/jwks.json").json()["keys"]
    assert "1" not in {key["kid"] for key in published}
    again = service.http.post(REVOKE, data={"why": "again"}, headers=one.headers)
    assert again.status_code == 409
    assert [(entry.action, entry.object) for entry in entries(service)] == [
        ("key.revoke.propose", "key:token-1"),
        ("key.revoke.approve", "key:token-1"),
    ]


def test_a_key_that_the_second_person_keeps_goes_on(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    one = proposed(service)
    twice = service.http.post(REVOKE, data={"why": "again"}, headers=one.headers)
    assert twice.status_code == 409
    assert answer(AtOffice.log_in(service, "security-second"), "refuse") == 303
    assert verdict(service.till().scan(code))["reason"] == "ok"
    assert "/revocations/" not in one.browser.open(WATCH).text


def test_a_proposal_lapses_after_two_days_and_can_be_made_anew(service: Service) -> None:
    proposed(service)
    service.clock.advance(days=2)
    late = AtOffice.log_in(service, "security-second")
    assert "/revocations/" not in late.browser.open(WATCH).text
    proposed(service)
    with closing(Database(service.deployment.database_url)) as database:
        now = service.clock()
        deleted = database.transact(lambda session: key_revocations.delete_old(session, now=now))
    assert deleted == 0
    assert answer(AtOffice.log_in(service, "security-second"), "approve") == 303


def test_a_decision_outlives_a_key_ring_that_cannot_be_written_and_is_carried_out_later(
    service: Service,
) -> None:
    proposed(service)
    in_the_way = service.deployment.directory / "keys" / "keyring.draft"
    in_the_way.mkdir()
    assert answer(AtOffice.log_in(service, "security-second"), "approve") == 503
    assert ring(service).keys.token[1].state is KeyState.ACTIVE
    in_the_way.rmdir()
    with closing(Database(service.deployment.database_url)) as database:
        now = service.clock()
        done = [key_revocations.carry_out(database, ring(service), now=now) for _ in range(2)]
    assert done == [1, 0]
    assert ring(service).keys.token[1].state is KeyState.REVOKED


def test_keys_and_certificates_show_their_age_to_everybody_and_their_switch_to_security(
    service: Service,
) -> None:
    service.clock.advance(days=40)
    viewer = AtOffice.log_in(service, "viewer").browser.open(f"{WATCH}?lang=en").text
    assert "40 days" in viewer
    assert "token 1 · signs codes" in viewer
    assert REVOKE not in viewer
    assert REVOKE in AtOffice.log_in(service, "security").browser.open(WATCH).text


def test_a_key_that_does_not_exist_and_a_reason_that_says_nothing_change_nothing(
    service: Service,
) -> None:
    desk = AtOffice.log_in(service, "security")
    path = f"{WATCH}/keys/200/revoke"
    unknown = service.http.post(path, data={"why": "x"}, headers=desk.headers)
    empty = service.http.post(REVOKE, data={"why": " "}, headers=desk.headers)
    assert (unknown.status_code, empty.status_code) == (404, 409)
    service.clock.advance(minutes=11)
    late = service.http.post(REVOKE, data={"why": "x"}, headers=desk.headers)
    assert late.status_code == 401
    assert entries(service) == []
