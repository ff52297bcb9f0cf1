"""The finished pass: what OpenSSL, a phone and Apple's grammar say of it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cards.entitlement import CardStatus
from app.passes.apple.certificates import Certificates
from app.passes.apple.inspect import Severity, inspect
from app.passes.apple.passes import ApplePasses, authentication_token
from app.passes.content import LABELS, LANGUAGES, STATUS_LABELS, PassContent
from demo import apple_phone
from demo.apple_certificates import Chain, Holder
from demo.scanner import read_code

Make = Callable[[PassContent], bytes]
Content = Callable[..., PassContent]
Load = Callable[..., Certificates]

GOLDEN = Path(__file__).parent / "golden"
UNUSABLE = [status for status in CardStatus if status is not CardStatus.ACTIVE]


def unzipped(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def pass_json(raw: bytes) -> dict[str, Any]:
    return dict(json.loads(unzipped(raw)["pass.json"]))


def texts_in(part: object) -> set[str]:
    """Return every label, value and message in a part of pass.json."""
    if isinstance(part, dict):
        named = {part[key] for key in ("label", "changeMessage") if key in part}
        return named.union(*map(texts_in, part.values()))
    if isinstance(part, list):
        return set().union(*map(texts_in, part))
    return set()


def test_openssl_verifies_the_signature_up_to_the_root(
    make: Make, content: Content, chain: Chain, now: datetime
) -> None:
    root = chain.root.certificate_pem

    installed = apple_phone.install(make(content()), root_pem=root, now=now)

    assert installed.signature_verified


def test_every_hash_is_right_and_the_sets_of_files_are_equal(make: Make, content: Content) -> None:
    files = unzipped(make(content()))

    manifest = json.loads(files["manifest.json"])

    assert manifest.keys() == files.keys() - {"manifest.json", "signature"}
    for name, expected in manifest.items():
        assert hashlib.sha1(files[name]).hexdigest() == expected  # noqa: S324 - Apple's format


def test_the_inspection_finds_nothing_but_the_foreign_root(
    make: Make, content: Content, now: datetime
) -> None:
    inspection = inspect(make(content()), now=now)

    assert [finding.what for finding in inspection.findings] == [
        "The chain ends in Demo Root CA, which is not Apple: phones refuse it."
    ]


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.REVOKED])
def test_pass_json_is_as_it_was_agreed(
    make: Make, content: Content, status: CardStatus, tmp_path: Path
) -> None:
    found = json.dumps(pass_json(make(content(status=status))), indent=1, ensure_ascii=False)

    # To accept a change, copy this file over the golden one.
    (tmp_path / f"pass-{status}.json").write_text(f"{found}\n", encoding="utf-8")
    assert f"{found}\n" == (GOLDEN / f"pass-{status}.json").read_text(encoding="utf-8")


def test_the_pass_is_small_enough_to_be_downloaded_every_day(make: Make, content: Content) -> None:
    assert len(make(content())) < 60_000


def test_the_code_is_read_back_from_the_face(make: Make, content: Content) -> None:
    installed = apple_phone.install(make(content()))

    assert read_code(apple_phone.draw(installed)) == content().code


def test_a_card_in_grace_differs_in_the_one_field_whose_change_a_phone_announces(
    make: Make, content: Content
) -> None:
    active, grace = (pass_json(make(content(in_grace=one))) for one in (False, True))
    state = grace["generic"]["backFields"][0]
    assert (state["key"], state["value"]) == ("status", "Voorlopig in gebruik")
    assert "%@" in state["changeMessage"]
    for style in ("generic", "posterGeneric"):
        grace[style]["backFields"][0] = active[style]["backFields"][0]
    assert grace == active


@pytest.mark.parametrize("status", UNUSABLE)
def test_a_card_that_may_not_be_used_is_voided_and_shows_no_code(
    make: Make, content: Content, status: CardStatus
) -> None:
    installed = apple_phone.install(make(content(status=status)))

    assert installed.content["voided"] is True
    assert installed.code is None
    assert content().code not in json.dumps(installed.content)
    assert read_code(apple_phone.draw(installed)) is None


def test_every_text_is_there_in_every_language(make: Make, content: Content) -> None:
    installed = apple_phone.install(make(content()))
    layout = installed.content
    expected = texts_in(layout) | {layout["description"], layout["logoText"]}
    expected |= {text["nl"] for text in STATUS_LABELS.values()}

    assert installed.strings.keys() == set(LANGUAGES)
    for language, strings in installed.strings.items():
        assert expected <= strings.keys()
        assert all(strings[text] for text in expected)
        if language == "nl":
            assert all(key == text for key, text in strings.items())


def test_a_phone_in_another_language_shows_its_own_words(make: Make, content: Content) -> None:
    installed = apple_phone.install(make(content()))

    shown = {language: installed.text("Kaartnummer", language) for language in LANGUAGES}

    assert shown == LABELS["card_number"]


def test_no_two_labels_share_a_dutch_text() -> None:
    texts = [*LABELS.values(), *STATUS_LABELS.values()]

    assert len({text["nl"] for text in texts}) == len(texts)


def test_messages_about_a_change_keep_apples_place_in_every_language() -> None:
    for name in ("year_changed", "status_changed"):
        assert all("%@" in text for text in LABELS[name].values())


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), "2026-12-31T23:59:59+01:00"),
        (datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC), "2026-06-30T23:59:59+02:00"),
    ],
)
def test_the_end_is_written_in_belgian_time_with_its_offset(
    make: Make, content: Content, moment: datetime, written: str
) -> None:
    found = pass_json(make(content(valid_until=moment)))

    assert found["expirationDate"] == written


def test_the_same_card_gives_the_same_bytes(
    load: Load, passes: ApplePasses, content: Content, now: datetime
) -> None:
    again = ApplePasses(
        load(),
        organization_name="Demo Onderwijs",
        public_url="https://kaart.example",
        web_service_url="https://kaart.example/apple",
    )

    made = [
        one.make(content(serial="a" * 32), authentication_token="b" * 64, now=now)
        for one in (passes, passes, again)
    ]

    assert made[0] == made[1] == made[2]


def test_another_moment_changes_nothing_but_the_signature(
    passes: ApplePasses, load: Load, content: Content, now: datetime
) -> None:
    other = ApplePasses(
        load(),
        organization_name="Demo Onderwijs",
        public_url="https://kaart.example",
        web_service_url="https://kaart.example/apple",
    )
    one, two = (
        unzipped(maker.make(content(), authentication_token="b" * 64, now=moment))
        for maker, moment in ((passes, now), (other, now + timedelta(days=1)))
    )

    assert [name for name in one if one[name] != two[name]] == ["signature"]


def test_passes_made_by_many_threads_are_the_same_as_one_by_one(
    load: Load, content: Content, now: datetime
) -> None:
    def maker() -> Callable[[int], bytes]:
        passes = ApplePasses(load(), organization_name="Demo", public_url="https://kaart.example")
        return lambda number: passes.make(
            content(serial=f"{number % 60:032x}"), authentication_token="", now=now
        )

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(maker(), range(240)))

    assert together == list(map(maker(), range(240)))


@settings(deadline=None, max_examples=60)
@given(name=st.text())
def test_any_name_gives_a_pass_that_a_phone_takes(
    make: Make, content: Content, now: datetime, name: str
) -> None:
    raw = make(content(holder_name=name))

    shown = apple_phone.install(raw).content["generic"]["primaryFields"][0]["value"]
    findings = inspect(raw, now=now).findings

    assert shown == name
    assert not [finding for finding in findings if finding.severity is Severity.ERROR]


def test_half_a_surrogate_pair_in_a_name_becomes_a_question_mark(
    make: Make, content: Content
) -> None:
    found = pass_json(make(content(holder_name="An \ud83d Peeters")))

    assert found["generic"]["primaryFields"][0]["value"] == "An ? Peeters"


def test_without_a_web_service_there_is_no_token_in_the_pass(
    load: Load, content: Content, now: datetime
) -> None:
    passes = ApplePasses(load(), organization_name="Demo", public_url="https://kaart.example")

    found = passes.make(content(), authentication_token="secret" * 4, now=now)

    assert b"secretsecret" not in found
    assert "webServiceURL" not in pass_json(found)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://kaart.example/apple", "https"),
        ("https://kaart.example/apple/v1", "append /v1"),
        ("https://kaart.example/apple/", "final slash"),
    ],
)
def test_a_web_service_address_that_phones_cannot_use_is_refused(
    load: Load, url: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        ApplePasses(
            load(),
            organization_name="Demo",
            public_url="https://kaart.example",
            web_service_url=url,
        )


def test_the_demo_may_serve_phones_on_this_machine_without_https(load: Load) -> None:
    ApplePasses(
        load(),
        organization_name="Demo",
        public_url="http://localhost:8000",
        web_service_url="http://localhost:8000/apple",
    )


def test_the_template_version_follows_what_all_passes_share_but_not_the_certificates(
    load: Load, new_leaf: Callable[..., Holder]
) -> None:
    def version(certificates: Certificates, url: str) -> str:
        return ApplePasses(certificates, organization_name="Demo", public_url=url).template_version

    one = version(load(), "https://kaart.example")
    renewed = new_leaf()
    loaded = load(renewed.certificate_pem, renewed.key_pem)

    assert version(loaded, "https://kaart.example") == one
    assert version(load(), "https://kaart.test") != one
    assert len(one) == 16


def test_the_token_in_the_pass_is_the_one_the_web_service_expects(
    make: Make, content: Content
) -> None:
    found = pass_json(make(content()))

    expected = authentication_token(
        bytes(range(32)), found["passTypeIdentifier"], found["serialNumber"]
    )

    assert found["authenticationToken"] == expected
