"""Inspection of the signature: each fault of it and of its certificates is found."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.passes.apple.inspect import Finding, Severity
from demo import apple_certificates
from demo.apple_certificates import Chain, Holder

Files = dict[str, bytes]
Change = Mapping[str, bytes | None]
Zipped = Callable[[Change], bytes]
Sealed = Callable[..., bytes]
Findings = Callable[..., list[Finding]]
Only = Callable[[bytes], Finding]

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def signed(
    chain: Chain, manifest: bytes, *options: pkcs7.PKCS7Options, leaf: Holder | None = None
) -> bytes:
    """Sign as somebody else might, without the options that Wallet needs unless given."""
    leaf = leaf or chain.leaf
    builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
    builder = builder.add_signer(leaf.certificate, leaf.key, hashes.SHA256())
    builder = builder.add_certificate(chain.wwdr.certificate)
    chosen = options or (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary)
    return builder.sign(Encoding.DER, chosen)


# The builder signs at the clock's time, which the certificates of these tests need not cover.
ELSEWHEN = "when its certificate was not valid"


@pytest.fixture
def pretty(files: Files) -> bytes:
    """Return the manifest on many lines, over which text and binary differ."""
    return json.dumps(json.loads(files["manifest.json"]), indent=1).encode()


def whats(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if ELSEWHEN not in finding.what]


def test_an_attached_signature_is_found(
    findings: Findings, files: Files, zipped: Zipped, chain: Chain
) -> None:
    signature = signed(chain, files["manifest.json"], pkcs7.PKCS7Options.Binary)

    assert whats(findings(zipped({"signature": signature}))) == [
        "The manifest is inside the signature (attached)."
    ]


def test_a_signature_over_changed_line_ends_is_found(
    findings: Findings, pretty: bytes, zipped: Zipped, chain: Chain
) -> None:
    signature = signed(chain, pretty, pkcs7.PKCS7Options.DetachedSignature)

    assert whats(findings(zipped({"manifest.json": pretty, "signature": signature}))) == [
        "It was made over the manifest with its line ends changed."
    ]


def test_a_signature_over_another_manifest_is_found(
    findings: Findings, pretty: bytes, zipped: Zipped
) -> None:
    assert whats(findings(zipped({"manifest.json": pretty}))) == [
        "It was made over another manifest.json."
    ]


def test_a_signature_without_a_signing_time_is_found(
    findings: Findings, files: Files, zipped: Zipped, chain: Chain
) -> None:
    options = pkcs7.PKCS7Options
    signature = signed(
        chain,
        files["manifest.json"],
        options.DetachedSignature,
        options.Binary,
        options.NoAttributes,
    )

    assert whats(findings(zipped({"signature": signature}))) == [
        "It has no signing time.",
        "It has no message digest.",
    ]


def test_a_signature_without_its_signer_is_found(
    findings: Findings, files: Files, zipped: Zipped, chain: Chain
) -> None:
    options = pkcs7.PKCS7Options
    signature = signed(
        chain, files["manifest.json"], options.DetachedSignature, options.Binary, options.NoCerts
    )

    assert whats(findings(zipped({"signature": signature}))) == [
        "The certificate that signed is not in the signature."
    ]


def test_a_signature_by_another_key_is_found(
    only: Only, files: Files, zipped: Zipped, new_leaf: Callable[..., Holder]
) -> None:
    signature = files["signature"]
    value = new_leaf().key.sign(b"", padding.PKCS1v15(), hashes.SHA256())

    forged = signature[: -len(value)] + value

    assert "does not verify" in only(zipped({"signature": forged})).what


def test_a_manifest_that_lists_itself_is_found(
    findings: Findings, files: Files, zipped: Zipped, chain: Chain
) -> None:
    listed = json.loads(files["manifest.json"]) | {"signature": "0" * 40}
    manifest = json.dumps(listed).encode()
    change = {"manifest.json": manifest, "signature": signed(chain, manifest)}

    assert whats(findings(zipped(change))) == ["It lists signature."]


def test_a_missing_wwdr_certificate_is_found(only: Only, sealed: Sealed, chain: Chain) -> None:
    assert "not in the signature" in only(sealed({}, wwdr=chain.root)).what


def test_a_wwdr_certificate_of_the_right_name_only_is_found(
    only: Only, sealed: Sealed, chain: Chain, now: datetime
) -> None:
    twin = apple_certificates.intermediate(chain.root, now=now)

    assert "did not issue" in only(sealed({}, wwdr=twin)).what


def test_another_wwdr_generation_is_a_warning(
    only: Only, sealed: Sealed, chain: Chain, now: datetime
) -> None:
    wwdr = apple_certificates.intermediate(chain.root, now=now, generation="G1")
    leaf = apple_certificates.leaf(
        wwdr,
        pass_type_identifier="pass.example.lerarenkaart",
        team_identifier="TEAM123456",
        now=now,
    )

    finding = only(sealed({}, leaf=leaf, wwdr=wwdr))

    assert (finding.severity, finding.what) == (
        WARNING,
        "The WWDR certificate is of generation G1.",
    )


def test_a_chain_that_only_says_it_is_apples_is_not_believed(
    only: Only, sealed: Sealed, now: datetime
) -> None:
    false = apple_certificates.chain(
        pass_type_identifier="pass.example.lerarenkaart",
        team_identifier="TEAM123456",
        now=now,
        organisation="Apple Inc.",
    )

    finding = only(sealed({}, leaf=false.leaf, wwdr=false.wwdr))

    assert finding.severity is WARNING
    assert "which says it is Apple's" in finding.what


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"pass_type_identifier": "pass.example.other"}, "passTypeIdentifier is pass.example.ler"),
        ({"team_identifier": "OTHER12345"}, "teamIdentifier is TEAM123456, the certificate (OU)"),
        ({"usages": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, "no Pass Type ID certificate"),
    ],
)
def test_a_leaf_for_something_else_is_found(
    only: Only, sealed: Sealed, new_leaf: Callable[..., Holder], changes: dict[str, Any], what: str
) -> None:
    assert what in only(sealed({}, leaf=new_leaf(**changes))).what


def test_a_signature_made_outside_its_certificates_validity_is_found(
    only: Only, sealed: Sealed, now: datetime
) -> None:
    assert ELSEWHEN in only(sealed({}, now=now - timedelta(days=1))).what


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, ["The Pass Type ID certificate is not valid", "The WWDR certificate is not valid"]),
        (366, ["The Pass Type ID certificate expired"]),
        (5 * 365 + 1, ["The Pass Type ID certificate expired", "The WWDR certificate expired"]),
    ],
)
def test_certificates_out_of_date_are_found(
    findings: Findings, zipped: Zipped, now: datetime, days: int, expected: list[str]
) -> None:
    findings = findings(zipped({}), at=now + timedelta(days=days))

    errors = [one.what for one in findings if one.severity is ERROR]
    assert len(errors) == len(expected)
    assert all(what.startswith(begin) for what, begin in zip(errors, expected, strict=True))
