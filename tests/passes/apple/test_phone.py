"""The demo's phone refuses what a real one refuses; otherwise it would prove nothing."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from demo import apple_certificates, apple_phone
from demo.apple_certificates import Chain

Files = dict[str, bytes]
Zipped = Callable[[dict[str, bytes | None]], bytes]


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("icon.png", b"another icon", "icon.png is not what the manifest says"),
        ("pass.json", b"{}", "pass.json is not what the manifest says"),
        ("extra.txt", b"", "different files"),
        ("logo.png", None, "different files"),
        ("signature", None, "missing: signature"),
    ],
)
def test_a_changed_file_is_refused(
    zipped: Zipped, name: str, changed: bytes | None, reason: str
) -> None:
    with pytest.raises(apple_phone.Refused, match=reason):
        apple_phone.install(zipped({name: changed}))


def test_a_changed_file_with_a_changed_manifest_is_refused_by_its_signature(
    files: Files, zipped: Zipped, chain: Chain, now: datetime
) -> None:
    manifest = json.loads(files["manifest.json"])
    del manifest["logo.png"]
    raw = zipped({"logo.png": None, "manifest.json": json.dumps(manifest).encode()})

    with pytest.raises(apple_phone.Refused, match="signature does not verify"):
        apple_phone.install(raw, root_pem=chain.root.certificate_pem, now=now)


def test_a_pass_under_another_root_is_refused(zipped: Zipped, now: datetime) -> None:
    other = apple_certificates.root(now=now)

    with pytest.raises(apple_phone.Refused, match="signature does not verify"):
        apple_phone.install(zipped({}), root_pem=other.certificate_pem, now=now)


def test_a_pass_is_refused_after_its_certificate_expired(
    zipped: Zipped, chain: Chain, now: datetime
) -> None:
    with pytest.raises(apple_phone.Refused, match="expired"):
        apple_phone.install(
            zipped({}),
            root_pem=chain.root.certificate_pem,
            now=now + timedelta(days=366),
        )


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(apple_phone.Refused, match="not an archive"):
        apple_phone.install(b"no zip")
