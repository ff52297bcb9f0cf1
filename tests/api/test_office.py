"""What the card office sees of a person and does to a card, and that all of it is on record."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import AuditEntry
from app.db import Database, uuid7
from app.epd.push.model import Run, RunState
from app.epd.rosters.model import Roster, RosterState
from tests.api.office import ROLES, AtOffice
from tests.api.stage import Service


@pytest.fixture
def holder(service: Service) -> str:
    """The national number of somebody with a card."""
    service.with_card()
    return str(service.world.person("permanent").insz)


@contextmanager
def reading(service: Service) -> Iterator[Session]:
    """The database of this test, beside the service."""
    with closing(Database(service.deployment.database_url)) as database, database.reading() as rows:
        yield rows


def entries(service: Service) -> list[AuditEntry]:
    """The record of acts, oldest first."""
    with reading(service) as rows:
        return list(rows.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_a_person_is_found_by_both_numbers_and_every_look_is_on_record(
    service: Service, holder: str
) -> None:
    desk = AtOffice.log_in(service, "support")
    by_person = desk.ask("GET", desk.case(holder)).json()
    number = by_person["cards"][0]["number"]
    by_card = desk.ask("GET", desk.case(f"{number[:5]} {number[5:]}".lower())).json()
    assert by_card == by_person
    assert by_person["name"] == service.world.person("permanent").given_name + " Peeters"
    assert by_person["cards"][0]["status"] == "active"
    kept = entries(service)
    assert [entry.action for entry in kept] == ["person.open", "person.view"] * 2
    assert {entry.purpose for entry in kept} == {"holder-asks: ticket 12"}
    assert len({entry.object for entry in kept}) == 1
    assert holder not in "".join(f"{entry.details}{entry.object}" for entry in kept)


def test_a_look_up_without_a_person_is_on_record_too(service: Service) -> None:
    desk = AtOffice.log_in(service, "viewer")
    assert desk.look_up(str(service.world.person("unknown").insz)).status_code == 404
    assert [entry.action for entry in entries(service)] == ["person.miss"]


@pytest.mark.parametrize(
    "asked",
    [
        {"number": "12345678901", "purpose": "holder-asks", "reference": "a"},
        {"number": "Peeters", "purpose": "holder-asks", "reference": "a"},
        {"number": "12345678901", "purpose": "curiosity", "reference": "a"},
        {"number": "12345678901", "purpose": "holder-asks", "reference": " "},
        {"number": "12345678901", "purpose": "holder-asks", "reference": "no 84.02.29-995.10"},
        {"number": "12345678901", "purpose": "holder-asks"},
    ],
)
def test_without_a_number_and_a_proper_reason_nobody_is_looked_up(
    service: Service, asked: dict[str, str]
) -> None:
    desk = AtOffice.log_in(service, "viewer")
    assert desk.ask("POST", "/cases", asked).status_code == 422
    assert entries(service) == []


def test_a_record_is_open_to_one_official_for_half_an_hour(service: Service, holder: str) -> None:
    desk, other = AtOffice.log_in(service, "issuer"), AtOffice.log_in(service, "issuer-second")
    case = desk.case(holder)
    assert other.ask("GET", case).status_code == 404
    assert other.act(case, "suspend", "lost").status_code == 404
    service.clock.advance(minutes=29)
    assert desk.ask("GET", case).status_code == 200
    service.clock.advance(minutes=1)
    assert desk.ask("GET", case).status_code == 404


def test_nothing_is_shown_or_done_when_it_cannot_be_written_down(
    service: Service, holder: str
) -> None:
    desk = AtOffice.log_in(service, "issuer")
    case = desk.case(holder)
    with closing(Database(service.deployment.database_url)) as database:
        database.transact(
            lambda session: session.execute(text("ALTER TABLE audit_entry RENAME TO gone"))
        )
    for answer in (
        desk.ask("GET", case),
        desk.look_up(holder),
        desk.act(case, "suspend", "lost"),
        desk.browser.open(f"/office{case}"),
    ):
        assert answer.status_code in {500, 503}
        assert "active" not in answer.text
    assert service.http.get("/api/v1/me", headers=_me(service)).json()["state"] == "active"


def _me(service: Service) -> dict[str, str]:
    return service.as_teacher(service.logged_in())


def test_each_desk_sees_and_may_do_what_its_work_needs(service: Service, holder: str) -> None:
    seen: dict[str, Any] = {}
    for role in ROLES:
        desk = AtOffice.log_in(service, role)
        person = desk.ask("GET", desk.case(holder)).json()
        seen[role] = (person["name"] is not None, len(person["cards"][0]["passes"]), person["acts"])
    helps = ["suspend", "reissue"]
    assert seen == {
        "viewer": (False, 0, []),
        "support": (True, 1, helps),
        "issuer": (True, 1, [*helps, "revoke", "bar", "print"]),
        "security": (False, 0, []),
    }


def test_a_suspended_card_is_refused_at_once_until_a_person_makes_it_valid_again(
    service: Service, holder: str
) -> None:
    code = service.web_codes(service.logged_in())[0]
    desk = AtOffice.log_in(service, "issuer")
    case = desk.case(holder)
    person = desk.act(case, "suspend", "stolen").json()
    assert (person["cards"][0]["status"], person["cards"][0]["reason"]) == ("suspended", "stolen")
    assert service.till().scan(code).json()["reason"] == "not_valid"
    assert desk.act(case, "suspend", "stolen").status_code == 409
    assert desk.act(case, "resume", "request").json()["cards"][0]["status"] == "active"
    assert [entry.action for entry in entries(service)][1:] == [
        "card.suspend",
        "person.view",
        "card.resume",
        "person.view",
    ]


def test_a_replaced_card_stops_and_logs_the_lost_phone_out(service: Service, holder: str) -> None:
    phone = service.logged_in()
    code = service.web_codes(phone)[0]
    desk = AtOffice.log_in(service, "support")
    case = desk.case(holder)
    before = desk.ask("GET", case).json()["cards"][0]["number"]
    cards = desk.act(case, "reissue", "stolen").json()["cards"]
    assert [card["status"] for card in cards] == ["active", "revoked"]
    assert cards[1]["number"] == before
    assert service.till().scan(code).json()["reason"] == "not_valid"
    assert (
        service.http.get(
            "/card", headers={"cookie": phone.page.request.headers["cookie"]}
        ).status_code
        == 401
    )


def test_who_was_excluded_for_misuse_gets_no_card_by_any_way(service: Service, holder: str) -> None:
    desk = AtOffice.log_in(service, "issuer")
    person = desk.act(desk.case(holder), "bar", "misuse").json()
    assert person["barred_why"] == "misuse"
    assert person["cards"][0]["status"] == "revoked"
    assert person["acts"] == []
    teacher = _me(service)
    assert service.http.post("/card", headers=teacher).status_code == 303
    assert service.http.post("/api/v1/me/card", headers=teacher).status_code == 403
    assert service.http.post("/api/v1/me/card/report-lost", headers=teacher).status_code == 404
    # Being forgotten does not lift it.
    assert service.http.post("/api/v1/me/erase", headers=teacher).status_code == 204
    again = _me(service)
    assert service.http.post("/api/v1/me/card", headers=again).status_code == 403
    me = service.http.get("/api/v1/me", headers=again).json()
    assert (me["state"], me["may_get_card"]) == ("barred", False)


def propose(desk: AtOffice, case: str, kind: str, **more: str) -> int:
    asked = {"kind": kind, "why": "as agreed by letter", **more}
    return desk.ask("POST", f"{case}/proposals", asked).status_code


def decide(desk: AtOffice, *, approve: bool = True) -> int:
    one = desk.ask("GET", "/waiting").json()[0]
    answer = {"approve": approve, "why": "checked"}
    return desk.ask("POST", f"/waiting/{one['subject']}/{one['id']}", answer).status_code


def test_an_exclusion_is_lifted_by_two_people(service: Service, holder: str) -> None:
    first, second = (AtOffice.log_in(service, key) for key in ("issuer", "issuer-second"))
    case = first.case(holder)
    assert propose(first, case, "lift") == 409
    assert first.act(case, "bar", "misuse").json()["proposals"] == ["lift"]
    assert propose(first, case, "lift") == 204
    assert propose(first, case, "lift") == 409
    assert decide(first) == 403
    assert first.ask("GET", case).json()["barred_why"] == "misuse"
    assert decide(second) == 204
    assert first.ask("GET", "/waiting").json() == []
    teacher = service.logged_in()
    teacher.press("/card")
    assert teacher.status == "Geldig"
    actions = [entry.action for entry in entries(service)]
    assert [action for action in actions if action.startswith("lift")] == [
        "lift.propose",
        "lift.approve",
    ]


def test_of_many_second_people_at_once_one_decides(service: Service, holder: str) -> None:
    first, second = (AtOffice.log_in(service, key) for key in ("issuer", "issuer-second"))
    case = first.case(holder)
    first.act(case, "bar", "misuse")
    propose(first, case, "lift")
    one = first.ask("GET", "/waiting").json()[0]
    path, answer = f"/waiting/{one['subject']}/{one['id']}", {"approve": True, "why": "checked"}
    with ThreadPoolExecutor(8) as pool:
        asked = [desk for desk in (first, second) for _ in range(4)]
        answers = list(pool.map(lambda desk: desk.ask("POST", path, answer).status_code, asked))
    assert sorted(answers[4:]) == [204, 404, 404, 404]
    assert set(answers[:4]) <= {403, 404}


def test_a_right_by_hand_takes_two_people_and_ends_when_the_file_speaks(service: Service) -> None:
    teacher = service.logged_in("unknown")
    first, second = (AtOffice.log_in(service, key) for key in ("issuer", "issuer-second"))
    case = first.case(str(service.world.person("unknown").insz))
    assert first.ask("GET", case).json()["proposals"] == ["grant"]
    assert propose(first, case, "grant", until="2027-02-23") == 409
    assert propose(first, case, "grant", until="2026-11-23") == 409
    assert propose(first, case, "grant", until="2027-02-22") == 204
    assert decide(second) == 204
    headers = service.as_teacher(teacher)
    me = service.http.post("/api/v1/me/card", headers=headers).json()
    assert (me["state"], me["reason"], me["valid_until"]) == (
        "active",
        "granted_by_office",
        "2026-12-31",
    )
    # The file now knows this person, and knows of no work: it decides from here on.
    record = service.world.person("on-leave").record
    assert record is not None
    known = json.loads(
        json.dumps(record).replace(
            service.world.person("on-leave").insz, service.world.person("unknown").insz
        )
    )
    service.script("epd", people=[known])
    service.logged_in("unknown")
    assert first.ask("GET", case).json()["cards"][0]["status"] == "suspended"


def test_what_is_refused_is_not_done(service: Service, holder: str) -> None:
    first, second = (AtOffice.log_in(service, key) for key in ("issuer", "issuer-second"))
    case = first.case(holder)
    first.act(case, "bar", "misuse")
    propose(first, case, "lift")
    assert decide(second, approve=False) == 204
    assert first.ask("GET", case).json()["barred_why"] == "misuse"


def test_a_braked_run_is_let_through_by_two_people(service: Service) -> None:
    number = uuid7()
    run = Run(
        id=number,
        source="EPD",
        full=False,
        leaves_out=False,
        parts=1,
        parts_received=1,
        state=RunState.PARKED,
        losing=40,
        holders=100,
        begun_at=service.clock(),
        judged_at=service.clock(),
    )
    with closing(Database(service.deployment.database_url)) as database:
        database.transact(lambda session: session.add(run))
    first, second = (AtOffice.log_in(service, key) for key in ("issuer", "issuer-second"))
    waiting = first.ask("GET", "/waiting").json()
    assert [(one["subject"], one["persons"], one["of"]) for one in waiting] == [("run", 40, 100)]
    assert [decide(desk) for desk in (first, first, second)] == [204, 409, 204]
    assert first.ask("GET", "/waiting").json() == []


def test_a_long_list_of_a_school_is_released_by_the_office(service: Service) -> None:
    roster = Roster(
        institution="012345",
        state=RosterState.SUBMITTED,
        digest="0" * 64,
        lines=3000,
        refused=0,
        uploaded_by="P1",
        uploaded_at=service.clock(),
        submitted_by="P1",
        submitted_at=service.clock(),
    )
    with closing(Database(service.deployment.database_url)) as database:
        database.transact(lambda session: session.add(roster))
    desk = AtOffice.log_in(service, "issuer")
    assert decide(desk) == 204
    last = entries(service)[-1]
    assert (last.action, json.loads(last.details)["lines"]) == ("roster.release", 3000)


def test_the_pages_lead_from_a_proposal_to_its_approval(service: Service, holder: str) -> None:
    first = AtOffice.log_in(service, "issuer")
    case = first.case(holder)
    first.act(case, "bar", "misuse")
    first.browser.open(f"/office{case}/propose/lift")
    first.browser.press("/propose/lift", why="as agreed by letter")
    second = AtOffice.log_in(service, "issuer-second").browser
    number = first.ask("GET", "/waiting").json()[0]["id"]
    second.open("/office/waiting")
    assert number in second.page.text
    second.open(f"/office/waiting/lift/{number}")
    second.press("/record")
    assert second.page.url.path.startswith("/office/cases/")
    second.open(f"/office/waiting/lift/{number}")
    second.press("/approve", why="checked")
    assert second.page.url.path == "/office/waiting"
    assert number not in second.page.text


def test_what_cannot_be_undone_asks_for_a_fresh_log_in(service: Service, holder: str) -> None:
    desk = AtOffice.log_in(service, "issuer")
    case = desk.case(holder)
    service.clock.advance(minutes=11)
    assert desk.ask("GET", case).status_code == 200
    for name, why in (("revoke", "request"), ("bar", "misuse"), ("resume", "office")):
        assert desk.act(case, name, why).status_code == 401
    page = desk.service.http.get(
        f"/office{case}/revoke", headers=desk.headers | {"accept": "text/html"}
    )
    assert page.headers["location"] == f"/login?for=office&again=true&to=/office{case}/revoke"


def test_an_official_cannot_leaf_through_people(service: Service, holder: str) -> None:
    desk, other = AtOffice.log_in(service, "viewer"), AtOffice.log_in(service, "support")
    answers = [desk.look_up(holder).status_code for _ in range(21)]
    assert answers == [201] * 20 + [429]
    assert other.look_up(holder).status_code == 201


def test_a_reason_that_an_act_does_not_know_changes_nothing(service: Service, holder: str) -> None:
    desk = AtOffice.log_in(service, "issuer")
    case = desk.case(holder)
    assert desk.act(case, "revoke", "misuse").status_code == 409
    assert desk.act(case, "deliver", "because").status_code == 422
    assert desk.ask("GET", case).json()["cards"][0]["status"] == "active"


def test_the_pages_lead_from_a_number_to_a_suspended_card(service: Service, holder: str) -> None:
    browser = service.official("support")
    browser.open("/office")
    browser.press("/office/cases", number="nonsense", purpose="holder-asks", reference="call 3")
    assert browser.page.status_code == 422
    browser.press("/office/cases", number=holder, purpose="holder-asks", reference="call 3")
    record = browser.page.url.path
    assert record.startswith("/office/cases/")
    assert holder not in browser.page.text
    browser.open(f"{record}/suspend")
    browser.press("/suspend", why="lost")
    assert (browser.page.url.path, browser.status) == (record, "Geschorst")
