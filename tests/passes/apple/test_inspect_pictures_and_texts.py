"""Inspection of pictures and translations: each fault is found."""

import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest
from PIL import Image

from app.passes.apple.inspect import Finding, Severity

Files = dict[str, bytes]
Change = Mapping[str, bytes | None]
Zipped = Callable[[Change], bytes]
Sealed = Callable[..., bytes]
Findings = Callable[..., list[Finding]]
Only = Callable[[bytes], Finding]

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def png(width: int, height: int, form: str = "PNG") -> bytes:
    with BytesIO() as raw:
        Image.new("RGB", (width, height), "yellow").save(raw, form)
        return raw.getvalue()


@pytest.mark.parametrize(
    "fault",
    [
        ({"icon.png": None}, ERROR, "icon.png", "It is missing"),
        ({"icon@3x.png": None}, WARNING, "icon@3x.png", "blurred icon"),
        ({"logo.png": png(50, 50, "JPEG")}, ERROR, "logo.png", "begins like another format"),
        ({"logo.png": png(50, 50)[:60]}, ERROR, "logo.png", "not a readable PNG"),
        ({"logo.png": png(161, 50)}, WARNING, "logo.png", "Wallet has room for 160x50"),
        ({"logo@2x.png": png(320, 101)}, WARNING, "logo@2x.png", "room for 320x100"),
        ({"picture.png": png(1, 1)}, WARNING, "picture.png", "no picture of this name"),
    ],
)
def test_a_fault_of_a_picture_is_found(
    only: Only, sealed: Sealed, fault: tuple[Change, Severity, str, str]
) -> None:
    change, severity, where, what = fault

    finding = only(sealed(change))

    assert (finding.severity, finding.where) == (severity, where)
    assert what in finding.what


def test_a_picture_of_very_many_pixels_is_never_unpacked(only: Only, sealed: Sealed) -> None:
    header = struct.pack(">II5B", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk))

    assert "not a readable PNG" in only(sealed({"logo.png": bomb})).what


def test_a_heavy_picture_and_a_heavy_pass_are_noted(findings: Findings, sealed: Sealed) -> None:
    noise = Image.effect_noise((345, 505), 90)
    with BytesIO() as raw:
        noise.save(raw, "PNG")
        whole = sealed({"background.png": raw.getvalue()})

    assert [(one.severity, one.where) for one in findings(whole)] == [
        (NOTE, "the file"),
        (NOTE, "background.png"),
    ]


def test_a_text_missing_in_one_language_is_found(only: Only, files: Files, sealed: Sealed) -> None:
    strings = files["fr.lproj/pass.strings"].decode()
    kept = "".join(line for line in strings.splitlines(keepends=True) if '"Jaar"' not in line)

    finding = only(sealed({"fr.lproj/pass.strings": kept.encode()}))

    assert (finding.severity, finding.where) == (WARNING, "fr.lproj/pass.strings")
    assert finding.what == '"Jaar" is not translated here.'


@pytest.mark.parametrize(
    "fault",
    [
        (lambda raw: raw.decode().encode("utf-16"), WARNING, "It is in utf-16"),
        (lambda raw: b"\xef\xbb\xbf" + raw, WARNING, "It is in utf-8-sig"),
        (lambda raw: raw + b'"Jaar" = "Year";', WARNING, '"Jaar" is translated 2 times'),
        (lambda raw: raw + b"\xff", ERROR, "neither UTF-8 nor marked as UTF-16"),
        (lambda raw: raw + b'"open', ERROR, 'is not "key" = "text";'),
        (lambda raw: raw + b'"a" "b";', ERROR, 'is not "key" = "text";'),
    ],
)
def test_a_fault_of_a_translation_is_found(
    only: Only, files: Files, sealed: Sealed, fault: tuple[Callable[[bytes], bytes], Severity, str]
) -> None:
    change, severity, what = fault
    strings = change(files["de.lproj/pass.strings"])

    finding = only(sealed({"de.lproj/pass.strings": strings}))

    assert (finding.severity, finding.where) == (severity, "de.lproj/pass.strings")
    assert what in finding.what


def test_comments_between_translations_are_no_fault(
    findings: Findings, files: Files, sealed: Sealed
) -> None:
    strings = b"/* one\n two */ // three\n" + files["de.lproj/pass.strings"] + b"// end"

    assert findings(sealed({"de.lproj/pass.strings": strings})) == []


@pytest.mark.parametrize("noise", ["/**/", "// //\n", '\\"', " ", '"a"'])
def test_a_long_odd_translation_is_read_once_and_not_over_and_over(
    only: Only, sealed: Sealed, noise: str
) -> None:
    finding = only(sealed({"xx.lproj/pass.strings": (noise * 5000 + "x").encode()}))

    assert finding.severity is ERROR
