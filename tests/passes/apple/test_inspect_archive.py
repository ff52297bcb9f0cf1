"""Inspection of the archive: each fault, planted alone into a good pass, is found."""

import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from PIL import Image

from app.cards.entitlement import CardStatus
from app.passes.apple.checks import archive
from app.passes.apple.inspect import Finding, Severity, inspect
from app.passes.content import PassContent
from demo.apple_certificates import Chain

Files = dict[str, bytes]
Change = Mapping[str, bytes | None]
Zipped = Callable[[Change], bytes]
Sealed = Callable[..., bytes]
Findings = Callable[..., list[Finding]]
Only = Callable[[bytes], Finding]

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
TOO_MUCH = bytes(archive.MOST_UNPACKED_BYTES + 1)


def png(width: int, height: int) -> bytes:
    with BytesIO() as raw:
        Image.new("RGB", (width, height), "yellow").save(raw, "PNG")
        return raw.getvalue()


def archived(members: Iterable[tuple[str, bytes]], method: int = ZIP_STORED) -> bytes:
    with BytesIO() as raw:
        with ZipFile(raw, "w", method) as made:
            for name, content in members:
                made.writestr(name, content)
        return raw.getvalue()


def test_a_good_pass_is_summed_up(zipped: Zipped, now: datetime, chain: Chain) -> None:
    summary = inspect(zipped({}), now=now).summary

    assert summary.pass_type_identifier == "pass.example.lerarenkaart"
    assert summary.serial_number == "5f0c9a4e7d2b4b6f9b1d3c5e7a90b1c2"
    assert summary.styles == ("generic", "posterGeneric")
    assert summary.languages == ("de", "en", "fr", "nl")
    assert summary.files == 25
    assert summary.signed_by == "Pass Type ID: pass.example.lerarenkaart, TEAM123456"
    assert summary.signed_at == now
    assert summary.certificate_expires_at == chain.leaf.certificate.not_valid_after_utc


def test_a_voided_pass_is_sound_and_said_to_be_voided(
    make: Callable[[PassContent], bytes], content: Callable[..., PassContent], now: datetime
) -> None:
    inspection = inspect(make(content(status=CardStatus.REVOKED)), now=now)

    assert inspection.sound
    assert "voided" in inspection.findings[-1].what


def test_the_gravest_findings_come_first(sealed: Sealed, now: datetime) -> None:
    raw = sealed({"icon.png": None, "icon@2x.png": None})

    severities = [finding.severity for finding in inspect(raw, now=now).findings]

    assert severities == [ERROR, WARNING, WARNING]


@pytest.mark.parametrize(
    ("name", "changed", "what"),
    [
        ("icon.png", png(38, 38), "Its SHA-1 is"),
        ("extra.txt", b"", "not in the manifest"),
        ("logo.png", None, "lists it, but it is not there"),
        ("__MACOSX/._icon.png", b"", "operating system"),
        (".DS_Store", b"", "operating system"),
        ("signature", None, "no signature"),
        ("signature", b"0", "not a CMS signature"),
        ("signature", bytes(100_001), "100001 bytes are too many"),
    ],
)
def test_a_fault_of_the_files_is_found(
    findings: Findings, zipped: Zipped, name: str, changed: bytes | None, what: str
) -> None:
    (fault,) = (one for one in findings(zipped({name: changed})) if one.severity is ERROR)

    assert fault.where == name
    assert what in fault.what


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        (None, "There is no manifest.json"),
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"pass.json": "short"}', "not a JSON object"),
        (b"[" * 50_000, "not a JSON object"),
    ],
)
def test_a_broken_manifest_is_found_beside_the_signature_that_no_longer_fits(
    findings: Findings, zipped: Zipped, manifest: bytes | None, what: str
) -> None:
    first, second = findings(zipped({"manifest.json": manifest}))

    assert what in first.what
    assert "another manifest.json" in second.what


def test_a_wrapping_folder_is_the_only_finding(only: Only, files: Files) -> None:
    wrapped = archived((f"Lerarenkaart.pass/{name}", content) for name, content in files.items())

    assert only(wrapped).where == "Lerarenkaart.pass/"
    assert "inside this folder" in only(wrapped).what


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_found(only: Only, files: Files) -> None:
    twice = archived([*files.items(), ("icon.png", files["icon.png"])])

    assert only(twice).what == "It is in the archive 2 times."


@pytest.mark.parametrize("name", ["../icon.png", "/etc/icon.png", "nl.lproj\\pass.strings"])
def test_a_name_that_is_no_plain_path_is_found(
    findings: Findings, zipped: Zipped, name: str
) -> None:
    whats = [finding.what for finding in findings(zipped({name: b""}))]

    assert "The name is not a plain relative path." in whats


@pytest.mark.parametrize("raw", [b"", b"no zip", b"PK\x03\x04" * 9, b"PK\5\6" + bytes(18)])
def test_what_is_no_pass_at_all_is_one_error(raw: bytes, now: datetime) -> None:
    inspection = inspect(raw, now=now)

    assert [finding.where for finding in inspection.findings] == ["the file"]
    assert not inspection.sound


def test_a_deflated_archive_is_as_good(findings: Findings, files: Files) -> None:
    assert findings(archived(files.items(), ZIP_DEFLATED)) == []


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_an_archive_packed_in_another_way_is_found_out(
    findings: Findings, files: Files, method: int
) -> None:
    whats = [finding.what for finding in findings(archived(files.items(), method))]

    assert whats.count(f"It is packed by method {method}.") == len(files)


def test_an_encrypted_archive_is_found_out(findings: Findings, files: Files) -> None:
    raw = archived([("pass.json", files["pass.json"])])
    for header, flags_at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = raw.index(header) + flags_at
        raw = raw[:at] + b"\1" + raw[at + 1 :]

    assert "encrypted" in findings(raw)[0].what


def test_a_file_with_a_wrong_check_sum_is_found(findings: Findings, zipped: Zipped) -> None:
    raw = bytearray(zipped({}))
    # Inside the first file's content, which comes after a header of 30 bytes and the name.
    raw[30 + len("artwork.png") + 20] ^= 1

    assert any("cannot be unpacked" in finding.what for finding in findings(bytes(raw)))


def test_an_archive_that_unpacks_to_too_much_is_refused(only: Only) -> None:
    bomb = archived([("pass.json", TOO_MUCH)], ZIP_DEFLATED)

    assert len(bomb) < 100_000
    assert "too large to be a pass" in only(bomb).what


def test_an_archive_that_lies_about_its_size_is_refused(findings: Findings) -> None:
    honest = archived([("pass.json", TOO_MUCH)], ZIP_DEFLATED)
    lying = honest.replace(struct.pack("<I", len(TOO_MUCH)), struct.pack("<I", 1))

    assert lying != honest
    assert "cannot be unpacked" in findings(lying)[0].what


def test_an_archive_of_too_many_files_is_refused(only: Only) -> None:
    many = archived((str(number), b"") for number in range(archive.MOST_MEMBERS + 1))

    assert "1001 members" in only(many).what


def test_a_file_larger_than_any_pass_is_not_even_opened(only: Only) -> None:
    assert "too large" in only(bytes(archive.MOST_ARCHIVE_BYTES + 1)).what
