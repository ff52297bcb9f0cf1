"""What partners offer, written by their own people and by the card office, and found by anyone."""

import re
import uuid

import pytest

from demo.benefits import seed
from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_office import entries
from tests.api.test_office_partners import partner_page
from tests.api.test_partner_pages import headers_of, partner

OFFER = {
    "category": "books",
    "title_nl": "5 % op alle boeken",
    "terms_nl": "Toon je kaart aan de kassa.",
    "title_fr": "5 % sur tous les livres",
    "website": "https://specht.example/",
    "places": "9000 Gent\n2000 Antwerpen",
}
OWN = "/partner/benefits"


def found(service: Service, words: str = "boeken") -> list[dict[str, object]]:
    benefits: list[dict[str, object]] = service.http.get(
        "/api/v1/benefits", params={"q": words}
    ).json()["benefits"]
    return benefits


def test_a_partner_writes_changes_and_ends_an_offer_that_anyone_finds(service: Service) -> None:
    browser = partner(service)
    browser.open(f"{OWN}/new")
    browser.press(OWN, **OFFER)
    assert browser.page.url.path == OWN
    [offer] = found(service)
    assert offer["title"] == {"nl": OFFER["title_nl"], "fr": OFFER["title_fr"]}
    assert offer["partner"] == "Boekhandel De Specht"
    path = f"{OWN}/{offer['id']}"
    browser.open(path)
    browser.press(path, title_nl="10 % op alle boeken", places="9000 Gent")
    [changed] = found(service)
    assert changed["id"] == offer["id"]
    assert changed["title"] == {"nl": "10 % op alle boeken", "fr": OFFER["title_fr"]}
    assert [place["postcode"] for place in changed["places"]] == ["9000"]  # type: ignore[attr-defined]
    browser.press("/end")
    assert found(service) == []
    ended = service.http.post(f"{path}/end", headers=headers_of(browser))
    assert ended.status_code == 409
    assert [entry.action for entry in entries(service)][-3:] == [
        "benefit.add",
        "benefit.change",
        "benefit.end",
    ]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("title_nl", " "),
        ("terms_nl", "x" * 501),
        ("title_de", "a\x00b"),
        ("website", "javascript:alert(1)"),
        ("begins_on", "tomorrow"),
        ("ends_on", "2020-01-01"),
        ("places", "Gent"),
        ("places", "2700 Nergens"),
        ("places", "\n".join("9000 Gent" for _ in range(501))),
    ],
)
def test_what_is_no_offer_comes_back_as_it_was_typed_and_is_not_found(
    service: Service, field: str, typed: str
) -> None:
    browser = partner(service)
    browser.open(f"{OWN}/new")
    before = len(entries(service))
    page = browser.press(OWN, **OFFER | {"begins_on": "2026-01-01"} | {field: typed})
    assert page.status_code == 422
    assert page.text.count('aria-invalid="true"') == 1
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text)
    assert found(service) == []
    assert len(entries(service)) == before


def test_offers_of_another_partner_do_not_exist_and_a_stopped_one_writes_none(
    service: Service,
) -> None:
    browser = partner(service)
    browser.open(f"{OWN}/new")
    browser.press(OWN, **OFFER)
    [offer] = found(service)
    other = headers_of(partner(service, "partner-elsewhere", name="Theater Ter Linde"))
    for number in (offer["id"], uuid.UUID(int=0)):
        path = f"{OWN}/{number}"
        assert service.http.get(path, headers=other).status_code == 404
        assert service.http.post(path, data=OFFER, headers=other).status_code == 404
        assert service.http.post(f"{path}/end", headers=other).status_code == 404
    headers = headers_of(browser)
    desk = AtOffice.log_in(service, "security")
    desk.browser.open(partner_page(desk, "Boekhandel De Specht"))
    desk.browser.press("/stop", why="keys were sold on")
    assert found(service) == []
    assert service.http.post(OWN, data=OFFER, headers=headers).status_code == 403
    browser.open(OWN)
    assert [form.action for form in browser.forms] == ["/logout"]


def test_the_office_sees_to_the_offers_of_any_partner_and_keeps_exact_places(
    service: Service,
) -> None:
    seed(service.deployment.database_url, now=service.clock())
    before = found(service, "Reiger")[0]
    desk = AtOffice.log_in(service, "support")
    path = f"{partner_page(desk, 'Boekhandel De Reiger (demo)')}/benefits"
    assert before["id"] in desk.browser.open(path).text
    near = {"q": "Reiger", "near": "9000"}
    exact = service.http.get("/api/v1/benefits", params=near).json()["benefits"][0]["places"]
    desk.browser.open(f"{path}/{before['id']}")
    desk.browser.press(f"{path}/{before['id']}", title_nl="7 % op alle boeken")
    after = service.http.get("/api/v1/benefits", params=near).json()["benefits"][0]
    assert after["title"]["nl"] == "7 % op alle boeken"
    assert after["places"] == exact
    elsewhere = f"{partner_page(desk, 'Museum aan de Stroom (demo)')}/benefits/{before['id']}"
    assert service.http.post(f"{elsewhere}/end", headers=desk.headers).status_code == 404
    service.http.post(f"{path}/{before['id']}/end", headers=desk.headers)
    assert before["id"] not in {one["id"] for one in found(service, "Reiger")}
    assert [entry.action for entry in entries(service)] == ["benefit.change", "benefit.end"]
    viewer = AtOffice.log_in(service, "viewer")
    viewer.browser.open(path)
    assert [form.action for form in viewer.browser.forms] == ["/logout"]


def test_a_partner_has_a_hundred_offers_and_no_more(service: Service) -> None:
    headers = headers_of(partner(service))
    codes = [service.http.post(OWN, data=OFFER, headers=headers).status_code for _ in range(101)]
    assert set(codes[:100]) == {303}
    assert codes[100] == 409
