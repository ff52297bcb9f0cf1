"""An Android phone with Google Wallet: shows the code of an object.

Knows how Wallet fills a rotating barcode (RFC 4226, RFC 6238); computed here from the
object alone, independently of our own TOTP, so that one checks the other.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M


class NothingToShow(Exception):
    """The pass has no code: revoked, over, or never given one."""


def shown_text(pass_object: dict[str, Any], *, now: datetime) -> str:
    """What the code of an object says on a phone whose clock reads `now`."""
    barcode = pass_object.get("rotatingBarcode")
    if barcode is None:
        raise NothingToShow
    text = str(barcode["valuePattern"])
    for placeholder, value in _values(barcode["totpDetails"], now):
        text = text.replace(placeholder, value)
    return text


def screen(text: str) -> Image.Image:
    """The QR code on the screen: dark on light, also when the phone is in dark mode."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=6, border=4)
    code.add_data(text, optimize=0)
    return code.make_image().get_image().convert("L")


def _values(totp: dict[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    now_ms = int(now.timestamp() * 1000)
    yield "{totp_timestamp_seconds}", str(now_ms // 1000)
    yield "{totp_timestamp_millis}", str(now_ms)
    step = now_ms // int(totp["periodMillis"])
    for number, parameter in enumerate(totp["parameters"]):
        value = _hotp(bytes.fromhex(parameter["key"]), step, digits=parameter["valueLength"])
        yield f"{{totp_value_{number}}}", value


def _hotp(key: bytes, step: int, *, digits: int) -> str:
    """RFC 4226 section 5.3: 31 bits from where the last half byte points."""
    code = hmac.digest(key, step.to_bytes(8, "big"), hashlib.sha1)
    offset = code[-1] & 15
    number = int.from_bytes(code[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)
