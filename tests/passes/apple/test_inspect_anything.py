"""Whatever is in a file, inspection answers and never raises."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from hypothesis import given, settings
from hypothesis import strategies as st

from app.passes.apple.checks.vocabulary import KINDS
from app.passes.apple.inspect import Finding, Severity, inspect

Files = dict[str, bytes]
Change = Mapping[str, bytes | None]
Zipped = Callable[[Change], bytes]
Sealed = Callable[..., bytes]
Findings = Callable[..., list[Finding]]
Only = Callable[[bytes], Finding]

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


# A place between the start and the end of a file, and the byte to put there.
CHANGE = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255))


@settings(deadline=None, max_examples=50)
@given(layout=st.dictionaries(st.sampled_from(sorted(KINDS)), JSON, max_size=12))
def test_any_pass_json_is_answered(sealed: Sealed, now: datetime, layout: dict[str, Any]) -> None:
    inspect(sealed({"pass.json": json.dumps(layout).encode()}), now=now)


@settings(deadline=None, max_examples=50)
@given(fields=st.dictionaries(st.sampled_from(["key", "value", "label", "dateStyle", "row"]), JSON))
def test_any_field_is_answered(
    files: Files, sealed: Sealed, now: datetime, fields: dict[str, Any]
) -> None:
    layout = json.loads(files["pass.json"])
    layout["generic"]["primaryFields"] = [fields]

    inspect(sealed({"pass.json": json.dumps(layout).encode()}), now=now)


@settings(deadline=None, max_examples=100)
@given(
    name=st.sampled_from(["signature", "pass.json", "logo.png", "nl.lproj/pass.strings"]),
    change=CHANGE,
)
def test_a_file_with_any_byte_changed_is_answered(
    files: Files, zipped: Zipped, now: datetime, name: str, change: tuple[float, int]
) -> None:
    changed, (place, byte) = bytearray(files[name]), change
    changed[int(place * len(changed))] = byte

    inspect(zipped({name: bytes(changed)}), now=now)


@settings(deadline=None, max_examples=100)
@given(change=CHANGE, kept=st.floats(0.5, 1))
def test_an_archive_with_any_byte_changed_is_answered(
    zipped: Zipped, now: datetime, change: tuple[float, int], kept: float
) -> None:
    raw, (place, byte) = bytearray(zipped({})), change
    # The directory at the end holds most of what a reader trusts.
    raw[-int(place * 2000) - 1] = byte

    inspect(bytes(raw), now=now)
    inspect(bytes(raw[: int(kept * len(raw))]), now=now)


def test_an_archive_with_a_nameless_file_is_answered(now: datetime) -> None:
    with BytesIO() as raw:
        with ZipFile(raw, "w") as made:
            made.writestr("x", b"")
        # Its directory says that the name has no letters, and a comment of one.
        nameless = raw.getvalue().replace(b"\1\0\0\0\0\0", b"\0\0\0\0\1\0")

    assert not inspect(nameless, now=now).sound
