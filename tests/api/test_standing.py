"""What the personnel file says, or does not say, and what the teacher then reads."""

import copy
from typing import Any

from sqlalchemy import select

from app.cards.entitlement import CardStatus
from app.cards.model import Card, Teacher
from app.db import Database
from demo.shop import gist
from tests.api.stage import Clock, Service

SILENT = {"kind": "denied", "times": 1000}


def cards(database: Database) -> list[tuple[CardStatus, str]]:
    with database.reading() as session:
        found = session.scalars(select(Card).order_by(Card.id)).all()
    return [(card.status, card.status_reason) for card in found]


def changed(service: Service, key: str, **file: Any) -> None:
    """Let the personnel file say something else of a person, in a newer version."""
    record = copy.deepcopy(service.world.person(key).record)
    assert record is not None
    service.script("epd", people=[record | {"versie": record["versie"] + 1} | file])


def test_who_has_no_right_is_told_why_and_gets_no_card_by_asking(
    service: Service, database: Database
) -> None:
    expected = {
        "on-leave": ("Nu geen recht op een kaart", "volledig met verlof"),
        "left": ("Nu geen recht op een kaart", "geen lopende opdracht"),
        "unknown": ("Nog niet in het personeelsdossier", "schoolsecretariaat"),
        "deceased": ("Nu geen recht op een kaart", "overleden"),
    }
    for key, (status, why) in expected.items():
        teacher = service.logged_in(key)
        assert (key, teacher.status) == (key, status)
        assert why in teacher.page.text
        assert (key, [form.action for form in teacher.forms]) == (key, ["/logout"])
        answer = service.http.post("/card", headers=service.as_teacher(teacher))
        assert (answer.status_code, answer.headers["location"]) == (303, "/card")
        assert teacher.open("/card").status_code == 200
        assert teacher.status == status
    assert cards(database) == []


def test_in_grace_the_card_says_until_when(service: Service) -> None:
    teacher = service.with_card("grace")
    assert teacher.status == "Voorlopig geldig"
    # The assignment ended on 14 November; thirty days of grace.
    assert "14 december 2026" in teacher.page.text
    assert gist(service.till().scan(service.web_codes(teacher)[0]))["valid"]


def test_partial_leave_and_every_level_of_education_give_a_right(service: Service) -> None:
    for key in ("partial-leave", "clb", "university"):
        assert (key, service.with_card(key).status) == (key, "Geldig")


def test_the_initials_are_those_of_the_name_as_written(service: Service) -> None:
    teacher = service.with_card("diacritics")
    assert gist(service.till().scan(service.web_codes(teacher)[0]))["holder"] == "EC"


def test_a_replaced_number_leads_to_one_card(service: Service, database: Database) -> None:
    person = service.world.person("replaced")
    assert person.replaced_by not in {None, person.insz}
    assert service.with_card("replaced").status == "Geldig"
    assert service.logged_in("replaced").status == "Geldig"
    assert cards(database) == [(CardStatus.ACTIVE, "employed")]


def test_a_death_ends_the_card_at_once(service: Service, database: Database) -> None:
    teacher = service.with_card()
    code = service.web_codes(teacher)[0]
    changed(service, "permanent", overlijdensdatum="2026-11-23")
    assert service.logged_in().status == "Beëindigd"
    assert cards(database) == [(CardStatus.ENDED, "deceased")]
    verdict = gist(service.till().scan(code))
    assert (verdict["valid"], verdict["reason"]) == (False, "not_valid")
    assert teacher.open("/card/apple.pkpass").status_code == 404


def test_whoever_loses_the_right_has_a_suspended_card_that_comes_back(
    service: Service, database: Database
) -> None:
    code = service.web_codes(service.with_card())[0]
    changed(service, "permanent", opdrachten=[])
    teacher = service.logged_in()
    assert teacher.status == "Geschorst"
    assert [form.action for form in teacher.forms] == ["/logout"]
    assert gist(service.till().scan(code))["reason"] == "not_valid"
    changed(service, "permanent", versie=service.world.person("permanent").record["versie"] + 2)
    assert service.logged_in().status == "Geldig"
    assert cards(database) == [(CardStatus.ACTIVE, "employed")]
    assert gist(service.till().scan(code))["valid"]


def test_a_silent_file_takes_no_card_away(service: Service, clock: Clock) -> None:
    code = service.web_codes(service.with_card())[2]
    service.script("epd", faults=[SILENT])
    clock.advance(minutes=1, seconds=1)
    teacher = service.logged_in()
    assert teacher.status == "Geldig"
    assert "Het personeelsdossier antwoordt nu niet" in teacher.page.text
    assert gist(service.till().scan(code))["valid"]
    assert teacher.press("/card/apple").is_success


def test_a_silent_file_says_nothing_of_whoever_is_new(service: Service, database: Database) -> None:
    service.script("epd", faults=[SILENT])
    teacher = service.logged_in()
    assert teacher.status == "Nog niet bekend"
    answer = service.http.post(
        "/card", headers=service.as_teacher(teacher) | {"accept": "text/html"}
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "600")
    assert "10 minuten" in answer.text
    assert cards(database) == []
    service.script("epd", faults=[])
    assert service.with_card().status == "Geldig"


def test_nonsense_from_the_file_is_silence(service: Service, database: Database) -> None:
    other = service.world.person("grace").record
    for kind in ("garbage", "html", "compressed", "wrong-person"):
        service.script("epd", faults=[{"kind": kind, "times": 1, "record": other}])
        assert (kind, service.logged_in("permanent").status) == (kind, "Nog niet bekend")
    assert cards(database) == []
    assert service.logged_in("permanent").status == "Klaar voor jou"


def test_a_replaced_number_leaves_no_second_row_of_the_same_person(
    service: Service, database: Database
) -> None:
    service.with_card("replaced")
    with database.reading() as session:
        assert len(session.scalars(select(Teacher)).all()) == 1
