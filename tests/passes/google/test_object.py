"""What Google is told about a card, against golden files and Google's own description."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.cards.entitlement import CardStatus
from app.passes.content import PassContent
from app.passes.google.object import (
    folded,
    generic_class,
    generic_object,
    merge_patch,
    resource_id,
)
from demo.google_schema import first_fault
from demo.google_world import merged

GOLDEN = Path(__file__).parents[1] / "golden"
Json = dict[str, Any]
Build = Callable[..., Json]


def golden(name: str) -> Json:
    """A committed file; a difference is either a fault or a change to be looked at."""
    return dict(json.loads((GOLDEN / name).read_text()))


def changed(thing: Json, path: str, value: object) -> Json:
    """A deep copy with one field set; `path` has full stops."""
    copy = json.loads(json.dumps(thing))
    *parents, last = path.split(".")
    place = copy
    for step in parents:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value
    return dict(copy)


def test_the_class_is_the_golden_one(design: Json) -> None:
    assert design == golden("google-class.json")


@pytest.mark.parametrize("status", CardStatus)
def test_the_object_of_every_status_is_the_golden_one(shown: Build, status: CardStatus) -> None:
    assert shown(status=status) == golden(f"google-object-{status}.json")


def test_google_s_own_description_accepts_the_class(design: Json) -> None:
    assert first_fault("GenericClass", design) is None


@pytest.mark.parametrize("status", CardStatus)
def test_google_s_own_description_accepts_the_object(shown: Build, status: CardStatus) -> None:
    assert first_fault("GenericObject", shown(status=status)) is None


TOTP = "rotatingBarcode.totpDetails"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{TOTP}.periodMillis", 30000),
        (f"{TOTP}.parameters.0.valueLength", "8"),
        (f"{TOTP}.parameters.0.key", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
        (f"{TOTP}.algorithm", "TOTP_SHA256"),
        ("rotatingBarcode.type", "qrCode"),
        ("state", "active"),
        ("state", "REVOKED"),
        ("state", "STATE_UNSPECIFIED"),
        ("teacher", "yes"),
        ("id", "no-issuer"),
        ("id", "3388000000099999999.with space"),
        ("textModulesData.0.id", "card.number"),
        ("validTimeInterval.end.date", "31/12/2026"),
        ("hexBackgroundColor", "yellow"),
        ("cardTitle", "Lerarenkaart"),
    ],
)
def test_google_s_own_description_refuses_a_planted_fault(
    shown: Build, path: str, value: object
) -> None:
    fault = first_fault("GenericObject", changed(shown(), path, value))
    assert fault is not None
    assert path.startswith(fault[0])


def test_a_generic_class_has_no_review_status(design: Json) -> None:
    fault = first_fault("GenericClass", design | {"reviewStatus": "UNDER_REVIEW"})
    assert fault is not None
    assert "reviewStatus" in fault[1]


@pytest.mark.parametrize("field", ["id", "classId", "cardTitle", "header"])
def test_what_google_requires_in_prose_is_required(shown: Build, field: str) -> None:
    thing = shown()
    del thing[field]
    assert first_fault("GenericObject", thing) is not None


def test_there_is_no_static_code_beside_the_rotating_one(shown: Build) -> None:
    assert "barcode" not in shown()
    assert merge_patch(shown())["barcode"] is None


def test_the_code_s_tail_is_left_to_the_phone(shown: Build) -> None:
    pattern = shown()["rotatingBarcode"]["valuePattern"]
    assert pattern.endswith("/{totp_timestamp_seconds}/{totp_value_0}")


@pytest.mark.parametrize("status", [CardStatus.REVOKED, CardStatus.ENDED])
def test_a_card_that_is_over_loses_its_code_and_its_name(shown: Build, status: CardStatus) -> None:
    over = shown(status=status)
    left = json.dumps(merged(shown(), merge_patch(over)))
    assert "An Peeters" not in left
    assert "rotatingBarcode" not in left
    assert "HTTPS://KAART.EXAMPLE/1" not in left


def test_a_suspended_card_keeps_its_name_but_shows_no_code(shown: Build) -> None:
    suspended = shown(status=CardStatus.SUSPENDED)
    assert suspended["state"] == "INACTIVE"
    assert suspended["header"] == shown()["header"]
    assert "rotatingBarcode" not in merged(shown(), merge_patch(suspended))


@pytest.mark.parametrize("before", CardStatus)
@pytest.mark.parametrize("after", CardStatus)
def test_a_patch_leaves_nothing_of_the_state_before(
    shown: Build, before: CardStatus, after: CardStatus
) -> None:
    left = merged(shown(status=before), merge_patch(shown(status=after)))
    assert left == shown(status=after)


def test_a_class_that_is_told_no_callback_forgets_the_old_one(design: Json) -> None:
    url = "https://kaart.example"
    silent = generic_class("3388", "v1", public_url=url, callback_url=None) | {"id": design["id"]}
    assert merged(design, merge_patch(silent)) == silent


def test_a_pass_without_a_logo_forgets_the_old_one(content: PassContent, shown: Build) -> None:
    plain = generic_object(
        content, issuer_id="3388", class_id=shown()["classId"], totp_key=bytes(20)
    )
    assert "logo" not in merged(shown(), merge_patch(plain))


def test_dates_carry_the_belgian_offset_of_their_own_season(shown: Build) -> None:
    summer = datetime(2026, 7, 1, 8, 30, 0, 123456, tzinfo=UTC)
    interval = shown(valid_from=summer)["validTimeInterval"]
    assert interval["start"]["date"] == "2026-07-01T10:30:00+02:00"
    assert interval["end"]["date"] == "2026-12-31T23:59:59+01:00"


@pytest.mark.parametrize("suffix", ["", "a b", "a/b", "a@b", "é", "a\n"])
def test_an_id_that_google_would_refuse_is_never_sent(suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        resource_id("3388000000099999999", suffix)


def test_legacy_names_are_folded_and_texts_left_alone() -> None:
    answer = {
        "state": "active",
        "genericType": "genericTypeUnspecified",
        "rotatingBarcode": {"type": "qrCode", "alternateText": "qrCode"},
        "multipleDevicesAndHoldersAllowedStatus": "oneUserAllDevices",
        "messages": [{"body": "active"}],
    }
    assert folded(answer) == {
        "state": "ACTIVE",
        "genericType": "GENERIC_TYPE_UNSPECIFIED",
        "rotatingBarcode": {"type": "QR_CODE", "alternateText": "qrCode"},
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
        "messages": [{"body": "active"}],
    }


@pytest.mark.parametrize(
    ("legacy", "present"),
    [("qrcode", "QR_CODE"), ("pdf417", "PDF_417"), ("code128", "CODE_128"), ("ACTIVE", "ACTIVE")],
)
def test_every_old_spelling_has_one_new_one(legacy: str, present: str) -> None:
    assert folded({"type": legacy}) == {"type": present}
