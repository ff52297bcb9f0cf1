"""What a phone makes of our object: its code at a given moment, read back by a camera."""

import base64
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
import qrcode

from app.cards.entitlement import CardStatus
from app.passes.content import PassContent
from app.passes.google.client import GoogleWallet
from demo.google_phone import NothingToShow, screen, shown_text
from demo.scanner import read_code

Json = dict[str, Any]
Build = Callable[..., Json]

# RFC 6238 Appendix B; the last two are either side of the end of a step.
RFC_6238 = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
    (1795435229.999, "90454838"),
    (1795435230, "11625812"),
]


def at(seconds: float) -> datetime:
    """A moment from Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "digits"), RFC_6238)
def test_the_phone_shows_the_values_of_rfc_6238(
    shown: Build,
    content: PassContent,
    seconds: float,
    digits: str,
) -> None:
    text = shown_text(shown(), now=at(seconds))
    assert text == f"{content.code}/{int(seconds)}/{digits}"


@pytest.mark.parametrize("seconds", [1795435200, 1795435214, 1795435229])
def test_pyotp_agrees(shown: Build, seconds: int) -> None:
    totp = shown()["rotatingBarcode"]["totpDetails"]
    key = bytes.fromhex(totp["parameters"][0]["key"])
    base32 = base64.b32encode(key)
    expected = pyotp.TOTP(base32.decode(), digits=8, interval=30).at(seconds)
    assert shown_text(shown(), now=at(seconds)).endswith(f"/{expected}")


def test_oathtool_agrees(shown: Build) -> None:
    oathtool = shutil.which("oathtool")
    if oathtool is None:
        pytest.skip("NOT COMPARED WITH OATHTOOL: it is not installed (Debian package oathtool)")
    parameter = shown()["rotatingBarcode"]["totpDetails"]["parameters"][0]
    for seconds, _ in RFC_6238:
        command = [oathtool, "--totp", "-d", "8", "-s", "30s", "-N", f"@{int(seconds)}"]
        answer = subprocess.run(
            [*command, parameter["key"]], capture_output=True, text=True, check=True
        )
        assert shown_text(shown(), now=at(seconds)).endswith(f"/{answer.stdout.strip()}")


def test_a_camera_reads_what_the_phone_shows(shown: Build, now: datetime) -> None:
    text = shown_text(shown(), now=now)
    assert read_code(screen(text)) == text


def test_the_code_is_of_version_8_so_that_cheap_scanners_read_it(
    shown: Build, now: datetime
) -> None:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(shown_text(shown(), now=now), optimize=0)
    assert code.best_fit() == 8


def test_the_phone_shows_what_google_was_sent(
    wallet: GoogleWallet, shown: Build, now: datetime
) -> None:
    wallet.put_object(shown(), now=now)
    held = wallet.get_object(shown()["id"], now=now)
    assert shown_text(held, now=now) == shown_text(shown(), now=now)


def test_after_a_new_generation_the_old_key_shows_nothing_any_more(
    wallet: GoogleWallet, shown: Build, now: datetime
) -> None:
    wallet.put_object(shown(), now=now)
    wallet.patch_object(shown(totp_key=bytes(20)), now=now)
    held = wallet.get_object(shown()["id"], now=now)
    assert shown_text(held, now=now) != shown_text(shown(), now=now)
    assert len(held["rotatingBarcode"]["totpDetails"]["parameters"]) == 1


@pytest.mark.parametrize("status", [CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.ENDED])
def test_a_card_that_may_not_be_used_has_nothing_to_show(
    wallet: GoogleWallet, shown: Build, now: datetime, status: CardStatus
) -> None:
    wallet.put_object(shown(), now=now)
    wallet.patch_object(shown(status=status), now=now)
    held = wallet.get_object(shown()["id"], now=now)
    with pytest.raises(NothingToShow):
        shown_text(held, now=now)


def test_a_card_that_is_resumed_shows_its_code_again(
    wallet: GoogleWallet, shown: Build, now: datetime
) -> None:
    for status in (CardStatus.ACTIVE, CardStatus.SUSPENDED, CardStatus.ACTIVE):
        wallet.patch_object(shown(status=status), now=now)
    held = wallet.get_object(shown()["id"], now=now)
    assert shown_text(held, now=now) == shown_text(shown(), now=now)


def test_a_picture_without_a_code_is_not_read() -> None:
    blank = screen("x").point(lambda _: 255)
    assert read_code(blank) is None
