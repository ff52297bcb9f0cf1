"""The signature over the manifest: its form, what it covers, and whether it verifies.

Knows CMS SignedData as Wallet wants it: detached, dated, SHA-256, with its certificates
inside. Reads any encoding, also the indefinite lengths of Apple's own signer, and lets
nothing out of a broken one but a ValueError. Whose certificates they are is for `chain`.
"""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from app.passes.apple.checks.findings import Finding, error, warning

WHERE = "signature"
# A real one has 2 to 5 kB.
_MOST_BYTES = 100_000
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - Apple's old passes have it; it is reported
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# What certificates raise beside ValueError; a warning is a rule broken that will be an error.
_UNREADABLE = (
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
    Warning,
)
_PARTS = ("serial_number", "subject", "issuer", "extensions", "signature_hash_algorithm")
_SIGN_AGAIN = "Sign the manifest again, detached and binary, with its final bytes."


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature says about itself. `covered` are the bytes the RSA or EC value is over."""

    attached: bool
    certificates: tuple[x509.Certificate, ...]
    signer: x509.Certificate | None
    digest_algorithm: str
    message_digest: bytes | None
    signing_time: datetime | None
    covered: bytes | None
    value: bytes

    @property
    def issuer(self) -> x509.Certificate | None:
        """The certificate inside whose subject is the signer's issuer."""
        wanted = self.signer.issuer if self.signer else None
        return next((one for one in self.certificates if one.subject == wanted), None)


def read(raw: bytes) -> Signed:
    """Read CMS SignedData (RFC 5652), BER or DER; raises ValueError with the reason."""
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"{len(raw)} bytes are too many")
    try:
        return _read(raw)
    except (TypeError, KeyError, IndexError, AttributeError, RecursionError) as fault:
        # What the reader raises when the pieces are fine and the whole is something else.
        raise ValueError("it is not CMS SignedData") from fault
    except _UNREADABLE as fault:
        raise ValueError(f"a certificate in it cannot be read: {fault}") from fault


def check(signed: Signed, manifest: bytes) -> Iterator[Finding]:
    """Yield what is wrong with the signature itself."""
    yield from _faults_of_form(signed)
    yield from _faults_of_digest(signed, manifest)
    if signed.signer is None:
        yield error(
            WHERE,
            "The certificate that signed is not in the signature.",
            "Put the Pass Type ID certificate into it.",
        )
    elif not _covers(signed, signed.signer):
        yield error(
            WHERE,
            "It does not verify with the certificate in it.",
            "Sign with the RSA key that belongs to the certificate.",
        )


def _read(raw: bytes) -> Signed:
    content = cms.ContentInfo.load(raw, strict=True)["content"]
    if len(content["signer_infos"]) != 1:
        raise ValueError(f"it has {len(content['signer_infos'])} signers instead of one")
    info = content["signer_infos"][0]
    attributes = {
        attribute["type"].native: attribute["values"][0]
        for attribute in info["signed_attrs"] or ()
        if len(attribute["values"])
    }
    certificates = tuple(
        _certificate(found.chosen.dump())
        for found in content["certificates"] or ()
        if found.name == "certificate"
    )
    digest, time = attributes.get("message_digest"), attributes.get("signing_time")
    return Signed(
        attached=content["encap_content_info"]["content"].native is not None,
        certificates=certificates,
        signer=_signer(info["sid"], certificates),
        digest_algorithm=info["digest_algorithm"]["algorithm"].native,
        message_digest=digest.native if digest is not None else None,
        signing_time=time.native if time is not None else None,
        # Signed as SET OF, whatever the tag they travel under (RFC 5652 section 5.4).
        covered=info["signed_attrs"].untag().dump() if attributes else None,
        value=info["signature"].native,
    )


def _certificate(der: bytes) -> x509.Certificate:
    """Read a certificate whole: its parts, else read when asked for, are asked for here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = x509.load_der_x509_certificate(der)
        for part in _PARTS:
            getattr(certificate, part)
        certificate.public_key()
    return certificate


def _signer(
    sid: cms.SignerIdentifier, certificates: tuple[x509.Certificate, ...]
) -> x509.Certificate | None:
    if sid.name != "issuer_and_serial_number":
        found = (one for one in certificates if _key_identifier(one) == sid.native)
    else:
        serial, issuer = sid.chosen["serial_number"].native, sid.chosen["issuer"].dump()
        found = (
            one
            for one in certificates
            if one.serial_number == serial and one.issuer.public_bytes() == issuer
        )
    return next(found, None)


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return extension.value.digest


def _faults_of_form(signed: Signed) -> Iterator[Finding]:
    if signed.attached:
        yield error(WHERE, "The manifest is inside the signature (attached).", _SIGN_AGAIN)
    if signed.signing_time is None:
        yield error(WHERE, "It has no signing time.", "Sign with the attribute signingTime.")
    if signed.digest_algorithm == "sha1":
        yield warning(
            WHERE, "It uses SHA-1, which Wallet still accepts today.", "Sign with SHA-256."
        )


def _faults_of_digest(signed: Signed, manifest: bytes) -> Iterator[Finding]:
    if signed.message_digest is None:
        yield error(WHERE, "It has no message digest.", "Sign with signed attributes.")
        return
    if signed.digest_algorithm not in _HASHES:
        yield error(WHERE, f"The digest {signed.digest_algorithm} is unknown.", "Use SHA-256.")
        return
    if hashlib.new(signed.digest_algorithm, manifest).digest() == signed.message_digest:
        return
    # What OpenSSL signs unless it is told that the content is binary.
    as_text = manifest.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if hashlib.new(signed.digest_algorithm, as_text).digest() == signed.message_digest:
        yield error(WHERE, "It was made over the manifest with its line ends changed.", _SIGN_AGAIN)
    else:
        yield error(WHERE, "It was made over another manifest.json.", _SIGN_AGAIN)


def _covers(signed: Signed, signer: x509.Certificate) -> bool:
    algorithm = _HASHES.get(signed.digest_algorithm)
    # Without attributes or with an unknown digest there is nothing to verify; said already.
    if signed.covered is None or algorithm is None:
        return True
    return verifies(signer, signed.value, signed.covered, algorithm)


def verifies(
    signer: x509.Certificate,
    value: bytes,
    covered: bytes,
    algorithm: hashes.HashAlgorithm | None,
) -> bool:
    """Tell whether the key of `signer` made `value`; also with SHA-1, which is reported apart."""
    key = signer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm:
            key.verify(value, covered, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm:
            key.verify(value, covered, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
