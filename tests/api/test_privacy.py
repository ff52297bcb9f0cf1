"""What a teacher can see, take along and have erased; over HTTP, as page and as JSON."""

import json

from sqlalchemy import select

from app.cards.model import Card, Teacher
from app.db import Database
from app.epd.model import PersonnelRecord
from demo.shop import gist
from tests.api.stage import Service

PAGE = {"accept": "text/html", "accept-language": "nl"}


def test_a_teacher_sees_who_checked_the_card_and_nobody_elses(service: Service) -> None:
    an, rik = service.with_card("permanent"), service.with_card("grace")
    code = service.web_codes(an)[0]
    service.till("museum").scan(code)
    service.till("bookshop").scan(code)
    page = an.open("/card/activity").text
    assert page.count('class="check"') == 2
    assert "Museum aan de Stroom (demo)" in page
    assert "Niet aanvaard: deze code was al gebruikt." in page
    assert "Nog niemand controleerde je kaart." in rik.open("/card/activity").text
    headers = service.as_teacher(an)
    told = service.http.get("/api/v1/me/activity", headers=headers).json()
    assert [(check["valid"], check["reason"]) for check in told["checks"]] == [
        (False, "already_used"),
        (True, "ok"),
    ]
    assert told["total"] == 2


def test_the_json_of_me_says_what_the_page_says(service: Service) -> None:
    headers = service.as_teacher(service.logged_in())
    before = service.http.get("/api/v1/me", headers=headers).json()
    assert (before["state"], before["may_get_card"], before["card_number"]) == (
        "active",
        True,
        None,
    )
    assert before["csrf_token"] == headers["x-csrf-token"]
    after = service.http.post("/api/v1/me/card", headers=headers).json()
    assert after["name"] == "Annelies Peeters"
    assert after["valid_until"] == "2026-12-31"
    assert after["appointments"][0]["institution"] == "012345"
    again = service.http.post("/api/v1/me/card/report-lost", headers=headers).json()
    assert again["card_number"] not in {None, after["card_number"]}


def test_who_has_no_right_hears_it_from_the_json_too(service: Service) -> None:
    headers = service.as_teacher(service.logged_in("on-leave"))
    answer = service.http.post("/api/v1/me/card", headers=headers)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "not-eligible")
    assert service.http.get("/api/v1/me", headers=headers).json()["state"] == "not_entitled"


def test_a_change_through_the_json_needs_the_form_token(
    service: Service, database: Database
) -> None:
    headers = service.as_teacher(service.with_card())
    without = {"cookie": headers["cookie"]}
    for path in ("card", "card/report-lost", "erase"):
        assert service.http.post(f"/api/v1/me/{path}", headers=without).status_code == 403
    with database.reading() as session:
        assert len(session.scalars(select(Card)).all()) == 1


def test_everything_can_be_taken_along(service: Service) -> None:
    teacher = service.with_card()
    service.till().scan(service.web_codes(teacher)[0])
    answer = teacher.open("/privacy/export")
    assert answer.headers["content-disposition"].startswith("attachment")
    told = json.loads(answer.text)
    assert told["person"]["name"] == {"given": "Annelies", "family": "Peeters"}
    assert told["personnel_records"][0]["national_number_kept"] is True
    assert told["checks"][0]["partner"] == "Museum aan de Stroom (demo)"
    assert service.world.person("permanent").insz not in answer.text
    headers = service.as_teacher(teacher)
    assert service.http.get("/api/v1/me/export", headers=headers).json().keys() == told.keys()


def test_who_is_erased_is_gone_and_stays_gone_until_they_log_in(
    service: Service, database: Database
) -> None:
    teacher = service.with_card()
    code = service.web_codes(teacher)[0]
    apple = service.apple_code(teacher)
    teacher.open("/privacy")
    teacher.press("/privacy/erase")
    assert teacher.page.url.path == "/privacy/erased"
    assert "Je gegevens zijn gewist" in teacher.page.text
    assert teacher.open("/card").url.path == "/op/v1/auth"
    for shown in (code, apple):
        assert gist(service.till().scan(shown))["reason"] == "not_valid"
    with database.reading() as session:
        assert session.scalars(select(PersonnelRecord)).all() == []
        assert {row.name for row in session.scalars(select(Teacher))} == {None}
    again = service.with_card()
    assert again.status == "Geldig"
    assert "Nog niemand controleerde je kaart." in again.open("/card/activity").text


def test_the_privacy_page_speaks_to_everybody_and_offers_more_to_a_teacher(
    service: Service,
) -> None:
    anonymous = service.http.get("/privacy", headers=PAGE).text
    assert "90 dagen" in anonymous
    assert "/privacy/erase" not in anonymous
    assert "/privacy/erase" in service.logged_in().open("/privacy").text
