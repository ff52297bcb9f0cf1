"""A shop's people apply, are let in, and see to their own tills; nobody else's are within reach."""

import re
import uuid

import pytest

from demo.browser import Browser
from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_office import entries

ANSWERS = {
    "name": "Boekhandel De Specht",
    "category": "books",
    "channel": "till",
    "email": "winkel@specht.example",
    "places": "9000 Gent, Veldstraat\n2000 Antwerpen, Meir",
    "offer": "5 % op alle boeken",
}
TILL = re.compile(r'action="/partner/tills/([0-9a-f-]{36})/key"')


def at_partner(service: Service, key: str = "partner") -> Browser:
    browser = service.official(key, "partner")
    browser.open("/partner")
    return browser


def headers_of(browser: Browser) -> dict[str, str]:
    browser.open("/partner")
    csrf = browser.forms[0].fields["csrf"]
    return {"cookie": browser.page.request.headers["cookie"], "x-csrf-token": csrf}


def decided(service: Service, answer: str, why: str = "a real bookshop") -> None:
    issuer = AtOffice.log_in(service, "issuer")
    issuer.browser.open("/office/waiting")
    found = re.search(r'href="(/office/waiting/partner/[0-9a-f-]+)"', issuer.browser.page.text)
    assert found is not None
    issuer.browser.open(found[1])
    assert issuer.browser.press(f"/{answer}", why=why).status_code == 200


def partner(service: Service, key: str = "partner", **answers: str) -> Browser:
    browser = at_partner(service, key)
    browser.press("/partner/applications", **ANSWERS | answers)
    decided(service, "approve")
    browser.open("/partner")
    return browser


def test_a_shop_applies_waits_and_is_let_in_with_a_till_for_each_place(service: Service) -> None:
    browser = at_partner(service)
    browser.press("/partner/applications", **ANSWERS)
    assert browser.status == "Wacht op de kaartdienst"
    again = service.http.post("/partner/applications", data=ANSWERS, headers=headers_of(browser))
    assert again.status_code == 409
    decided(service, "approve")
    page = browser.open("/partner").text
    assert "Gent, Veldstraat" in page
    assert "Antwerpen, Meir" in page
    assert [entry.action for entry in entries(service)] == ["partner.apply", "partner.approve"]
    assert [entry.organisation for entry in entries(service)] == ["0999999922", "OVO000001"]


def test_a_refused_shop_reads_why_and_may_apply_again(service: Service) -> None:
    browser = at_partner(service)
    browser.press("/partner/applications", **ANSWERS)
    decided(service, "refuse", "only within Flanders")
    assert "only within Flanders" in browser.open("/partner").text
    browser.press("/partner/applications", **ANSWERS)
    assert browser.status == "Wacht op de kaartdienst"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", "x" * 121),
        ("name", "84.02.29-995.10"),
        ("email", "winkel"),
        ("places", "Gent"),
        ("places", "9000 Gent\n9000 Gent"),
        ("places", "\n".join(f"9000 Gent {number}" for number in range(21))),
        ("offer", "y" * 501),
    ],
)
def test_a_form_that_is_not_complete_comes_back_as_it_was_typed(
    service: Service, field: str, typed: str
) -> None:
    browser = at_partner(service)
    page = browser.press("/partner/applications", **ANSWERS | {field: typed})
    assert page.status_code == 422
    assert f'id="{field}"' in page.text
    assert typed.splitlines()[0] in page.text
    assert page.text.count('aria-invalid="true"') == 1
    assert entries(service) == []


def test_what_a_partner_makes_checks_cards_until_it_is_revoked(service: Service) -> None:
    codes = service.web_codes(service.with_card())
    browser = partner(service)
    page = browser.press("/key").text
    key = re.search(r"lk_live_[0-9A-Za-z_]+", page)
    assert key is not None
    assert key[0] not in browser.open("/partner").text
    question = {"presentation": codes[0], "channel": "till"}
    till = {"authorization": f"Bearer {key[0]}"}
    assert service.http.post("/api/v1/verifications", json=question, headers=till).json()["valid"]
    counted = browser.open("/partner/counts.csv").text
    assert ";till;;1;0;0" in counted
    assert "Gebruikt van" in browser.open("/partner/counts").text
    browser.open("/partner")
    browser.press("/revoke")
    refused = service.http.post("/api/v1/verifications", json=question, headers=till)
    assert refused.status_code == 401
    assert [entry.action for entry in entries(service)][-2:] == ["till.key", "till.key.revoke"]


