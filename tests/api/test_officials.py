"""Officials log in in their own capacity, and a route lets in exactly those it names."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import FastAPI

from app.api.officials import ActingPersonnelOfficer, Officer, PersonnelOfficer, card_officer
from app.identity.roles import Role
from demo.browser import Browser
from tests.api.stage import LogIn, Service, cookies_of

PAGE = {"accept": "text/html"}
EID, WEAK = "urn:be:vlaanderen:authmech:eid", "urn:be:vlaanderen:authmech:csamsms"
OFFICE = ("viewer", "support", "issuer", "security")


def add_probes(app: FastAPI) -> None:
    """A route for each kind of official, as the rooms of the house would ask for them."""

    def personnel(officer: PersonnelOfficer) -> dict[str, Any]:
        return {"organisation": officer.official.organisation, "csrf": officer.csrf}

    def act(officer: ActingPersonnelOfficer) -> str:
        return officer.official.organisation

    def probe(role: Role, **more: bool) -> Callable[..., str]:
        def answer(officer: Annotated[Officer, card_officer(role, **more)]) -> str:
            return officer.official.subject

        return answer

    app.add_api_route("/probe/personnel", personnel)
    app.add_api_route("/probe/act", act, methods=["POST"])
    for role in OFFICE:
        app.add_api_route(f"/probe/{role}", probe(Role(role)))
    app.add_api_route("/probe/stepped-up", probe(Role.ISSUER, step_up=True))
    app.add_api_route("/probe/switch", probe(Role.SECURITY, step_up=True), methods=["POST"])


@pytest.fixture
def probed(service: Service) -> Service:
    add_probes(service.app)
    return service


def logged_in(service: Service, key: str, audience: str) -> Browser:
    browser = service.browser()
    browser.open(f"/login?for={audience}&to=/problems")
    browser.press("auth/choice", person=key, acr=EID, decision="log-in")
    return browser


def test_a_personnel_officer_acts_for_the_school_of_the_log_in(probed: Service) -> None:
    browser = logged_in(probed, "personnel", "personnel")
    assert browser.page.url.path == "/problems"
    answer = browser.open("/probe/personnel").json()
    assert answer["organisation"] == "012345"
    headers = {"cookie": browser.page.request.headers["cookie"]}
    assert probed.http.post("/probe/act", headers=headers).status_code == 403
    signed = headers | {"x-csrf-token": answer["csrf"]}
    assert probed.http.post("/probe/act", headers=signed).json() == "012345"
    foreign = signed | {"origin": "https://elsewhere.example"}
    assert probed.http.post("/probe/act", headers=foreign).status_code == 403


def test_each_desk_of_the_card_office_opens_its_own_doors(probed: Service) -> None:
    opened = {
        key: [role for role in OFFICE if browser.open(f"/probe/{role}").status_code == 200]
        for key in OFFICE
        for browser in [logged_in(probed, key, "office")]
    }
    assert opened == {
        "viewer": ["viewer"],
        "support": ["viewer", "support"],
        "issuer": ["viewer", "support", "issuer"],
        "security": ["viewer", "security"],
    }


def test_a_stranger_is_led_to_the_right_log_in_and_a_machine_is_refused(probed: Service) -> None:
    for path, audience in (("/probe/personnel", "personnel"), ("/probe/viewer", "office")):
        page = probed.http.get(path, headers=PAGE)
        assert (page.status_code, page.headers["location"]) == (
            303,
            f"/login?for={audience}&to={path}",
        )
        assert probed.http.get(path).status_code == 401


def test_a_teacher_and_officials_of_another_kind_stay_outside(probed: Service) -> None:
    teacher = {"cookie": probed.logged_in().page.request.headers["cookie"]}
    school = {"cookie": logged_in(probed, "personnel", "personnel").page.request.headers["cookie"]}
    office = {"cookie": logged_in(probed, "issuer", "office").page.request.headers["cookie"]}
    for headers in (teacher, office):
        assert probed.http.get("/probe/personnel", headers=headers).status_code == 403
    for headers in (teacher, school):
        assert probed.http.get("/probe/viewer", headers=headers).status_code == 403
        led = probed.http.get("/probe/viewer", headers=headers | PAGE)
        assert led.headers["location"] == "/login?for=office&to=/probe/viewer"
    for headers in (school, office):
        assert probed.http.get("/card", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("person", "audience"),
    [
        ("permanent", "personnel"),
        ("permanent", "office"),
        ("personnel", "office"),
        ("issuer", "personnel"),
        ("colleague", "personnel"),
    ],
)
def test_a_log_in_without_the_capacity_or_the_role_begins_no_session(
    service: Service, person: str, audience: str
) -> None:
    page = logged_in(service, person, audience).page
    assert page.status_code == 403
    assert f"/login?for={audience}" in page.text
    assert "sid" not in page.headers.get("set-cookie", "").replace("sid=;", "")


def test_what_does_harm_asks_for_a_recent_strong_log_in(probed: Service) -> None:
    browser = logged_in(probed, "issuer", "office")
    assert browser.open("/probe/stepped-up").url.path == "/probe/stepped-up"
    probed.clock.advance(minutes=11)
    assert browser.open("/probe/issuer").status_code == 200
    browser.open("/probe/stepped-up")
    assert WEAK not in browser.page.text
    browser.press("auth/choice", person="issuer", acr=EID, decision="log-in")
    assert (browser.page.url.path, browser.page.status_code) == ("/probe/stepped-up", 200)


def test_a_form_that_does_harm_is_refused_when_the_log_in_is_old(probed: Service) -> None:
    browser = logged_in(probed, "security", "office")
    headers = {"cookie": browser.page.request.headers["cookie"]}
    assert probed.http.post("/probe/switch", headers=headers).status_code == 200
    probed.clock.advance(minutes=11)
    assert probed.http.post("/probe/switch", headers=headers | PAGE).status_code == 401


def test_an_official_logs_out(probed: Service) -> None:
    browser = logged_in(probed, "personnel", "personnel")
    csrf = browser.open("/probe/personnel").json()["csrf"]
    headers = {"cookie": browser.page.request.headers["cookie"], "x-csrf-token": csrf}
    assert probed.http.post("/logout", headers=headers).status_code == 303
    assert probed.http.get("/probe/personnel", headers=headers).status_code == 401


def test_an_unknown_audience_is_refused(service: Service) -> None:
    assert service.http.get("/login", params={"for": "everybody"}).status_code == 422
    assert cookies_of(LogIn(service).finish())
