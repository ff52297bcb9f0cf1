"""What a till can still do with a verdict: take it back, or get a receipt."""

import jwt
from jwt.algorithms import ECAlgorithm
from sqlalchemy.orm import Session

from app.db import Database
from app.verification import partners, tills
from demo.shop import Till, gist
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import ACCEPTED, ROUTE, bearer, refused, verdict


def test_a_till_takes_its_own_check_back_and_the_code_stays_used(
    service: Service, clock: Clock
) -> None:
    code, after_30_s, *_ = service.web_codes(service.with_card())
    till = service.till()
    address = f"{ROUTE}/{verdict(till.scan(code))['verification_id']}/void"
    clock.advance(seconds=20)
    first = service.http.post(address, headers=bearer(service))
    assert (first.status_code, first.json()["voided_at"]) == (200, "2026-11-24T10:00:20Z")
    assert service.http.post(address, headers=bearer(service)).json() == first.json()
    # Not even the till that was first may use it again.
    assert gist(till.scan(code)) == refused("already_used")
    clock.advance(seconds=10)
    assert gist(till.scan(after_30_s)) == ACCEPTED


def test_only_the_till_that_checked_takes_back_and_within_ten_minutes_only(
    service: Service, clock: Clock, database: Database
) -> None:
    teacher = service.with_card()
    told = verdict(service.till().scan(service.apple_code(teacher)))
    no_use = verdict(service.till().scan("WIFI:S:thuis;;"))
    address = f"{ROUTE}/{told['verification_id']}/void"

    def second_till(session: Session) -> str:
        museum = partners.partner_named(session, service.deployment.shops["museum"].name)
        till = partners.add_till(session, museum, "2", now=clock())
        return tills.new_key(session, till, test=False, now=clock())

    colleague = {"authorization": f"Bearer {database.transact(second_till)}"}
    for headers in (bearer(service, "bookshop"), colleague):
        problem_of(service.http.post(address, headers=headers), "not-found", 404)
    refusal = f"{ROUTE}/{no_use['verification_id']}/void"
    problem_of(service.http.post(refusal, headers=bearer(service)), "conflict", 409)
    clock.advance(seconds=601)
    problem_of(service.http.post(address, headers=bearer(service)), "conflict", 409)


def test_a_check_taken_back_counts_for_no_advice(service: Service, clock: Clock) -> None:
    code = service.apple_code(service.with_card())
    till = service.till()
    for _ in range(11):
        told = verdict(till.scan(code))
        assert told["advice"] == []
        address = f"{ROUTE}/{told['verification_id']}/void"
        assert service.http.post(address, headers=bearer(service)).is_success
        clock.advance(seconds=1)


def test_a_receipt_says_who_checked_when_and_what_came_of_it_and_nothing_of_the_holder(
    service: Service, clock: Clock
) -> None:
    told = verdict(service.till().scan(service.web_codes(service.with_card())[0]))
    address = f"{ROUTE}/{told['verification_id']}"
    clock.advance(minutes=5)
    service.http.post(f"{address}/void", headers=bearer(service))
    answer = service.http.get(f"{address}/receipt", headers=bearer(service))
    assert answer.headers["content-type"] == "application/jose"
    head = jwt.get_unverified_header(answer.text)
    keys = {key["kid"]: key for key in service.http.get("/.well-known/jwks.json").json()["keys"]}
    key = ECAlgorithm.from_jwk(keys[head["kid"]])
    claims = jwt.decode(answer.text, key, algorithms=["ES256"], options={"verify_iat": False})
    assert head["typ"] == "lk1-receipt+jwt"
    assert claims == {
        "iss": service.address,
        "iat": int(clock().timestamp()),
        "jti": told["verification_id"],
        "partner": service.deployment.shops["museum"].name,
        "till": "1",
        "checked_at": "2026-11-24T10:00:00+00:00",
        "valid": True,
        "reason": "ok",
        "grade": "live",
        "test": False,
        "voided_at": "2026-11-24T10:05:00+00:00",
    }
    other = service.http.get(f"{address}/receipt", headers=bearer(service, "bookshop"))
    problem_of(other, "not-found", 404)


def test_another_key_of_the_same_till_may_take_back(
    service: Service, database: Database, clock: Clock
) -> None:
    told = verdict(service.till().scan(service.web_codes(service.with_card())[0]))

    def another(session: Session) -> str:
        museum = partners.partner_named(session, service.deployment.shops["museum"].name)
        till = partners.till_named(session, museum.id, "1")
        return tills.new_key(session, till, test=False, now=clock())

    key = database.transact(another)
    till = Till(service.address, "museum", key)
    assert verdict(till.scan(""))["reason"] == "malformed"
    till.close()
    address = f"{ROUTE}/{told['verification_id']}/void"
    assert service.http.post(address, headers={"authorization": f"Bearer {key}"}).is_success
