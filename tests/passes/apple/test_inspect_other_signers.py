"""Inspection of signatures as other programs make them: what Wallet takes is not called wrong."""

import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from app.passes.apple.inspect import Finding
from demo.apple_certificates import Chain

Files = dict[str, bytes]
Zipped = Callable[[Mapping[str, bytes | None]], bytes]
Whats = Callable[[bytes], list[str]]


@pytest.fixture
def whats(zipped: Zipped, findings: Callable[..., list[Finding]]) -> Whats:
    """Return a function that says what is wrong with the good pass under another signature.

    Other programs sign at the clock's time, which the certificates of these tests need not cover.
    """

    def whats(signature: bytes) -> list[str]:
        said = [finding.what for finding in findings(zipped({"signature": signature}))]
        return [what for what in said if "when its certificate was not valid" not in what]

    return whats


@pytest.fixture
def openssl(files: Files, chain: Chain, tmp_path: Path) -> Callable[..., bytes]:
    """Return a function that signs the good manifest with `openssl cms` and more arguments."""
    for name, content in (
        ("manifest.json", files["manifest.json"]),
        ("leaf.pem", chain.leaf.certificate_pem),
        ("key.pem", chain.leaf.key_pem),
        ("wwdr.pem", chain.wwdr.certificate_pem),
    ):
        (tmp_path / name).write_bytes(content)

    def openssl(*arguments: str) -> bytes:
        command = ["openssl", "cms", "-sign", "-binary", "-in", "manifest.json"]
        command += ["-signer", "leaf.pem", "-inkey", "key.pem", "-certfile", "wwdr.pem"]
        command += ["-outform", "DER", "-out", "signature", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        return (tmp_path / "signature").read_bytes()

    return openssl


def test_a_signature_by_openssl_is_good(openssl: Callable[..., bytes], whats: Whats) -> None:
    assert whats(openssl("-md", "sha256")) == []


def test_a_signer_named_by_its_key_identifier_is_found(
    openssl: Callable[..., bytes], whats: Whats
) -> None:
    assert whats(openssl("-md", "sha384", "-keyid")) == []


def test_a_sha1_signature_is_verified_and_warned_of(
    openssl: Callable[..., bytes], whats: Whats
) -> None:
    assert whats(openssl("-md", "sha1")) == ["It uses SHA-1, which Wallet still accepts today."]


def test_an_unusual_digest_is_named(openssl: Callable[..., bytes], whats: Whats) -> None:
    assert whats(openssl("-md", "sha224")) == ["The digest sha224 is unknown."]


def test_a_signature_in_indefinite_lengths_is_read_as_well(files: Files, whats: Whats) -> None:
    # As Apple's own signer writes it: ISO/IEC 8825-1, section 8.1.3.6.
    inside = cms.ContentInfo.load(files["signature"])
    kind, content = inside["content_type"].dump(), inside["content"].untag().dump()

    assert whats(b"\x30\x80" + kind + b"\xa0\x80" + content + bytes(4)) == []


def test_two_signers_are_one_too_many(files: Files, chain: Chain, whats: Whats) -> None:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(files["manifest.json"])
    for holder in (chain.leaf, chain.wwdr):
        builder = builder.add_signer(holder.certificate, holder.key, hashes.SHA256())

    said = whats(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature]))

    assert said == ["It is not a CMS signature (it has 2 signers instead of one)."]


def test_cms_that_is_no_signature_is_named(whats: Whats) -> None:
    data = cms.ContentInfo({"content_type": "data", "content": b"x"})

    assert whats(data.dump()) == ["It is not a CMS signature (it is not CMS SignedData)."]


def elliptic_leaf(
    chain: Chain, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Make the leaf again with an EC key."""
    key, model = ec.generate_private_key(ec.SECP256R1()), chain.leaf.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
    )
    usage = model.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return builder.add_extension(usage, critical=False).sign(chain.wwdr.key, hashes.SHA256()), key


def test_an_elliptic_signature_is_verified(
    files: Files, chain: Chain, now: datetime, whats: Whats
) -> None:
    certificate, key = elliptic_leaf(chain, now)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(files["manifest.json"])
    builder = builder.add_signer(certificate, key, hashes.SHA256())
    builder = builder.add_certificate(chain.wwdr.certificate)
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]

    good = builder.sign(Encoding.DER, options)

    assert whats(good) == []
    # The last byte belongs to the second of the two numbers that are the signature.
    assert whats(good[:-1] + bytes([good[-1] ^ 1])) == [
        "It does not verify with the certificate in it."
    ]
