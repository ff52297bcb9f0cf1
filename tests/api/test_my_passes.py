"""What an app of the teacher asks for as JSON: passes, a print, and codes of the live card."""

import zipfile
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from demo.device import prove
from demo.shop import gist
from tests.api.problem import problem_of
from tests.api.stage import Service

ME = "/api/v1/me"


def test_every_carrier_says_where_the_pass_is(service: Service) -> None:
    headers = service.as_teacher(service.with_card())
    found = {}
    for carrier in ("apple", "google", "paper"):
        answer = service.http.post(f"{ME}/passes/{carrier}", headers=headers)
        assert answer.status_code == 201
        found[carrier] = answer.json()["address"]
    own = {"cookie": headers["cookie"]}
    apple = service.http.get(found["apple"].removeprefix(service.address), headers=own)
    assert zipfile.is_zipfile(BytesIO(apple.content))
    assert found["google"].startswith(service.world.addresses.google)
    paper = service.http.get(found["paper"].removeprefix(service.address), headers=own)
    assert paper.content.startswith(b"%PDF")


@pytest.mark.parametrize("carrier", ["apple", "google", "paper"])
def test_without_a_card_nothing_carries_it(service: Service, carrier: str) -> None:
    headers = service.as_teacher(service.logged_in())
    problem_of(service.http.post(f"{ME}/passes/{carrier}", headers=headers), "not-found", 404)


def test_an_app_proves_its_key_for_the_address_it_asks(service: Service) -> None:
    headers, key = service.as_teacher(service.with_card()), ec.generate_private_key(ec.SECP256R1())
    path = f"{ME}/strips"
    refused = service.http.post(path, headers=headers)
    assert refused.status_code == 401
    nonce = refused.headers["dpop-nonce"]
    elsewhere = prove(key, "POST", f"{service.address}/card/strips", nonce)
    assert service.http.post(path, headers=headers | {"dpop": elsewhere}).status_code == 401
    proof = prove(key, "POST", f"{service.address}{path}", nonce)
    answer = service.http.post(path, headers=headers | {"dpop": proof})
    assert gist(service.till().scan(answer.json()["strips"][0]["code"]))["reason"] == "ok"


def test_leave_is_told_as_the_personnel_file_gave_it(service: Service) -> None:
    headers = service.as_teacher(service.logged_in("on-leave"))
    (leave,) = service.http.get(ME, headers=headers).json()["leaves"]
    assert leave["full"] is True
    assert leave.keys() == {"kind", "full", "begin", "end"}
