"""Who signed a pass, under whose authority, and for which pass type and team.

Knows Apple's chain as far as a pass carries it: the Pass Type ID certificate and the WWDR
certificate that issued it. Apple's root is not here, so the chain is followed up to the
WWDR certificate and no further.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from app.passes.apple.certificates import (
    PASS_SIGNING,
    WWDR_GENERATION,
    extended_usages,
    is_apples,
    subject_values,
)
from app.passes.apple.checks.findings import Finding, error, note, warning
from app.passes.apple.checks.signature import WHERE, Signed, verifies


def check(signed: Signed, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the certificates in a signature."""
    if signed.signer is not None:
        yield from _faults_of_leaf(signed, signed.signer, now)
        yield from _faults_of_chain(signed.signer, signed.issuer, now)


def check_names(signer: x509.Certificate, pass_json: Mapping[str, object]) -> Iterator[Finding]:
    """Yield where the certificate and pass.json name another pass type or team."""
    for key, attribute, label in (
        ("passTypeIdentifier", NameOID.USER_ID, "UID"),
        ("teamIdentifier", NameOID.ORGANIZATIONAL_UNIT_NAME, "OU"),
    ):
        found = subject_values(signer.subject, attribute)
        if found != [pass_json.get(key)]:
            yield error(
                "pass.json",
                f"{key} is {pass_json.get(key)}, the certificate ({label}) is for "
                f"{', '.join(found) or 'none'}.",
                "Sign with the certificate of this pass type and team, or correct pass.json.",
            )


def _faults_of_leaf(signed: Signed, signer: x509.Certificate, now: datetime) -> Iterator[Finding]:
    if PASS_SIGNING not in extended_usages(signer):
        yield error(
            WHERE,
            f"The certificate is no Pass Type ID certificate (usage {PASS_SIGNING.dotted_string}).",
            "Make one in Apple's developer account, under Identifiers, Pass Type IDs.",
        )
    begins, ends = signer.not_valid_before_utc, signer.not_valid_after_utc
    if signed.signing_time and not begins <= signed.signing_time <= ends:
        yield error(
            WHERE,
            f"It was made at {_day(signed.signing_time)}, when its certificate was not valid.",
            "Set the clock, or renew the certificate, and sign again.",
        )
    yield from _faults_of_dates("Pass Type ID certificate", signer, now)


def _faults_of_chain(
    signer: x509.Certificate, wwdr: x509.Certificate | None, now: datetime
) -> Iterator[Finding]:
    if wwdr is None:
        yield error(
            WHERE,
            "The WWDR certificate that issued the signer's is not in the signature.",
            f"Add Apple's WWDR certificate ({named(signer.issuer)}) to it.",
        )
        return
    over, algorithm = signer.tbs_certificate_bytes, signer.signature_hash_algorithm
    if not verifies(wwdr, signer.signature, over, algorithm):
        yield error(
            WHERE,
            "The WWDR certificate in it has the right name but did not issue the signer's.",
            "Take the certificate of the right generation from apple.com/certificateauthority.",
        )
        return
    yield from _faults_of_dates("WWDR certificate", wwdr, now)
    generation = subject_values(wwdr.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)
    if WWDR_GENERATION not in generation:
        yield warning(
            WHERE,
            f"The WWDR certificate is of generation {', '.join(generation) or '(none)'}.",
            f"Certificates made since January 2022 need {WWDR_GENERATION}.",
        )
    yield _origin(wwdr)


def _origin(wwdr: x509.Certificate) -> Finding:
    if is_apples(wwdr):
        return note(WHERE, "The chain ends in the WWDR certificate that Apple publishes.")
    if "Apple Inc." in subject_values(wwdr.issuer, NameOID.ORGANIZATION_NAME):
        return warning(
            WHERE,
            f"The chain ends in {named(wwdr.subject)}, which says it is Apple's.",
            "To be sure: openssl cms -verify with Apple Root CA as -CAfile.",
        )
    return warning(
        WHERE,
        f"The chain ends in {named(wwdr.issuer)}, which is not Apple: phones refuse it.",
        "Fine for a test; real passes need a certificate from Apple.",
    )


def _faults_of_dates(what: str, certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    if now < certificate.not_valid_before_utc:
        begins = _day(certificate.not_valid_before_utc)
        yield error(WHERE, f"The {what} is not valid before {begins}.", "Set the clock.")
    if now > certificate.not_valid_after_utc:
        yield error(
            WHERE,
            f"The {what} expired on {_day(certificate.not_valid_after_utc)}: installed passes "
            "stay, new ones and updates are refused.",
            "Sign again with one that is valid.",
        )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def named(name: x509.Name) -> str:
    """Return the common name and the unit of a subject."""
    return ", ".join(
        [
            *subject_values(name, NameOID.COMMON_NAME),
            *subject_values(name, NameOID.ORGANIZATIONAL_UNIT_NAME),
        ]
    )
