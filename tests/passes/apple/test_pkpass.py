"""The spliced archive against Python's own zip reader and the `unzip` of the system."""

import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.passes.apple.pkpass import Package

names = st.text("abcdefghijklmnopqrstuvwxyz/@.", min_size=1, max_size=20).filter(
    lambda name: name not in {"pass.json", "manifest.json", "signature"}
)


@given(members=st.dictionaries(names, st.binary(max_size=200)), pass_json=st.binary(max_size=200))
def test_every_member_comes_back_as_it_went_in(members: dict[str, bytes], pass_json: bytes) -> None:
    raw = Package.of(members).finish(pass_json, lambda manifest: b"signed " + manifest)

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}

    manifest = found.pop("manifest.json")
    assert json.loads(manifest).keys() == members.keys() | {"pass.json"}
    assert found.pop("signature") == b"signed " + manifest
    assert found == members | {"pass.json": pass_json}


def test_the_order_in_which_members_were_given_does_not_show() -> None:
    members = {"b.png": b"2", "a.png": b"1"}

    one, two = (
        Package.of(dict(order)).finish(b"{}", bytes)
        for order in (members.items(), reversed(members.items()))
    )

    assert one == two


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs the unzip command")
def test_unzip_finds_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "a.pkpass"
    file.write_bytes(
        Package.of({"nl.lproj/pass.strings": b"", "icon.png": b"x"}).finish(b"{}", bytes)
    )

    done = subprocess.run(["unzip", "-t", file], capture_output=True, text=True, check=False)  # noqa: S607 - the system's own tool on a file of ours

    assert "No errors detected" in done.stdout
    assert done.returncode == 0


def test_members_may_be_read_by_everybody_and_carry_no_date_of_today() -> None:
    raw = Package.of({"icon.png": b"x"}).finish(b"{}", bytes)

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert member.external_attr >> 16 == 0o100644
            assert member.compress_type == zipfile.ZIP_STORED
