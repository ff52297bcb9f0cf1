"""The card office as tests see it: who may open which door, and an official who works there."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from app.office.acts import ACTS
from demo.browser import Browser
from tests.api.stage import Service

ROLES = ("viewer", "support", "issuer", "security")
EVERYBODY = frozenset(ROLES)
HELPERS, ISSUERS = frozenset({"support", "issuer"}), frozenset({"issuer"})
SECURITY = frozenset({"security"})
NOBODYS = uuid.UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77")

# Every operation of the office and the desks that it lets in.
DOORS: dict[str, frozenset[str]] = {
    "GET /office": EVERYBODY,
    "POST /office/cases": EVERYBODY,
    "GET /office/cases/{case_id}": EVERYBODY,
    "GET /office/cases/{case_id}/paper.pdf": ISSUERS,
    "GET /office/waiting": ISSUERS,
    "GET /office/cases/{case_id}/propose/{kind}": ISSUERS,
    "POST /office/cases/{case_id}/propose/{kind}": ISSUERS,
    "GET /office/waiting/{subject}/{number}": ISSUERS,
    "POST /office/waiting/{subject}/{number}/record": ISSUERS,
    "POST /office/waiting/{subject}/{number}/{answer}": ISSUERS,
    "GET /api/v1/office/waiting": ISSUERS,
    "POST /api/v1/office/cases/{case_id}/proposals": ISSUERS,
    "POST /api/v1/office/waiting/{subject}/{number}": ISSUERS,
    "GET /office/partners": EVERYBODY,
    "POST /office/partners": HELPERS,
    "GET /office/partners/{partner_id}": EVERYBODY,
    "POST /office/partners/{partner_id}/tills": HELPERS,
    "POST /office/partners/{partner_id}/tills/{till_id}/code": HELPERS,
    "POST /office/partners/{partner_id}/tills/{till_id}/key": HELPERS,
    "POST /office/partners/{partner_id}/keys/{key_id}/revoke": HELPERS,
    "POST /office/partners/{partner_id}/enterprise": ISSUERS,
    "POST /office/partners/{partner_id}/stop": SECURITY,
    "POST /office/partners/{partner_id}/admit": SECURITY,
    "GET /office/partners/{partner_id}/benefits": EVERYBODY,
    "GET /office/partners/{partner_id}/benefits/new": HELPERS,
    "POST /office/partners/{partner_id}/benefits": HELPERS,
    "GET /office/partners/{partner_id}/benefits/{benefit_id}": HELPERS,
    "POST /office/partners/{partner_id}/benefits/{benefit_id}": HELPERS,
    "POST /office/partners/{partner_id}/benefits/{benefit_id}/end": HELPERS,
    "GET /office/watch": EVERYBODY,
    "POST /office/watch/deliver": HELPERS,
    "POST /office/watch/stop-issuing": SECURITY,
    "POST /office/watch/go-on-issuing": SECURITY,
    "POST /office/watch/keys/{key_id}/revoke": SECURITY,
    "POST /office/watch/revocations/{number}/{answer}": SECURITY,
    "GET /office/looks": SECURITY,
    "GET /api/v1/office/partners": EVERYBODY,
    "POST /api/v1/office/partners/{partner_id}/stop": SECURITY,
    "POST /api/v1/office/partners/{partner_id}/admit": SECURITY,
    "GET /api/v1/office/watch": EVERYBODY,
    "POST /api/v1/office/watch/stop-issuing": SECURITY,
    "POST /api/v1/office/watch/go-on-issuing": SECURITY,
    "POST /api/v1/office/watch/keys/{key_id}/revoke": SECURITY,
    "POST /api/v1/office/watch/revocations/{number}": SECURITY,
    "GET /api/v1/office": EVERYBODY,
    "POST /api/v1/office/cases": EVERYBODY,
    "GET /api/v1/office/cases/{case_id}": EVERYBODY,
    **{
        f"{operation}/{act}": desks
        for act, desks in {
            "suspend": HELPERS,
            "resume": ISSUERS,
            "reissue": HELPERS,
            "revoke": ISSUERS,
            "bar": ISSUERS,
            "print": ISSUERS,
            "deliver": HELPERS,
        }.items()
        for operation in (
            "GET /office/cases/{case_id}",
            "POST /office/cases/{case_id}",
            "POST /api/v1/office/cases/{case_id}",
        )
    },
}
assert set(ACTS) <= {operation.rpartition("/")[2] for operation in DOORS}


def address_of(operation: str) -> str:
    """The path of an operation, with a number that nothing has where it names one."""
    words = {"{kind}": "grant", "{subject}": "grant", "{answer}": "refuse", "{key_id}": "1"}
    return re.sub(r"\{\w+\}", lambda found: words.get(found[0], str(NOBODYS)), operation.split()[1])


@dataclass(slots=True)
class AtOffice:
    """An official with a browser and, for what a script does, its session and form token."""

    service: Service
    key: str
    browser: Browser
    headers: dict[str, str]

    @classmethod
    def log_in(cls, service: Service, key: str) -> "AtOffice":
        """Log in by strong means."""
        browser = service.official(key)
        cookie = {"cookie": browser.page.request.headers["cookie"]}
        token = service.http.get("/api/v1/office", headers=cookie).json()["csrf_token"]
        return cls(service, key, browser, cookie | {"x-csrf-token": token})

    def ask(self, method: str, path: str, json: Any = None) -> httpx.Response:
        """What a script of this official asks."""
        return self.service.http.request(
            method, f"/api/v1/office{path}", json=json, headers=self.headers
        )

    def look_up(self, number: str, purpose: str = "holder-asks") -> httpx.Response:
        """Open a record."""
        asked = {"number": number, "purpose": purpose, "reference": "ticket 12"}
        return self.ask("POST", "/cases", asked)

    def case(self, number: str) -> str:
        """The path of a record that was opened."""
        answer = self.look_up(number)
        assert answer.status_code == 201, answer.text
        return f"/cases/{answer.json()['case_id']}"

    def act(self, case: str, name: str, why: str) -> httpx.Response:
        """Do something in an open record."""
        return self.ask("POST", f"{case}/{name}", {"why": why})
