"""The scanner's own reading and judging, in a real browser, against the published vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.cards.numbers import card_number_of, webshop_code_of
from app.cards.token import Token, read
from app.verification.offline import prefix
from app.web.pages import Pages
from tests.cards.test_azerty import CAPS_LOCK, SCANNED, SHOWN

pytestmark = pytest.mark.browser

VECTORS = json.loads(Path("docs/card-token-vectors.json").read_text("utf-8"))
SALT = bytes.fromhex(VECTORS["day_salt_hex"])
CODE_BASE = f"HTTPS://{VECTORS['host'].upper()}"
# What only the server sees: what a reference holds, rotating digits, uses, newer codes, statuses.
UNSEEN_REASONS = {"unknown_card", "stale_code", "superseded", "already_used"}

RUN = """async ([module, name, calls]) => {
  const { [name]: call } = await import(module);
  const plain = (_, value) => (value instanceof Uint8Array ? Array.from(value) : value);
  const results = [];
  for (const given of calls) results.push((await call(...given)) ?? null);
  return JSON.parse(JSON.stringify(results, plain));
}"""
# Octets cross into the browser as arrays of numbers.
JUDGE = """async ([module, calls]) => {
  const { judge } = await import(module);
  const octets = ({ salt, refused, ...known }) => (
    { ...known, salt: new Uint8Array(salt), refused: new Uint8Array(refused) }
  );
  const results = [];
  for (const [text, asked] of calls) {
    results.push(await judge(text, { ...asked, known: octets(asked.known) }));
  }
  return results;
}"""


def cases(*kinds: str) -> list[dict[str, Any]]:
    return [case for case in VECTORS["cases"] if case["kind"] in kinds]


def known(refused: list[bytes] | None = None) -> dict[str, Any]:
    """What a scanner has downloaded: every key that is published, and a list."""
    keys = [
        key["public_jwk"] | ({"test": True} if key["state"] == "test" else {})
        for key in VECTORS["keys"]
        if key["state"] != "revoked"
    ]
    prefixes = b"".join(sorted(refused or []))
    return {"codeBase": CODE_BASE, "keys": keys, "salt": [*SALT], "refused": [*prefixes]}


def asked(now: int, **more: Any) -> dict[str, Any]:
    return {"known": known(), "now": now, "minGrade": "static", "testTill": False} | more


@pytest.fixture
def call(page: Page, pages: Pages) -> Any:
    """Call a function of one of the scanner's modules with many arguments at once."""
    page.goto("/scanner-ready")
    expect(page.locator("#plain")).to_have_count(0)

    def run(module: str, name: str, calls: list[list[Any]]) -> list[Any]:
        results: list[Any] = page.evaluate(RUN, [pages.asset(f"scanner/{module}"), name, calls])
        return results

    return run


