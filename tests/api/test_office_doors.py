"""Each desk of the card office gets through its own doors: the whole office in one table."""

from app.main import create_app
from app.settings import Settings
from demo.deployment import Deployment
from tests.api.office import DOORS, ROLES, AtOffice, address_of
from tests.api.stage import Service
from tests.api.test_routes import operations


def test_every_operation_of_the_office_has_its_row(deployment: Deployment) -> None:
    app = create_app(Settings(**{key.lower(): value for key, value in deployment.settings.items()}))
    found = {one for one in operations(app) if "/office" in one}
    assert found == set(DOORS), "write down in DOORS which desks get in"


def test_every_desk_gets_through_its_own_doors_and_no_others(service: Service) -> None:
    let_in: dict[str, set[str]] = {operation: set() for operation in DOORS}
    for role in ROLES:
        headers = AtOffice.log_in(service, role).headers
        for operation in DOORS:
            method, path = operation.split()[0], address_of(operation)
            answer = service.http.request(method, path, json={}, headers=headers)
            assert answer.status_code != 401, operation
            if answer.status_code != 403:
                let_in[operation].add(role)
    assert let_in == {operation: set(desks) for operation, desks in DOORS.items()}


def test_officials_of_schools_find_every_door_closed(service: Service) -> None:
    school = service.official("personnel", "personnel")
    headers = {"cookie": school.page.request.headers["cookie"]}
    answered = {
        operation: service.http.request(
            operation.split()[0], address_of(operation), headers=headers
        ).status_code
        for operation in DOORS
    }
    assert set(answered.values()) == {403}


def test_no_change_without_the_token_of_the_own_form(service: Service) -> None:
    cookie = {"cookie": AtOffice.log_in(service, "issuer").headers["cookie"]}
    for operation in DOORS:
        if operation.startswith("POST "):
            answer = service.http.post(address_of(operation), json={}, headers=cookie)
            assert answer.status_code == 403, operation
