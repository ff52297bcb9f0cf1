"""What a partner starts from: the client in one file, and the examples for curl, as they stand."""

import json
import os
import re
import subprocess
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.identity.clients import Scope
from app.verification import partners
from app.verification.model import Till
from tests.api.oauth import ask, register, transact
from tests.api.stage import Clock, Service

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The client, as a partner imports it."""
    monkeypatch.syspath_prepend(ROOT / "clients")
    return import_module("lerarenkaart")


def cards(service: Service) -> dict[str, dict[str, str]]:
    answer = service.http.get("/api/v1/sandbox/cards").json()
    return {card["reason"]: card for card in answer["cards"]}


def test_the_client_tells_good_cards_from_refused_ones(
    service: Service, client: ModuleType, clock: Clock
) -> None:
    till = client.Lerarenkaart(service.address, service.deployment.shops["museum"].test_key)
    good = till.verify(cards(service)["ok"]["live"], min_grade="live")
    assert (good.valid, good.reason, good.grade, good.initials) == (True, "ok", "live", "TK")
    assert till.verify(cards(service)["ok"]["live"]).repeat
    bad = till.verify(cards(service)["not_valid"]["printed"])
    assert (bad.valid, bad.reason, bad.initials) == (False, "not_valid", None)
    assert {language: bool(bad.message(language)) for language in ("nl", "fr", "en", "de")}
    assert till.receipt(good.verification_id).count(".") == 2
    till.void(good.verification_id)
    day = clock().date().isoformat()
    lines = till.counts(day, day).splitlines()
    assert lines == [
        "day;till;channel;benefit;accepted;refused;taken_back",
        f"{day};1;till;;0;1;1",
    ]


def test_the_client_takes_back_with_an_access_token_what_it_checked_with_it(
    service: Service, client: ModuleType, clock: Clock
) -> None:
    def first_till(session: Session) -> Till:
        museum = partners.partner_named(session, service.deployment.shops["museum"].name)
        return partners.till_named(session, museum.id, "1")

    till = transact(service, first_till)
    writes = Scope.VERIFICATIONS_WRITE
    known = register(service, "box-office", writes, partner_id=till.partner_id)
    token = ask(service, auth=(known.client_id, known.secret)).json()["access_token"]
    machine = client.Lerarenkaart(service.address, token, till_id=str(till.id))
    code = service.web_codes(service.with_card())[0]
    accepted = machine.verify(code, channel="box_office")
    assert accepted.valid
    assert machine.receipt(accepted.verification_id).count(".") == 2
    machine.void(accepted.verification_id)
    day = clock().date().isoformat()
    assert machine.counts(day, day).splitlines()[1:] == [f"{day};1;box_office;;0;0;1"]


def test_the_client_says_why_there_is_no_verdict(service: Service, client: ModuleType) -> None:
    stranger = client.Lerarenkaart(service.address, "lk_live_nobody")
    with pytest.raises(client.NoVerdict) as refused:
        stranger.verify("")
    assert refused.value.status == 401
    assert refused.value.problem["type"].endswith("/problems/unauthenticated")
    silent = client.Lerarenkaart("http://localhost:1", "lk_live_nobody", timeout_s=0.2)
    with pytest.raises(client.NoVerdict) as away:
        silent.verify("")
    assert away.value.status is None


def test_the_examples_for_curl_do_what_the_page_says(service: Service, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "curl.md").read_text("utf-8")
    examples = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    environment = os.environ | {
        "SERVICE": service.address,
        "KEY": service.deployment.shops["museum"].test_key,
    }
    told = [
        subprocess.run(
            ["/bin/sh", "-euc", example.replace("curl -sS", "curl -sS --fail")],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for example in examples
    ]
    printed, typed, live, afterwards, counted = told
    verdicts: list[dict[str, Any]] = [json.loads(text) for text in (printed, typed, live)]
    assert [one["reason"] for one in verdicts] == ["ok", "unknown_card", "ok"]
    assert verdicts[2]["grade"] == "live"
    assert "voided_at" in afterwards
    assert "1;box_office;;0;0;1" in counted