def test_a_code_makes_a_device_a_till_and_a_client_gets_tokens_until_it_is_revoked(
    service: Service,
) -> None:
    browser = partner(service)
    code = re.search(r"E[0-9A-Z]{14}", browser.press("/code").text)
    assert code is not None
    enrolled = service.http.post("/api/v1/tills/enrol", json={"code": code[0]})
    assert enrolled.json()["partner"] == ANSWERS["name"]
    browser.open("/partner")
    page = browser.press("/partner/clients").text
    name, secret = (
        re.search(form, page) for form in (r"partner-[0-9a-f]{12}", r"lk_secret_[\w-]+")
    )
    assert name is not None
    assert secret is not None
    asked = {"grant_type": "client_credentials", "scope": "verifications:write"}
    proof = (name[0], secret[0])
    assert service.http.post("/oauth2/token", data=asked, auth=proof).status_code == 200
    headers = headers_of(browser)
    service.http.post(f"/partner/clients/{name[0]}/revoke", headers=headers)
    assert service.http.post("/oauth2/token", data=asked, auth=proof).status_code == 401


def test_a_till_has_two_keys_at_once_and_no_third(service: Service) -> None:
    browser = partner(service)
    till = TILL.findall(browser.page.text)[0]
    headers = headers_of(browser)
    answers = [
        service.http.post(f"/partner/tills/{till}/key", headers=headers).status_code
        for _ in range(3)
    ]
    assert answers == [200, 200, 409]


def test_what_belongs_to_another_partner_does_not_exist(service: Service) -> None:
    own = partner(service)
    till = TILL.findall(own.page.text)[0]
    own.press("/key")
    own.open("/partner")
    key = re.search(r"/partner/keys/(\w+)/revoke", own.page.text)
    client = re.search(r"partner-[0-9a-f]{12}", own.press("/partner/clients").text)
    assert key is not None
    assert client is not None
    other = headers_of(partner(service, "partner-elsewhere", name="Theater Ter Linde"))
    before = len(entries(service))
    reached = {
        path: service.http.post(path, headers=other).status_code
        for path in (
            f"/partner/tills/{till}/code",
            f"/partner/tills/{till}/key",
            f"/partner/keys/{key[1]}/revoke",
            f"/partner/clients/{client[0]}/revoke",
            f"/partner/tills/{uuid.UUID(int=0)}/key",
        )
    }
    assert set(reached.values()) == {404}
    assert len(entries(service)) == before
    assert "revoked" not in own.open("/partner?lang=en").text


def test_without_the_token_of_the_own_form_nothing_changes(service: Service) -> None:
    browser = partner(service)
    till = TILL.findall(browser.page.text)[0]
    cookie = {"cookie": headers_of(browser)["cookie"]}
    for path in (
        "/partner/applications",
        "/partner/tills",
        f"/partner/tills/{till}/code",
        f"/partner/tills/{till}/key",
        "/partner/keys/x/revoke",
        "/partner/clients",
        "/partner/clients/x/revoke",
    ):
        answer = service.http.post(path, data=ANSWERS, headers=cookie)
        assert answer.status_code == 403, path


def test_a_stopped_partner_reads_why_and_can_change_nothing(service: Service) -> None:
    browser = partner(service)
    headers = headers_of(browser)
    desk = AtOffice.log_in(service, "security")
    found = re.search(
        rf'href="(/office/partners/[0-9a-f-]+)">{ANSWERS["name"]}',
        desk.browser.open("/office/partners").text,
    )
    assert found is not None
    desk.browser.open(found[1])
    desk.browser.press("/stop", why="keys were sold on")
    page = browser.open("/partner").text
    assert "keys were sold on" in page
    assert "Vraag het aan de kaartdienst" in page
    assert [form.action for form in browser.forms] == ["/logout"]
    added = service.http.post("/partner/tills", data={"name": "Kassa 9"}, headers=headers)
    assert added.status_code == 403
    assert browser.open("/partner/counts").status_code == 200


def test_officials_of_other_kinds_and_partners_at_the_office_stay_outside(service: Service) -> None:
    for key, audience in (("personnel", "personnel"), ("issuer", "office")):
        browser = service.official(key, audience)
        headers = {"cookie": browser.page.request.headers["cookie"]}
        assert service.http.get("/partner", headers=headers).status_code == 403
    cookie = {"cookie": headers_of(at_partner(service))["cookie"]}
    for path in ("/office", "/office/partners", "/office/waiting", "/roster"):
        assert service.http.get(path, headers=cookie).status_code == 403
    assert service.http.get("/card", headers=cookie).status_code == 401
