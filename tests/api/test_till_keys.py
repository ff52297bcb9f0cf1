"""Who may ask for a verdict: good keys, everything that looks like one, and how often."""

import string
import zlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.verification import partners
from app.verification.model import Till
from demo.shop import gist
from tests.api.problem import problem_of
from tests.api.stage import Clock, Service
from tests.api.verdicts import ACCEPTED, ROUTE, verdict


def authorizations(service: Service) -> dict[str, bytes | None]:
    """Everything that looks like a key and is none, by what is wrong with it."""
    good = service.deployment.shops["museum"].live_key
    stem, key_id, secret, checksum = good.rsplit("_", 3)
    other_secret = service.deployment.shops["bookshop"].live_key.rsplit("_", 3)[2]
    shown = {
        "empty": "",
        "the scheme alone": "Bearer",
        "another scheme": f"Basic {good}",
        "no scheme": good,
        "two keys": f"Bearer {good}, Bearer {good}",
        "a word too much": f"Bearer {good} now",
        "no checksum": f"Bearer {stem}_{key_id}_{secret}",
        "a wrong checksum": f"Bearer {stem}_{key_id}_{secret}_{checksum[::-1]}",
        "a typing error": f"Bearer {stem}_{key_id}_{secret[:-1]}-_{checksum}",
        "a key that is unknown": f"Bearer {checked(f'{stem}_{key_id[::-1]}_{secret}')}",
        "the secret of another": f"Bearer {checked(f'{stem}_{key_id}_{other_secret}')}",
        "live called test": f"Bearer {checked(f'lk_test_{key_id}_{secret}')}",
        "very long": "Bearer " + "A" * 8000,
    }
    return {"none": None, "not ASCII": b"Bearer lk_live_\xff\xe9"} | {
        name: text.encode() for name, text in shown.items()
    }


def checked(stem: str) -> str:
    """A key with the checksum that belongs to it, made here once more: CRC-32 in base 62."""
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    value = zlib.crc32(stem.encode())
    return f"{stem}_" + "".join(digits[value // 62**place % 62] for place in range(5, -1, -1))


def test_without_a_good_key_nobody_learns_anything(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    question = {"presentation": code, "channel": "till"}
    for name, value in authorizations(service).items():
        headers = {} if value is None else {b"authorization": value}
        answer = service.http.post(ROUTE, json=question, headers=headers)
        assert (name, answer.status_code) == (name, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        problem_of(answer, "unauthenticated", 401)
        assert "lk_live_" not in answer.text.replace("(lk_live_… or", "")
    assert gist(service.till().scan(code)) == ACCEPTED


def test_a_key_in_the_address_or_in_the_body_is_no_key(service: Service) -> None:
    key = service.deployment.shops["museum"].live_key
    question = {"presentation": "", "channel": "till"}
    for names in ("key", "access_token", "authorization"):
        answer = service.http.post(f"{ROUTE}?{names}={key}", json=question)
        problem_of(answer, "unauthenticated", 401)
        assert key not in answer.text
    problem_of(service.http.post(ROUTE, json=question | {"key": key}), "unauthenticated", 401)


def test_the_scheme_is_read_in_any_case(service: Service) -> None:
    key = service.deployment.shops["museum"].live_key
    answer = service.http.post(
        ROUTE,
        json={"presentation": "", "channel": "till"},
        headers={"authorization": f"bEARER  {key}"},
    )
    assert verdict(answer)["reason"] == "malformed"


def test_a_revoked_key_is_refused_at_the_next_request(
    service: Service, database: Database, clock: Clock
) -> None:
    till = service.till()
    assert verdict(till.scan(""))
    key_id = service.deployment.shops["museum"].live_key.split("_")[2]
    database.transact(lambda session: partners.revoke_key(session, key_id, now=clock()))
    problem_of(till.scan(""), "unauthenticated", 401)
    assert verdict(service.till(test=True).scan(""))


def test_a_stopped_partner_is_refused_at_the_next_request(
    service: Service, database: Database, clock: Clock
) -> None:
    till = service.till()
    assert verdict(till.scan(""))

    def stop(session: Session) -> None:
        name = service.deployment.shops["museum"].name
        partners.partner_named(session, name).stopped_at = clock()

    database.transact(stop)
    problem_of(till.scan(""), "unauthenticated", 401)
    assert verdict(service.till("bookshop").scan(""))


def test_a_key_speaks_for_its_own_till_only(service: Service, database: Database) -> None:
    with database.reading() as session:
        tills = {till.partner.name: str(till.id) for till in session.scalars(select(Till))}
    code = service.web_codes(service.with_card())[0]
    own, other = (tills[service.deployment.shops[key].name] for key in ("museum", "bookshop"))
    document = problem_of(service.till().scan(code, till_id=other), "forbidden", 403)
    assert other not in str(document)
    assert gist(service.till().scan(code, till_id=own)) == ACCEPTED


def test_typed_numbers_are_limited_for_each_key(service: Service) -> None:
    service.with_card()
    _, number = service.printed()
    till = service.till()
    assert [till.scan(number).status_code for _ in range(11)] == [200] * 10 + [429]
    answer = till.scan(number)
    problem_of(answer, "too-many-requests", 429)
    assert answer.headers["retry-after"] == "60"
    assert verdict(service.till("bookshop").scan(number))["valid"]
    assert verdict(till.scan("a scanned text is another matter"))


def test_refused_keys_are_limited_for_each_network(service: Service) -> None:
    stranger = {"authorization": "Bearer lk_live_guess"}
    question = {"presentation": "", "channel": "till"}
    answers = [service.http.post(ROUTE, json=question, headers=stranger) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert verdict(service.till().scan(""))
