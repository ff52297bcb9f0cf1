"""The simulated Google, driven by Google's own Python client and held to Google's own rules."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from app.passes.google.account import SCOPE, ServiceAccount
from app.passes.google.client import GoogleWallet
from demo.google_account import ISSUER_ID

Json = dict[str, Any]
Build = Callable[..., Json]
Google = Any  # the simulator of conftest.py
Theirs = Any  # Google's client, made at run time from the discovery document

OBJECTS = "/walletobjects/v1/genericObject"


@pytest.fixture
def theirs(google: Google) -> Iterator[Theirs]:
    """Google's own client, with Google's own library for its access token."""
    google.moment = datetime.now(UTC)  # noqa: TID251 - the clock that Google's library reads
    credentials = Credentials.from_service_account_file(google.account, scopes=[SCOPE])
    options = {"api_endpoint": google.url}
    with closing(
        build(
            "walletobjects",
            "v1",
            credentials=credentials,
            client_options=options,
            static_discovery=True,
        )
    ) as client:
        yield client


@pytest.fixture
def ours(
    connect: Callable[..., GoogleWallet],
    theirs: Theirs,  # noqa: ARG001 - it sets the clock
    google: Google,
    design: Json,
) -> GoogleWallet:
    """Our client at the same moment, the class in place."""
    wallet = connect()
    wallet.ensure_class(design, now=google.moment)
    return wallet


@pytest.fixture
def bearer(google: Google, account: ServiceAccount, design: Json, shown: Build) -> httpx.Client:
    """A plain connection with an access token; a class and an object are there."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": account.assertion(now=google.moment),
    }
    token = google.http.post("/token", data=form).json()["access_token"]
    google.http.headers["Authorization"] = f"Bearer {token}"
    google.http.post("/walletobjects/v1/genericClass", json=design).raise_for_status()
    google.http.post(OBJECTS, json=shown()).raise_for_status()
    return google.http


def test_google_s_client_reads_back_what_we_wrote(
    theirs: Theirs, ours: GoogleWallet, google: Google, design: Json, shown: Build
) -> None:
    ours.put_object(shown(), now=google.moment)
    got = theirs.genericobject().get(resourceId=shown()["id"]).execute()
    assert shown().items() <= got.items()
    assert design.items() <= theirs.genericclass().get(resourceId=design["id"]).execute().items()


def test_we_read_back_what_google_s_client_wrote(
    theirs: Theirs, ours: GoogleWallet, google: Google, shown: Build
) -> None:
    theirs.genericobject().insert(body=shown()).execute()
    theirs.genericobject().patch(resourceId=shown()["id"], body={"state": "INACTIVE"}).execute()
    got = ours.get_object(shown()["id"], now=google.moment)
    assert (shown() | {"state": "INACTIVE"}).items() <= got.items()


def test_google_s_client_meets_the_errors_it_knows(
    theirs: Theirs, ours: GoogleWallet, google: Google, shown: Build
) -> None:
    ours.put_object(shown(), now=google.moment)
    with pytest.raises(HttpError) as there:
        theirs.genericobject().insert(body=shown()).execute()
    with pytest.raises(HttpError) as missing:
        theirs.genericobject().get(resourceId=f"{ISSUER_ID}.x").execute()
    with pytest.raises(HttpError) as foreign:
        theirs.genericobject().get(resourceId="3388000000000000001.x").execute()
    with pytest.raises(HttpError) as broken:
        theirs.genericobject().insert(body=shown() | {"teacher": True}).execute()
    statuses = [error.value.status_code for error in (there, missing, foreign, broken)]
    assert statuses == [409, 404, 403, 400]


def test_google_s_client_pages_through_the_objects_of_a_class(
    theirs: Theirs, ours: GoogleWallet, google: Google, design: Json, shown: Build
) -> None:
    for number in range(5):
        ours.put_object(shown(serial=f"pass-{number}"), now=google.moment)
    found: list[str] = []
    page: Json = {"pagination": {"nextPageToken": "0"}}
    while token := page["pagination"].get("nextPageToken"):
        pages = theirs.genericobject()
        page = pages.list(classId=design["id"], maxResults=2, token=token).execute()
        found += [thing["id"] for thing in page["resources"]]
    assert found == [f"{ISSUER_ID}.pass-{number}" for number in range(5)]
    classes = theirs.genericclass().list(issuerId=ISSUER_ID).execute()["resources"]
    assert [thing["id"] for thing in classes] == [design["id"]]


