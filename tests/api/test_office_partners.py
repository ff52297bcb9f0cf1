"""The card office makes partners and tills, and its switches count from the next request on."""

import re

from app.office.looks import looks
from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_office import entries, reading


def partner_page(desk: AtOffice, name: str) -> str:
    """The path of a partner that stands in the list."""
    page = desk.browser.open("/office/partners").text
    found = re.search(rf'href="(/office/partners/[0-9a-f-]+)">{re.escape(name)}', page)
    assert found is not None
    return found[1]


def test_the_office_makes_a_partner_whose_scanner_and_till_check_cards(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    desk = AtOffice.log_in(service, "support")
    desk.browser.open("/office/partners")
    desk.browser.press(
        "/office/partners", name="Bibliotheek Zuid", category="library", till="Balie", postcode=""
    )
    path = desk.browser.page.url.path
    assert partner_page(desk, "Bibliotheek Zuid") == path
    desk.browser.open(path)
    desk.browser.press("/code")
    enrolment = re.search(r"E[0-9A-Z]{14}", desk.browser.page.text)
    assert enrolment is not None
    assert "no-store" in desk.browser.page.headers["cache-control"]
    enrolled = service.http.post("/api/v1/tills/enrol", json={"code": enrolment[0]})
    headers = {"authorization": f"Bearer {enrolled.json()['till_key']}"}
    question = {"presentation": code, "channel": "library"}
    verdict = service.http.post("/api/v1/verifications", json=question, headers=headers).json()
    assert verdict["valid"]
    desk.browser.open(path)
    assert enrolled.json()["till_key"] not in desk.browser.page.text
    desk.browser.press("/revoke")
    refused = service.http.post("/api/v1/verifications", json=question, headers=headers)
    assert refused.status_code == 401
    assert [entry.action for entry in entries(service)] == [
        "partner.add",
        "till.code",
        "till.key.revoke",
    ]


def test_a_till_gets_a_second_key_to_replace_the_first_and_no_third(service: Service) -> None:
    desk = AtOffice.log_in(service, "support")
    desk.browser.open(partner_page(desk, "Museum aan de Stroom (demo)"))
    path = next(f.action for f in desk.browser.forms if f.action.endswith("/key"))
    assert "lk_live_" in service.http.post(path, headers=desk.headers).text
    refused = service.http.post(path, headers=desk.headers)
    assert refused.status_code == 409
    assert "revoke one first" in refused.json()["detail"]


def test_a_key_of_one_partner_is_out_of_reach_by_the_address_of_another(service: Service) -> None:
    desk = AtOffice.log_in(service, "support")
    museum = partner_page(desk, "Museum aan de Stroom (demo)")
    bookshop = partner_page(desk, "Boekhandel De Reiger (demo)")
    desk.browser.open(museum)
    revoke = next(f.action for f in desk.browser.forms if f.action.endswith("/revoke"))
    answer = service.http.post(revoke.replace(museum, bookshop), headers=desk.headers)
    assert answer.status_code == 404


def test_a_stopped_partner_is_refused_at_once_and_taken_back(service: Service) -> None:
    till = service.till("museum")
    desk = AtOffice.log_in(service, "security")
    path = partner_page(desk, "Museum aan de Stroom (demo)")
    assert till.scan("").status_code == 200
    desk.browser.open(path)
    desk.browser.press("/stop", why="keys were sold on")
    assert till.scan("").status_code == 401
    assert service.till("bookshop").scan("").status_code == 200
    assert (
        service.http.post(f"{path}/stop", data={"why": "again"}, headers=desk.headers).status_code
        == 409
    )
    desk.browser.press("/admit")
    assert till.scan("").status_code == 200


def test_while_issuing_is_stopped_nobody_gets_a_first_card_and_a_lost_one_is_replaced(
    service: Service,
) -> None:
    holder = service.as_teacher(service.with_card())
    newcomer = service.as_teacher(service.logged_in("diacritics"))
    desk = AtOffice.log_in(service, "security")
    desk.browser.open("/office/watch")
    desk.browser.press("/stop-issuing", why="a fault in the personnel file")
    stopped = service.http.post("/api/v1/me/card", headers=newcomer)
    assert (stopped.status_code, stopped.headers["retry-after"]) == (503, "3600")
    assert service.http.post("/api/v1/me/card/report-lost", headers=holder).status_code == 200
    desk.browser.press("/go-on-issuing")
    assert service.http.post("/api/v1/me/card", headers=newcomer).status_code == 200
    assert [entry.action for entry in entries(service)] == ["issuing.stop", "issuing.go-on"]


def test_switches_ask_for_a_fresh_log_in(service: Service) -> None:
    desk = AtOffice.log_in(service, "security")
    path = partner_page(desk, "Museum aan de Stroom (demo)")
    service.clock.advance(minutes=11)
    for switch in (f"{path}/stop", "/office/watch/stop-issuing"):
        answer = service.http.post(switch, data={"why": "x"}, headers=desk.headers)
        assert answer.status_code == 401


def test_who_leafs_through_stands_out(service: Service) -> None:
    service.with_card()
    number = service.world.person("permanent").insz
    viewer = AtOffice.log_in(service, "viewer")
    for asked in (number, number, service.world.person("unknown").insz):
        viewer.look_up(asked)
    with reading(service) as session:
        (found,) = looks(session, now=service.clock())
    assert (found.opened, found.people, found.missed) == (2, 1, 1)
    security = AtOffice.log_in(service, "security")
    assert found.actor in security.browser.open("/office/looks").text


def test_an_issuer_links_a_partner_to_its_enterprise_whose_people_then_see_to_it(
    service: Service,
) -> None:
    shop = service.official("partner", "partner")
    assert "Museum aan de Stroom" not in shop.open("/partner").text
    desk = AtOffice.log_in(service, "issuer")
    museum = partner_page(desk, "Museum aan de Stroom (demo)")
    desk.browser.open(museum)
    wrong = service.http.post(
        f"{museum}/enterprise", data={"enterprise": "0999999923"}, headers=desk.headers
    )
    assert wrong.status_code == 409
    desk.browser.press("/enterprise", enterprise="0999.999.922")
    assert "Museum aan de Stroom" in shop.open("/partner").text
    bookshop = f"{partner_page(desk, 'Boekhandel De Reiger (demo)')}/enterprise"
    number = {"enterprise": "0999999922"}
    assert service.http.post(bookshop, data=number, headers=desk.headers).status_code == 409
    other = {"enterprise": "1999999943"}
    again = service.http.post(f"{museum}/enterprise", data=other, headers=desk.headers)
    assert again.status_code == 409
    desk.browser.open(museum)
    desk.browser.press("/enterprise")
    assert "Museum aan de Stroom" not in shop.open("/partner").text
    assert [entry.action for entry in entries(service)] == ["partner.link", "partner.unlink"]
