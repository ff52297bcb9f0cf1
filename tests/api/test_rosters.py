"""The personnel office over HTTP: upload, preview, submit, release by a second person, own list."""

import pytest
from sqlalchemy import select

from app.audit import AuditEntry
from app.cards.entitlement import Policy
from app.cards.keyring import KeyRing
from app.db import Database
from app.epd.rosters.applying import apply_next
from app.epd.rosters.model import Roster
from demo.browser import Browser
from demo.officials import SCHOOL
from tests.api.problem import problem_of
from tests.api.stage import Service

EID = "urn:be:vlaanderen:authmech:eid"
INSZ = "84022999510"
HEADER = "insz;personeelscategorie;begindatum;einddatum;referentie"
GOOD = f"{HEADER}\n{INSZ};ONDERWIJZEND;01/09/2026;30/06/2027;=cmd|'x'!A1\n"
BAD = f"{GOOD}84022999511;ONDERWIJZEND;01/09/2026;30/06/2027;P-2\n"


def office(service: Service, key: str = "personnel") -> Browser:
    browser = service.browser()
    browser.open("/login?for=personnel&to=/roster")
    browser.press("auth/choice", person=key, acr=EID, decision="log-in")
    assert browser.page.url.path == "/roster", browser.page.text
    return browser


def headers_of(browser: Browser) -> dict[str, str]:
    csrf = next(form for form in browser.forms if "csrf" in form.fields).fields["csrf"]
    return {"cookie": browser.page.request.headers["cookie"], "x-csrf-token": csrf}


def upload(service: Service, browser: Browser, content: str | bytes = GOOD) -> str:
    """Through the form; the path it leads to, or the page's text when the file was refused."""
    headers = headers_of(browser)
    answer = service.http.post(
        "/roster",
        files={"file": ("list.csv", content)},
        data={"csrf": headers["x-csrf-token"]},
        headers={"cookie": headers["cookie"], "accept": "text/html"},
    )
    return answer.headers.get("location") or answer.text


def test_two_people_bring_somebody_onto_the_list(service: Service) -> None:
    els, pieter = office(service), office(service, "personnel-second")
    path = upload(service, els, BAD)
    els.open(path)
    assert "1 lijnen zijn bruikbaar, 1 zijn geweigerd" in els.page.text
    assert INSZ not in els.page.text
    els.press("/submit")
    assert "/release" not in "".join(form.action for form in els.forms)
    pieter.open(path)
    pieter.press("/release")
    assert pieter.page.status_code == 200
    database = Database(service.deployment.database_url)
    try:
        keys = KeyRing(service.deployment.directory / "keys").keys
        while database.transact(
            lambda s: apply_next(s, keys=keys, policy=Policy(), now=service.clock())
        ):
            pass
    finally:
        database.close()
    els.open("/roster")
    assert "84.02.29-•••.10" in els.page.text
    listed = els.open("/roster/list.csv")
    assert listed.content.startswith("\ufeff".encode())
    assert INSZ not in listed.text


def test_the_one_who_brought_it_cannot_release_it(service: Service) -> None:
    els = office(service)
    path = upload(service, els)
    headers = headers_of(els)
    assert service.http.post(f"{path}/submit", headers=headers).status_code == 303
    assert service.http.post(f"{path}/release", headers=headers).status_code == 403


def test_another_school_and_a_colleague_without_the_role_see_nothing(service: Service) -> None:
    path = upload(service, office(service))
    elsewhere = headers_of(office(service, "personnel-elsewhere"))
    for address in (path, f"{path}/report.csv", f"/api/v1{path.replace('roster', 'rosters')}"):
        assert service.http.get(address, headers=elsewhere).status_code == 404
    for verb in ("submit", "release", "withdraw"):
        assert service.http.post(f"{path}/{verb}", headers=elsewhere).status_code == 404


def test_everything_seen_or_done_is_on_record_without_a_number(service: Service) -> None:
    els = office(service)
    path = upload(service, els)
    els.open(path)
    els.press("/submit")
    els.open(f"{path}/report.csv")
    database = Database(service.deployment.database_url)
    with database.reading() as session:
        acts = list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    database.close()
    assert [act.action for act in acts] == [
        "roster.list",
        "roster.upload",
        "roster.view",
        "roster.submit",
        "roster.view",
        "roster.report",
    ]
    assert {act.organisation for act in acts} == {SCHOOL}
    assert not any(INSZ in act.details + act.object + act.purpose for act in acts)


def test_a_report_runs_no_formula(service: Service) -> None:
    els = office(service)
    report = els.open(f"{upload(service, els)}/report.csv")
    assert "'=cmd" in report.text
    assert ";=cmd" not in report.text


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"0" * 100, b"naam\nAn\n", b""])
def test_a_file_that_is_no_roster_is_explained_and_not_kept(
    service: Service, content: bytes
) -> None:
    text = upload(service, office(service), content)
    assert "Het bestand is niet aanvaard" in text
    database = Database(service.deployment.database_url)
    with database.reading() as session:
        assert session.scalars(select(Roster)).all() == []
    database.close()


def test_a_form_from_elsewhere_uploads_nothing(service: Service) -> None:
    headers = headers_of(office(service))
    answer = service.http.post(
        "/roster",
        files={"file": ("list.csv", GOOD)},
        data={"csrf": "0" * 64},
        headers={"cookie": headers["cookie"]},
    )
    assert answer.status_code == 403


def test_software_of_the_school_brings_a_roster_and_reads_how_it_stands(service: Service) -> None:
    headers = headers_of(office(service))
    csv = headers | {"content-type": "text/csv"}
    answer = service.http.post("/api/v1/rosters", content=BAD.encode(), headers=csv)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert (document["state"], document["lines"], document["refused"]) == ("draft", 2, 1)
    assert document["faults"] == [{"line": 3, "code": "number"}]
    again = service.http.get(answer.headers["location"], headers=headers).json()
    assert again == document
    later = service.http.get(answer.headers["location"] + "?after=3", headers=headers).json()
    assert later["faults"] == []


def test_what_software_sends_wrongly_is_a_problem(service: Service) -> None:
    headers = headers_of(office(service))

    def post(content: bytes, **more: str) -> tuple[int, str]:
        answer = service.http.post("/api/v1/rosters", content=content, headers=headers | more)
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    csv = {"content-type": "text/csv"}
    assert post(b"x", **{"content-type": "application/zip"}) == (415, "unsupported-media-type")
    assert post(b"x", **csv, **{"content-encoding": "gzip"}) == (415, "unsupported-media-type")
    bomb = service.http.post("/api/v1/rosters", content=b"PK\x03\x04", headers=headers | csv)
    problem_of(bomb, "malformed-request", 422)


def test_a_body_of_an_unknown_sender_is_not_read(service: Service) -> None:
    answer = service.http.post(
        "/api/v1/rosters", content=b"0" * 200_000, headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 401


def test_the_template_can_be_uploaded_as_it_is(service: Service) -> None:
    els = office(service)
    template = els.open("/roster/template.csv")
    els.open("/roster")
    assert upload(service, els, template.content).startswith("/roster/")
