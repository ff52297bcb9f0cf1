"""The three credentials an Apple pass is signed with, and whether Wallet would accept them.

Knows what Wallet checks without ever saying so: that the leaf names this pass type and this
team, carries Apple's usages, belongs to the key and was issued by the WWDR certificate sent
along, and that nothing has expired. All faults are found at start-up and named together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

# Apple's own usage of a Pass Type ID certificate; with clientAuth the leaf also opens APNs.
PASS_SIGNING = ObjectIdentifier("1.2.840.113635.100.4.14")
_USAGES = {PASS_SIGNING: "pass signing", ExtendedKeyUsageOID.CLIENT_AUTH: "client authentication"}
# The WWDR generation that issues Pass Type ID certificates since January 2022.
WWDR_GENERATION = "G4"
# SHA-256 of that certificate as Apple publishes it; it is valid to 10 December 2030.
_WWDR_FINGERPRINT = "ea4757885538dd8cb59ff4556f676087d83c85e70902c122e42c0808b5bce14c"
_SMALLEST_KEY_BITS = 2048


class CertificateFault(ValueError):
    """Credentials that cannot sign a pass; `faults` holds one sentence for each thing wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Certificates:
    """A checked set: the Pass Type ID certificate, its key and the WWDR certificate."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    wwdr: x509.Certificate
    pass_type_identifier: str
    team_identifier: str

    @classmethod
    def load(
        cls,
        certificate_pem: bytes,
        key_pem: bytes,
        wwdr_pem: bytes,
        *,
        pass_type_identifier: str,
        team_identifier: str,
        now: datetime,
        password: bytes | None = None,
    ) -> Self:
        """Read and check the credentials; certificate and key may come from the same file.

        Raises `CertificateFault` with every fault that could be seen.
        """
        certificate = _read_certificate(certificate_pem, "Pass Type ID certificate")
        key = _read_key(key_pem, password)
        wwdr = _read_certificate(wwdr_pem, "WWDR certificate")
        if isinstance(certificate, str) or isinstance(key, str) or isinstance(wwdr, str):
            parts = (certificate, key, wwdr)
            raise CertificateFault([part for part in parts if isinstance(part, str)])

        made = cls(certificate, key, wwdr, pass_type_identifier, team_identifier)
        if faults := [*made._faults_of_leaf(), *made._faults_of_key(), *made._faults_of_dates(now)]:
            raise CertificateFault(faults)
        return made

    @property
    def issued_by_apple(self) -> bool:
        """Whether the WWDR certificate is Apple's own, so that phones will take the passes."""
        return is_apples(self.wwdr)

    def days_left(self, now: datetime) -> int:
        """Return whole days until the first of both certificates expires; negative afterwards."""
        return min((end - now).days for end in self.expiries().values())

    def expiries(self) -> dict[str, datetime]:
        """Return the last moment of each certificate under the name people know it by."""
        return {
            "Pass Type ID certificate": self.certificate.not_valid_after_utc,
            "WWDR certificate": self.wwdr.not_valid_after_utc,
        }

    def warnings(self) -> tuple[str, ...]:
        """Say what is unusual without being provably wrong: Apple may open a new generation."""
        found = subject_values(self.wwdr.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)
        if WWDR_GENERATION in found:
            return ()
        unusual = f"the WWDR certificate is of generation {_listed(found)}"
        return (f"{unusual}; Apple issues Pass Type ID certificates under {WWDR_GENERATION}",)

    def _faults_of_leaf(self) -> Iterator[str]:
        for what, attribute, wanted in (
            ("pass type (UID)", NameOID.USER_ID, self.pass_type_identifier),
            ("team (OU)", NameOID.ORGANIZATIONAL_UNIT_NAME, self.team_identifier),
        ):
            found = subject_values(self.certificate.subject, attribute)
            if found != [wanted]:
                yield (
                    f"the Pass Type ID certificate is for the {what} {_listed(found)}, "
                    f"the settings say {wanted}"
                )
        missing = _USAGES.keys() - extended_usages(self.certificate)
        for usage in sorted(missing, key=lambda usage: usage.dotted_string):
            yield (
                f"the Pass Type ID certificate lacks the extended key usage "
                f"{_USAGES[usage]} ({usage.dotted_string})"
            )
        try:
            self.certificate.verify_directly_issued_by(self.wwdr)
        except (ValueError, TypeError, InvalidSignature):
            yield (
                "the Pass Type ID certificate was not issued by this WWDR certificate: "
                "take the generation named in the certificate's issuer from "
                "apple.com/certificateauthority"
            )

    def _faults_of_key(self) -> Iterator[str]:
        if self.key.public_key() != self.certificate.public_key():
            yield "the private key does not belong to the Pass Type ID certificate"
        if self.key.key_size < _SMALLEST_KEY_BITS:
            yield f"the private key has {self.key.key_size} bits, at least 2048 are needed"

    def _faults_of_dates(self, now: datetime) -> Iterator[str]:
        for what, certificate in (
            ("Pass Type ID certificate", self.certificate),
            ("WWDR certificate", self.wwdr),
        ):
            if now < certificate.not_valid_before_utc:
                yield f"the {what} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
            if now > certificate.not_valid_after_utc:
                yield f"the {what} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"


def is_apples(wwdr: x509.Certificate) -> bool:
    """Tell whether this is, bit for bit, the WWDR certificate that Apple publishes."""
    return wwdr.fingerprint(hashes.SHA256()).hex() == _WWDR_FINGERPRINT


def subject_values(name: x509.Name, attribute: ObjectIdentifier) -> list[str]:
    """Return the values of one attribute of a subject, as text."""
    return [str(found.value) for found in name.get_attributes_for_oid(attribute)]


def extended_usages(certificate: x509.Certificate) -> set[ObjectIdentifier]:
    """Return what the certificate may be used for; empty when it does not say."""
    try:
        return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return set()


def _listed(values: list[str]) -> str:
    return ", ".join(values) or "(none)"


def _read_certificate(pem: bytes, what: str) -> x509.Certificate | str:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        return f"the {what} is not a PEM certificate"


def _read_key(pem: bytes, password: bytes | None) -> rsa.RSAPrivateKey | str:
    try:
        key = serialization.load_pem_private_key(pem, password)
    except TypeError:
        return (
            "the private key is encrypted and no password was given"
            if password is None
            else "a password was given for a private key that is not encrypted"
        )
    except (ValueError, UnsupportedAlgorithm):
        return "the private key is not readable PEM, or its password is wrong"
    return key if isinstance(key, rsa.RSAPrivateKey) else "the private key is not an RSA key"