def test_a_fourth_notice_on_one_day_is_over_quota(
    theirs: Theirs, ours: GoogleWallet, google: Google, shown: Build
) -> None:
    ours.put_object(shown(), now=google.moment)
    notice = {"header": "Nieuw", "body": "Er is iets", "messageType": "TEXT_AND_NOTIFY"}
    messages = theirs.genericobject()
    for number in range(3):
        body = {"message": notice | {"id": str(number)}}
        messages.addmessage(resourceId=shown()["id"], body=body).execute()
    with pytest.raises(HttpError) as caught:
        messages.addmessage(resourceId=shown()["id"], body={"message": notice}).execute()
    assert caught.value.error_details[0]["reason"] == "quotaExceeded"
    plain = {"message": notice | {"messageType": "TEXT"}}
    answer = messages.addmessage(resourceId=shown()["id"], body=plain).execute()
    assert len(answer["resource"]["messages"]) == 4


def test_put_replaces_everything_and_drops_what_is_omitted(
    bearer: httpx.Client, shown: Build
) -> None:
    bare = {name: shown()[name] for name in ("id", "classId", "cardTitle", "header")}
    bearer.put(f"{OBJECTS}/{bare['id']}", json=bare).raise_for_status()
    got = bearer.get(f"{OBJECTS}/{bare['id']}").json()
    assert "rotatingBarcode" not in got


def test_a_patch_clears_with_null_and_replaces_arrays_whole(
    bearer: httpx.Client, shown: Build
) -> None:
    change = {"rotatingBarcode": None, "textModulesData": [{"id": "one", "body": "1"}]}
    got = bearer.patch(f"{OBJECTS}/{shown()['id']}", json=change).json()
    assert "rotatingBarcode" not in got
    assert got["textModulesData"] == change["textModulesData"]
    assert got["header"] == shown()["header"]


def test_nothing_can_be_deleted(bearer: httpx.Client, shown: Build) -> None:
    assert bearer.delete(f"{OBJECTS}/{shown()['id']}").status_code == 405


def test_an_id_cannot_change(bearer: httpx.Client, shown: Build) -> None:
    answer = bearer.patch(f"{OBJECTS}/{shown()['id']}", json={"id": f"{ISSUER_ID}.other"})
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_a_400(bearer: httpx.Client, body: bytes) -> None:
    answer = bearer.post(OBJECTS, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400


def test_the_error_envelope_is_google_s(bearer: httpx.Client) -> None:
    error = bearer.get(f"{OBJECTS}/3388000000000000001.x").json()["error"]
    assert error["code"] == 403
    assert error["errors"] == [
        {"message": "Permission denied.", "domain": "walletobjects", "reason": "permissionDenied"}
    ]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic eDp5"])
def test_a_call_without_a_token_is_a_401(
    bearer: httpx.Client, shown: Build, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    answer = bearer.get(f"{OBJECTS}/{shown()['id']}", headers=headers)
    assert answer.status_code == 401


def test_a_token_ends_when_it_said(bearer: httpx.Client, google: Google, shown: Build) -> None:
    google.moment += timedelta(seconds=3599)
    assert bearer.get(f"{OBJECTS}/{shown()['id']}").status_code == 200
    google.moment += timedelta(seconds=1)
    assert bearer.get(f"{OBJECTS}/{shown()['id']}").status_code == 401


ASSERTION_FAULTS: dict[str, Json] = {
    "another audience": {"aud": "https://oauth2.example/token"},
    "another scope": {"scope": "https://www.googleapis.com/auth/drive"},
    "another account's name": {"iss": "somebody@example.com"},
    "longer than an hour": {"exp": 1795514400 + 3601},
    "ended": {"iat": 1795514400 - 3600, "exp": 1795514400},
    "not yet begun": {"iat": 1795514400 + 61},
    "no end": {"exp": None},
}


@pytest.mark.parametrize("fault", ASSERTION_FAULTS)
def test_an_assertion_with_one_fault_is_an_invalid_grant(
    google: Google, account: ServiceAccount, fault: str
) -> None:
    good = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": 1795514400,
        "exp": 1795514400 + 3600,
    }
    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    for claims, status in ((good, 200), (good | ASSERTION_FAULTS[fault], 400)):
        form = {"grant_type": grant_type, "assertion": account.sign(claims)}
        assert google.http.post("/token", data=form).status_code == status


@pytest.mark.parametrize(("over_limit", "status"), [("429", 429), ("quota-403", 403)])
def test_the_twenty_first_request_of_a_second_is_over_the_limit(
    bearer: httpx.Client, google: Google, shown: Build, over_limit: str, status: int
) -> None:
    google.control(over_limit=over_limit)
    path = f"{OBJECTS}/{shown()['id']}"
    answers = [bearer.get(path).status_code for _ in range(21)]
    assert answers == [200] * 20 + [status]


def test_it_tells_what_it_saw(bearer: httpx.Client, google: Google, shown: Build) -> None:
    google.control()
    bearer.get(f"{OBJECTS}/{shown()['id']}").raise_for_status()
    state = google.state()
    assert state["requests"] == [f"GET {OBJECTS}/{shown()['id']}"]
    assert state["objects"][shown()["id"]] == shown()
