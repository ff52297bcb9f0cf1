"""Every route has one audience, and nobody else gets in: the whole house in one table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from app.main import create_app
from app.settings import Settings
from demo.deployment import Deployment
from tests.api.office import DOORS, address_of
from tests.api.stage import Service

AUDIENCES = {
    "teacher",
    "phone camera",
    "partner",
    "operations",
    "anyone",
    "personnel office",
    "Apple Wallet",
    "EPD sync job",
    "Google Wallet",
    "card office",
    "partner desk",
}
# What the framework serves, which has no tags.
UNTAGGED = {
    "/openapi.json": "anyone",
    "/static/{fingerprint}": "anyone",
    "/api/v1/verifications": "partner",
}
ROUTE = "/api/v1/verifications"
DEVICE = "/apple/v1/devices/{deviceLibraryIdentifier}/registrations/{passTypeIdentifier}"
UNKNOWN_DEVICE = "/apple/v1/devices/unknown/registrations/x"
# A link opens for whoever has it, once; tests/api/test_handoff.py does.
LINK = "/handoff/{link}"
UNKNOWN_LINK = f"/handoff/{'n' * 43}"
QUESTION = {"presentation": "", "channel": "till"}


@dataclass(frozen=True, slots=True)
class Row:
    """What a route answers to a stranger, to a teacher who is logged in, and to a till."""

    stranger: int
    teacher: int
    till: int
    json: dict[str, Any] | None = None
    # What `{…}` in the path becomes; `{verification}` is one that the till got.
    address: str | None = None


OPEN = Row(200, 200, 200)
OWN = Row(401, 303, 401)
# What each desk of the card office may do: tests/api/test_office_doors.py.
OFFICE = Row(401, 403, 401, json={})
CLOSED = Row(401, 403, 401)
UUID = "0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77"
TABLE = {
    "GET /": OPEN,
    "GET /login": Row(303, 303, 303),
    # Without an attempt of this browser nobody comes back.
    "GET /callback": Row(403, 403, 403),
    "GET /logged-out": OPEN,
    "GET /card": Row(401, 200, 401),
    "POST /card": OWN,
    "POST /card/apple": OWN,
    "GET /card/apple.pkpass": Row(401, 200, 401),
    "POST /card/google": OWN,
    "GET /card/paper": Row(401, 200, 401),
    "POST /card/paper": OWN,
    "GET /card/paper.pdf": Row(401, 200, 401),
    "GET /card/live": Row(401, 200, 401),
    "GET /card/live/offline": OPEN,
    "GET /card/live/manifest.webmanifest": OPEN,
    "GET /card/live/worker.js": OPEN,
    # A device proves itself with its key; tests/api/test_live_card.py does.
    "POST /card/strips": Row(401, 401, 401),
    "POST /card/report-lost": OWN,
    "GET /1{rest:path}": Row(200, 200, 200, address="/1ABC"),
    # A device proves itself with a pass's own token; tests/api/test_apple_service.py does.
    f"POST {DEVICE}/{{serialNumber}}": Row(401, 401, 401, address=f"{UNKNOWN_DEVICE}/0"),
    f"DELETE {DEVICE}/{{serialNumber}}": Row(401, 401, 401, address=f"{UNKNOWN_DEVICE}/0"),
    f"GET {DEVICE}": Row(204, 204, 204, address=UNKNOWN_DEVICE),
    "GET /apple/v1/passes/{passTypeIdentifier}/{serialNumber}": Row(
        401, 401, 401, address="/apple/v1/passes/x/0"
    ),
    # Google proves itself with its signature; tests/api/test_google_callback.py does.
    "POST /google/callback": Row(400, 400, 400),
    "POST /apple/v1/log": Row(200, 200, 200, json={"logs": []}),
    f"POST {ROUTE}": Row(401, 401, 200, json=QUESTION),
    f"GET {ROUTE}/{{verification_id}}": Row(401, 401, 200, address=f"{ROUTE}/{{verification}}"),
    f"GET {ROUTE}/{{verification_id}}/receipt": Row(
        401, 401, 200, address=f"{ROUTE}/{{verification}}/receipt"
    ),
    # A check that was refused is no use to take back; tests/api/test_afterwards.py has the others.
    f"GET {ROUTE}/counts.csv": Row(401, 401, 200),
    f"POST {ROUTE}/{{verification_id}}/void": Row(
        401, 401, 409, address=f"{ROUTE}/{{verification}}/void"
    ),
    "GET /card/webshop-codes": Row(401, 200, 401),
    "POST /card/webshop-codes": Row(401, 200, 401),
    "GET /card/webshop-codes/step": Row(401, 200, 401),
    # Only an access token opens these; tests/api/test_epd.py has one.
    "POST /api/v1/epd/status-batches": Row(401, 401, 401, json={}),
    "GET /api/v1/epd/status-batches/{batch_id}": Row(
        401, 401, 401, address="/api/v1/epd/status-batches/0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77"
    ),
    "GET /api/v1/epd/sequence": Row(401, 401, 401),
    "POST /api/v1/epd/status-queries": Row(401, 401, 401, json={"insz": "1"}),
    "GET /api/v1/epd/status-batch.schema.json": OPEN,
    "GET /.well-known/jwks.json": OPEN,
    "POST /card/handoff": Row(401, 200, 401),
    "GET /card/handoff": Row(401, 200, 401),
    "GET /card/handoff/step": Row(401, 200, 401),
    # Nobody's phone waits.
    "POST /card/handoff/confirm": Row(401, 409, 401),
    f"GET {LINK}": Row(404, 404, 404, address=UNKNOWN_LINK),
    f"POST {LINK}": Row(404, 404, 404, address=UNKNOWN_LINK),
    f"GET {LINK}/step": Row(200, 200, 200, address=f"{UNKNOWN_LINK}/step"),
    f"POST {LINK}/finish": Row(404, 404, 404, address=f"{UNKNOWN_LINK}/finish"),
    "GET /help": OPEN,
    # Without a mail server; the tour of the demo has one, and links.
    "GET /card/notices": Row(401, 404, 401),
    "POST /card/notices": Row(401, 422, 401),
    "POST /card/notices/stop": OWN,
    "GET /notices/confirm/{token}": Row(404, 404, 404, address="/notices/confirm/x"),
    "POST /notices/confirm/{token}": Row(404, 404, 404, address="/notices/confirm/x"),
    "GET /notices/stop/{token}": Row(200, 200, 200, address="/notices/stop/x"),
    "POST /notices/stop/{token}": Row(404, 404, 404, address="/notices/stop/x"),
    "GET /accessibility": OPEN,
    "GET /card/lost": Row(401, 200, 401),
    "GET /card/activity": Row(401, 200, 401),
    "GET /privacy": OPEN,
    "GET /privacy/erased": OPEN,
    "GET /privacy/export": Row(401, 200, 401),
    "GET /api/v1/me": Row(401, 200, 401),
    "GET /api/v1/me/activity": Row(401, 200, 401),
    "GET /api/v1/me/export": Row(401, 200, 401),
    "POST /api/v1/me/webshop-codes": Row(401, 201, 401),
    "POST /api/v1/me/passes/apple": Row(401, 201, 401),
    "POST /api/v1/me/passes/google": Row(401, 201, 401),
    "POST /api/v1/me/passes/paper": Row(401, 201, 401),
    "POST /api/v1/me/strips": Row(401, 401, 401),
    "POST /api/v1/me/card": Row(401, 200, 401),
    "POST /api/v1/me/card/report-lost": Row(401, 200, 401),
    "GET /scanner": OPEN,
    "GET /scanner/sheet": OPEN,
    "GET /scanner/manifest.webmanifest": OPEN,
    "GET /scanner/worker.js": OPEN,
    "GET /scanner/decoder.js": OPEN,
    "GET /sandbox": OPEN,
    "GET /sandbox/{part}": Row(200, 200, 200, address="/sandbox/ok"),
    "POST /sandbox/{part}/strips": Row(200, 200, 200, address="/sandbox/ok/strips"),
    "GET /api/v1/sandbox/cards": OPEN,
    "GET /api/v1/offline-list": Row(401, 401, 200),
    "POST /api/v1/tills/enrol": Row(403, 403, 403, json={"code": ""}),
    "GET /benefits": OPEN,
    "GET /api/v1/benefits": OPEN,
    "GET /.well-known/oauth-authorization-server": OPEN,
    # A client proves itself in the body; tests/api/test_oauth.py does.
    "POST /oauth2/token": Row(400, 400, 400),
    # A personnel officer gets in: tests/api/test_rosters.py.
    "GET /roster": CLOSED,
    "POST /roster": CLOSED,
    "GET /roster/template.csv": CLOSED,
    "GET /roster/list.csv": CLOSED,
    "GET /roster/{roster_id}": Row(401, 403, 401, address=f"/roster/{UUID}"),
    "GET /roster/{roster_id}/report.csv": Row(401, 403, 401, address=f"/roster/{UUID}/report.csv"),
    "POST /roster/{roster_id}/submit": Row(401, 403, 401, address=f"/roster/{UUID}/submit"),
    "POST /roster/{roster_id}/release": Row(401, 403, 401, address=f"/roster/{UUID}/release"),
    "POST /roster/{roster_id}/withdraw": Row(401, 403, 401, address=f"/roster/{UUID}/withdraw"),
    "POST /roster/entries/{teacher_id}/end": Row(
        401, 403, 401, address=f"/roster/entries/{UUID}/end"
    ),
    "POST /api/v1/rosters": CLOSED,
    "GET /api/v1/rosters/{roster_id}": Row(401, 403, 401, address=f"/api/v1/rosters/{UUID}"),
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /statistics": OPEN,
    "GET /statistics.csv": OPEN,
    "GET /statistics.xlsx": OPEN,
    "GET /api/v1/statistics": OPEN,
    **{operation: replace(OFFICE, address=address_of(operation)) for operation in DOORS},
    # A person of an enterprise gets in: tests/api/test_partner_pages.py.
    "GET /partner": CLOSED,
    "POST /partner/applications": CLOSED,
    "POST /partner/tills": CLOSED,
    "POST /partner/tills/{till_id}/code": Row(401, 403, 401, address=f"/partner/tills/{UUID}/code"),
    "POST /partner/tills/{till_id}/key": Row(401, 403, 401, address=f"/partner/tills/{UUID}/key"),
    "POST /partner/keys/{key_id}/revoke": Row(401, 403, 401, address="/partner/keys/x/revoke"),
    "POST /partner/clients": CLOSED,
    "POST /partner/clients/{client_id}/revoke": Row(
        401, 403, 401, address="/partner/clients/x/revoke"
    ),
    "GET /partner/benefits": CLOSED,
    "GET /partner/benefits/new": CLOSED,
    "POST /partner/benefits": CLOSED,
    "GET /partner/benefits/{benefit_id}": Row(401, 403, 401, address=f"/partner/benefits/{UUID}"),
    "POST /partner/benefits/{benefit_id}": Row(401, 403, 401, address=f"/partner/benefits/{UUID}"),
    "POST /partner/benefits/{benefit_id}/end": Row(
        401, 403, 401, address=f"/partner/benefits/{UUID}/end"
    ),
    "GET /partner/counts": CLOSED,
    "GET /partner/counts.csv": CLOSED,
    "GET /problems": OPEN,
    "GET /problems/{kind}": Row(200, 200, 200, address="/problems/not-found"),
    "GET /openapi.json": OPEN,
    # Any fingerprint leads to the present files.
    "GET /static/{fingerprint}": Row(200, 200, 200, address="/static/x/style.css"),
    # These end the session, so they come last, and of the teacher's only the first gets there.
    "POST /logout": OWN,
    "POST /privacy/erase": Row(401, 401, 401),
    "POST /api/v1/me/erase": Row(401, 401, 401),
}


def routes(app: FastAPI) -> list[RouteContext]:
    """Every route, those of included routers too."""
    found = list(iter_route_contexts(app.routes))
    assert all(route.path for route in found), "a route without a path would go unseen"
    return found


def operations(app: FastAPI) -> Iterator[str]:
    """Every method of every route."""
    for route in routes(app):
        # A mount has no methods; of static files only GET matters.
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield f"{method} {route.path}"


def audiences(route: RouteContext) -> list[str]:
    """For whom a route says that it is."""
    return [UNTAGGED[str(route.path)]] if route.path in UNTAGGED else list(route.tags)


def without_one_audience(app: FastAPI) -> list[str | None]:
    """The routes that do not say for whom they are, or say two things."""
    return [
        route.path
        for route in routes(app)
        if len(audiences(route)) != 1 or not set(audiences(route)) <= AUDIENCES
    ]


@pytest.fixture
def app(deployment: Deployment) -> FastAPI:
    return create_app(Settings(**{k.lower(): v for k, v in deployment.settings.items()}))


def test_every_route_has_exactly_one_audience(app: FastAPI) -> None:
    assert without_one_audience(app) == []


def test_a_route_without_an_audience_is_noticed(app: FastAPI) -> None:
    app.add_api_route("/untagged", lambda: None)
    app.add_api_route("/of-two", lambda: None, tags=["teacher", "partner"])
    app.add_api_route("/of-nobody", lambda: None, tags=["insider"])
    assert without_one_audience(app) == ["/untagged", "/of-two", "/of-nobody"]


def test_every_operation_has_its_row(app: FastAPI) -> None:
    found = list(operations(app))
    assert sorted(found) == sorted(TABLE), "write down in TABLE who gets in, and who does not"


def test_every_audience_gets_in_and_nobody_else(service: Service) -> None:
    verification = service.till().scan("").json()["verification_id"]
    key = service.deployment.shops["museum"].live_key
    teacher, till = service.as_teacher(service.with_card()), {"authorization": f"Bearer {key}"}
    answered = {}
    for operation, row in TABLE.items():
        method, path = operation.split()
        address = (row.address or path).format(verification=verification)
        statuses = [
            service.http.request(method, address, json=row.json, headers=headers).status_code
            for headers in ({}, teacher, till)
        ]
        answered[operation] = Row(*statuses, json=row.json, address=row.address)
    assert answered == TABLE


def test_a_key_for_the_sandbox_opens_what_a_live_key_opens(service: Service) -> None:
    till = service.till(test=True)
    verification = till.scan("").json()["verification_id"]
    headers = {"authorization": f"Bearer {service.deployment.shops['museum'].test_key}"}
    assert service.http.get(f"{ROUTE}/{verification}", headers=headers).json()["reason"] == (
        "malformed"
    )
