"""Says what is wrong with a .pkpass, ours or anybody's, and how to mend it.

Wallet refuses a pass without a reason. This looks for every reason known, in the order in which
a phone would meet them, and goes on after the first. Hides the checks themselves, one
module each under `checks`; what they return are values for others to print.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.passes.apple.checks import (
    archive,
    barcodes,
    chain,
    fields,
    images,
    keys,
    languages,
    signature,
)
from app.passes.apple.checks.findings import Finding, Severity, error
from app.passes.apple.checks.vocabulary import STYLES

__all__ = ["Finding", "Inspection", "Severity", "Summary", "inspect"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a pass says it is; None or empty where it does not say."""

    pass_type_identifier: str | None
    team_identifier: str | None
    serial_number: str | None
    organization_name: str | None
    description: str | None
    styles: tuple[str, ...]
    languages: tuple[str, ...]
    files: int
    size_bytes: int
    signed_by: str | None
    signed_at: datetime | None
    certificate_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything found, the gravest first, and what the pass says it is."""

    summary: Summary
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found that makes Wallet refuse a pass or drop a part of it."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def inspect(raw: bytes, *, now: datetime) -> Inspection:
    """Look at the bytes of a .pkpass; never raises for anything that is in them."""
    files, findings = archive.unpack(raw)
    pass_json: dict[str, Any] | None = None
    signed: signature.Signed | None = None
    if files:
        findings += archive.compare(files)
        pass_json, found = _pass_json(files, now)
        findings += found
        findings += [*images.check(files), *languages.check(files)]
        signed, found = _signature(files, now)
        findings += found
    if pass_json is not None and signed is not None and signed.signer is not None:
        findings += chain.check_names(signed.signer, pass_json)
    order = list(Severity)
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Inspection(_summary(raw, files, pass_json or {}, signed), tuple(findings))


def _pass_json(files: archive.Files, now: datetime) -> tuple[dict[str, Any] | None, list[Finding]]:
    if "pass.json" not in files:
        return None, [error(keys.WHERE, "There is no pass.json.", "Every pass needs one.")]
    pass_json, findings = keys.parse(files["pass.json"])
    if pass_json is not None:
        findings += keys.check(pass_json, now=now)
        findings += [*fields.check(pass_json), *barcodes.check(pass_json)]
    return pass_json, findings


def _signature(
    files: archive.Files, now: datetime
) -> tuple[signature.Signed | None, list[Finding]]:
    where = signature.WHERE
    if "signature" not in files:
        return None, [error(where, "There is no signature.", "Sign manifest.json.")]
    try:
        signed = signature.read(files["signature"])
    except ValueError as fault:
        what = f"It is not a CMS signature ({fault})."
        return None, [error(where, what, "Sign manifest.json with CMS, DER, detached.")]
    manifest = files.get("manifest.json", b"")
    return signed, [*signature.check(signed, manifest), *chain.check(signed, now=now)]


def _summary(
    raw: bytes,
    files: archive.Files,
    pass_json: dict[str, Any],
    signed: signature.Signed | None,
) -> Summary:
    def said(key: str) -> str | None:
        value = pass_json.get(key)
        return value if isinstance(value, str) else None

    signer = signed.signer if signed else None
    return Summary(
        pass_type_identifier=said("passTypeIdentifier"),
        team_identifier=said("teamIdentifier"),
        serial_number=said("serialNumber"),
        organization_name=said("organizationName"),
        description=said("description"),
        styles=tuple(style for style in STYLES if style in pass_json),
        languages=tuple(languages.languages(files)),
        files=len(files),
        size_bytes=len(raw),
        signed_by=chain.named(signer.subject) if signer else None,
        signed_at=signed.signing_time if signed else None,
        certificate_expires_at=signer.not_valid_after_utc if signer else None,
    )
