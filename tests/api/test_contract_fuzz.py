"""Every operation of the committed OpenAPI description, asked by every role with generated input.

Good input and bad is drawn from the description itself; whatever comes back has to be in it:
its status, its media type, its headers, its body. `make fuzz` draws ten times as much.
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

from tests.api import oauth
from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_rosters import headers_of, office

Headers = Mapping[str, str]

pytestmark = pytest.mark.hypothesis

API = schemathesis.openapi.from_path(Path("openapi/openapi.json"))
# A schema cannot say that a number must exist or a digest fit, so valid input may be refused; a
# query that is not known is passed over; and roles come by headers that no check can take away.
NOT_OURS = [
    checks.positive_data_acceptance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.ignored_auth,
]
# Nothing breaks the schema of a file, whose lines are judged, or of a header that may be any text.
ANYTHING_GOES = ("/api/v1/rosters", "/api/v1/office/watch/go-on-issuing")
SOME = settings(max_examples=settings.default.max_examples // 20)
# Who erases everything or loses the card has nothing left to ask with.
LAST = ("/api/v1/me/card/report-lost", "/api/v1/me/erase")
# How a request is framed is the connection's business: what is broken there reaches no operation.
FRAMING = ("content-length", "transfer-encoding", "connection", "upgrade", "expect")

ROLES: Mapping[str, Callable[[Service], Headers]] = {
    "nobody": lambda _: {},
    "teacher": lambda service: service.as_teacher(service.with_card()),
    "till": lambda service: bearer(service.deployment.shops["museum"].live_key),
    "till in the sandbox": lambda service: bearer(service.deployment.shops["museum"].test_key),
    "EPD sync job": lambda service: oauth.bearer(service, oauth.register(service)),
    "personnel office": lambda service: headers_of(office(service)),
    "issuer": lambda service: AtOffice.log_in(service, "issuer").headers,
    "security": lambda service: AtOffice.log_in(service, "security").headers,
}


def bearer(credential: str) -> Headers:
    return {"authorization": f"Bearer {credential}"}


# Every role meets both databases, with good input on one and bad input on the other.
TURNS = [
    (("sqlite", "postgresql")[(place + turn) % 2], role, mode)
    for place, role in enumerate(ROLES)
    for turn, mode in enumerate((GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
]


@pytest.mark.parametrize(("database_url", "role", "mode"), TURNS, indirect=["database_url"])
def test_every_answer_is_in_the_description(
    service: Service, role: str, mode: GenerationMode
) -> None:
    hold_to(API, service, ROLES[role](service), mode)


def test_an_answer_that_is_not_in_the_description_is_found(service: Service) -> None:
    raw = copy.deepcopy(API.raw_schema)
    del raw["paths"]["/api/v1/me"]["get"]["responses"]["default"]
    with pytest.raises(FailureGroup, match="Undocumented status code"):
        hold_to(schemathesis.openapi.from_dict(raw), service, {}, GenerationMode.POSITIVE)


def hold_to(api: BaseSchema, service: Service, headers: Headers, mode: GenerationMode) -> None:
    """Ask every operation; raises what was found."""
    operations = [found.ok() for found in api.get_all_operations()]
    for operation in sorted(operations, key=lambda one: one.path in LAST):
        takes_something = operation.body or any(operation.iter_parameters())
        can_break = takes_something and operation.path not in ANYTHING_GOES
        if mode is GenerationMode.NEGATIVE and not can_break:
            continue

        @settings(SOME, suppress_health_check=list(HealthCheck), deadline=None)
        @given(case=operation.as_strategy(mode))
        def ask(case: schemathesis.Case) -> None:
            for name in FRAMING:
                case.headers.pop(name, None)
            answer = case.call(base_url=service.address, headers=dict(headers))
            case.validate_response(answer, excluded_checks=NOT_OURS, headers=dict(headers))

        ask()
