"""A phone that takes an Apple pass as strictly as a real one, draws it and reads its code.

Knows what Wallet does at installation: every hash made again, the sets of files equal, the
signature verified up to a trusted root (by OpenSSL, which knows nothing of this project).
Draws the classic face with its QR code, which a scanner reads back.
"""

import hashlib
import io
import json
import shutil
import subprocess
import tempfile
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import qrcode
from PIL import Image, ImageDraw, ImageFont

from app.passes.apple.checks.languages import parse

WIDTH, MARGIN, QR_WIDTH = 640, 32, 400


class Refused(Exception):
    """The phone does not install this pass; the message says why, unlike a real phone."""


@dataclass(frozen=True, slots=True)
class InstalledPass:
    """A pass as it lies in Wallet."""

    content: dict[str, Any]
    strings: dict[str, dict[str, str]]
    images: dict[str, bytes]
    signature_verified: bool

    def text(self, literal: str, language: str) -> str:
        """Return what a phone set to this language shows for a text of pass.json."""
        return self.strings.get(language, {}).get(literal, literal)

    @property
    def code(self) -> str | None:
        """The text in the code that the phone shows, None when it shows none."""
        codes = self.content.get("barcodes", [])
        return codes[0]["message"] if codes else None


def install(
    raw: bytes, *, root_pem: bytes | None = None, now: datetime | None = None
) -> InstalledPass:
    """Open and check a .pkpass; raises `Refused` with the reason.

    With `root_pem` the signature is verified up to that root, where there is an `openssl`, by
    the certificates as they are at `now` (left out: by the clock).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            files = {name: archive.read(name) for name in names}
    except zipfile.BadZipFile as fault:
        raise Refused(f"not an archive: {fault}") from fault
    if len(names) != len(files):
        raise Refused("a file is in the archive twice")
    _check_manifest(files)
    verified = False
    if root_pem is not None and (openssl := shutil.which("openssl")):
        _check_signature(openssl, files["signature"], files["manifest.json"], root_pem, now)
        verified = True
    return InstalledPass(
        signature_verified=verified,
        content=json.loads(files["pass.json"]),
        strings={
            name.removesuffix(".lproj/pass.strings"): dict(parse(content))
            for name, content in files.items()
            if name.endswith(".lproj/pass.strings")
        },
        images={name: content for name, content in files.items() if name.endswith(".png")},
    )


def draw(installed: InstalledPass, *, language: str = "nl") -> Image.Image:
    """Return the face of the pass as the phone shows it, its code included."""
    content = installed.content
    colours = {key: content[key] for key in ("backgroundColor", "foregroundColor", "labelColor")}
    layout = content["generic"]
    face = Image.new("RGB", (WIDTH, 960), colours["backgroundColor"])
    pen = ImageDraw.Draw(face)
    colour, label_colour = colours["foregroundColor"], colours["labelColor"]
    logo = Image.open(io.BytesIO(installed.images["logo@2x.png"])).convert("RGBA")
    face.paste(logo, (MARGIN, MARGIN), logo)
    title = installed.text(content["logoText"], language)
    pen.text((MARGIN + 120, MARGIN + 34), _drawable(title), colour, _font(36))
    for top, group, size, left in (
        (MARGIN + 20, "headerFields", 36, WIDTH - MARGIN - 110),
        (180, "primaryFields", 44, MARGIN),
        (310, "secondaryFields", 30, MARGIN),
    ):
        fields = layout.get(group, [])
        for column, field in enumerate(fields):
            at = left + column * (WIDTH - left) // len(fields)
            label = installed.text(field.get("label", ""), language)
            value = installed.text(_shown(field), language)
            pen.text((at, top), _drawable(label), label_colour, _font(18))
            pen.text((at, top + 26), _drawable(value), colour, _font(size))
    if installed.code is not None:
        _draw_code(face, pen, installed.code, content["barcodes"][0].get("altText", ""))
    return face


def _check_manifest(files: dict[str, bytes]) -> None:
    if missing := {"pass.json", "manifest.json", "signature"} - files.keys():
        raise Refused(f"missing: {', '.join(sorted(missing))}")
    listed = json.loads(files["manifest.json"])
    if listed.keys() != files.keys() - {"manifest.json", "signature"}:
        raise Refused("the manifest and the archive name different files")
    for name, expected in listed.items():
        if hashlib.sha1(files[name], usedforsecurity=False).hexdigest() != expected:
            raise Refused(f"{name} is not what the manifest says")


def _check_signature(
    openssl: str, signature: bytes, manifest: bytes, root_pem: bytes, now: datetime | None
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in (("s", signature), ("m", manifest), ("root.pem", root_pem)):
            (folder / file).write_bytes(content)
        command = [openssl, "cms", "-verify", "-binary", "-inform", "DER", "-in", "s"]
        command += ["-content", "m", "-CAfile", "root.pem", "-purpose", "any", "-out", "out"]
        command += ["-attime", str(int(now.timestamp()))] if now else []
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command, its inputs in files of our own
    if done.returncode != 0:
        raise Refused(f"the signature does not verify: {done.stderr.strip()}")


def _shown(field: dict[str, Any]) -> str:
    """Return a value as the face shows it: dates by their day."""
    if "dateStyle" in field:
        return f"{datetime.fromisoformat(field['value']):%d-%m-%Y}"
    return str(field["value"])


def _draw_code(face: Image.Image, pen: ImageDraw.ImageDraw, code: str, alt_text: str) -> None:
    qr = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    qr.add_data(code)
    picture = qr.make_image().get_image().convert("RGB")
    picture = picture.resize((QR_WIDTH, QR_WIDTH), Image.Resampling.NEAREST)
    left, top = (WIDTH - QR_WIDTH) // 2, 430
    pen.rounded_rectangle(
        (left - 16, top - 16, left + QR_WIDTH + 16, top + QR_WIDTH + 56), 24, "white"
    )
    face.paste(picture, (left, top))
    pen.text((WIDTH / 2, top + QR_WIDTH + 20), alt_text, "black", _font(26), anchor="mm")


def _drawable(text: str) -> str:
    """Return the text without marks: Pillow's own font, the one that is everywhere, has none."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