@pytest.fixture
def judge(page: Page, pages: Pages) -> Any:
    """Judge many codes, each with what is asked, as the scanner does without a network."""
    page.goto("/scanner-ready")

    def run(calls: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = page.evaluate(
            JUDGE, [pages.asset("scanner/judge.js"), calls]
        )
        return results

    return run


def test_every_text_of_the_vectors_is_read_as_the_service_reads_it(call: Any) -> None:
    texts = [
        (case["input"]["text"], case["expect"])
        if case["kind"] == "read"
        else (case["expect"]["text"], case["decoded"])
        for case in cases("read", "mint")
    ]
    tokens = call("token.js", "read", [[text, CODE_BASE] for text, _ in texts])
    for token, (text, expected) in zip(tokens, texts, strict=True):
        if not expected["ok"]:
            # The later faults are those of key, signature and reference, which `read` cannot see.
            early = expected["reason"] in {"malformed", "foreign_code"}
            assert token.get("fault") == (expected["reason"] if early else None), text
            continue
        told = {
            "carrier": token["carrier"],
            "test": token["test"],
            "kid": token["keyId"],
            "issued_at": token["issuedAt"],
            "ends_at": token["endsAt"],
            "reference_hex": bytes(token["reference"]).hex(),
            "initials": token["initials"],
            "tail": token["tail"],
        }
        wanted = expected | {"initials": "".join(letter or "" for letter in expected["initials"])}
        assert told == {name: wanted[name] for name in told}, text
    assert len(texts) == 38


def test_key_and_signature_are_proved_in_the_browser(judge: Any) -> None:
    texts = cases("read")
    verdicts = judge(
        [(case["input"]["text"], asked(case["expect"].get("issued_at", 0))) for case in texts]
    )
    for verdict, case in zip(verdicts, texts, strict=True):
        reason = case["expect"].get("reason", "ok")
        if reason in UNSEEN_REASONS:
            continue
        if reason == "ok" and verdict["carrier"] == "google" and not case["expect"]["tail"]:
            reason = "stale_code"
        assert verdict["reason"] == reason, case["about"]


def test_windows_and_grades_are_those_of_the_server_as_far_as_a_scanner_sees(judge: Any) -> None:
    seen, judged = [], []
    for case in cases("window"):
        given, expected = case["input"], case["expect"]
        unseen = {"devices", "acknowledged", "card_status", "pass_status"} & given.keys()
        if unseen or case["about"] == "google, wrong digits" or "tail three" in case["about"]:
            continue
        grade = "static" if case["about"].startswith("google, tail") else expected.get("grade")
        seen.append((case["about"], expected["reason"], grade))
        more = {"minGrade": given.get("min_grade", "static")}
        judged.append((given["text"], asked(given["server_time"], **more)))
    verdicts = judge(judged)
    found = [
        (about, verdict["reason"], verdict["grade"] if verdict["valid"] else None)
        for (about, _, _), verdict in zip(seen, verdicts, strict=True)
    ]
    assert found == seen
    assert len(found) == 7


def test_a_listed_reference_is_refused_wherever_it_stands_in_the_list(judge: Any) -> None:
    code = next(case for case in cases("window") if case["about"] == "apple 36 h old")
    text, moment = code["input"]["text"], code["input"]["server_time"]
    token = read(text, CODE_BASE)
    assert isinstance(token, Token)
    others = [prefix(bytes([n] * 16), day_salt=SALT) for n in range(50)]
    own = prefix(token.reference, day_salt=SALT)
    lists = [[], others, [own], [own, *others], [b"\0" * 8, own], [own, b"\xff" * 8]]
    verdicts = judge([(text, asked(moment, known=known(refused))) for refused in lists])
    assert [verdict["reason"] for verdict in verdicts] == ["ok"] * 2 + ["not_valid"] * 4


def test_the_key_of_test_cards_makes_no_live_card(judge: Any) -> None:
    code = next(case for case in cases("window") if case["about"].startswith("web 5 s early"))
    text, moment = code["input"]["text"], code["input"]["server_time"]
    marked = known()
    for key in marked["keys"]:
        key["test"] = True
    assert judge([(text, asked(moment, known=marked))])[0]["reason"] == "unknown_key"


def test_what_an_azerty_till_shows_is_repaired(call: Any) -> None:
    garbled = [["HTTPSM==" + SHOWN], ["httpsm==" + CAPS_LOCK], ["HTTPS://" + SCANNED], ["M=="]]
    repaired = call("azerty.js", "repair", garbled)
    assert [text.upper() for text in repaired] == [
        "HTTPS://" + SCANNED,
        "HTTPS://" + SCANNED,
        "HTTPS://" + SCANNED,
        "M==",
    ]


def test_typed_numbers_are_told_from_codes(call: Any) -> None:
    number, webshop = "MXPJWSYGWB", "WYAPJCZT6XN"
    typed = [
        number,
        f" {number.lower()[:5]}-{number[5:]}\r",
        webshop,
        f"{webshop[:6]} {webshop[6:]}",
    ]
    other = [number[:-1] + "0", number[:-1], f"X{webshop[1:]}", "", f"{CODE_BASE}/1{number}"]
    assert all(card_number_of(text) or webshop_code_of(text) for text in typed)
    assert not any(card_number_of(text) or webshop_code_of(text) for text in other)
    found = call("token.js", "isTypedNumber", [[text] for text in typed + other])
    assert found == [True] * len(typed) + [False] * len(other)
