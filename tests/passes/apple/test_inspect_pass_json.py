"""Inspection of pass.json: each fault, planted alone into a good pass, is found."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.passes.apple.inspect import Finding, Severity

Files = dict[str, bytes]
Change = Mapping[str, bytes | None]
Zipped = Callable[[Change], bytes]
Sealed = Callable[..., bytes]
Findings = Callable[..., list[Finding]]
Only = Callable[[bytes], Finding]

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def with_field(group: str, **changes: object) -> Callable[[dict[str, Any]], None]:
    def change(layout: dict[str, Any]) -> None:
        field = layout["generic"][group][0]
        field.update(changes)
        for key in [key for key, value in changes.items() if value is None]:
            del field[key]

    return change


def with_code(**changes: object) -> Callable[[dict[str, Any]], None]:
    return lambda layout: layout["barcodes"][0].update(changes)


def with_keys(**changes: object) -> Callable[[dict[str, Any]], None]:
    def change(layout: dict[str, Any]) -> None:
        layout.update(changes)
        for key in [key for key, value in changes.items() if value is None]:
            del layout[key]

    return change


FIELD = {"key": "more", "value": "x"}


@pytest.mark.parametrize(
    "fault",
    [
        (with_keys(serialNumber=None), ERROR, "serialNumber is missing"),
        (with_keys(description=""), ERROR, "description is missing"),
        (with_keys(organizationName=None), ERROR, "organizationName is missing"),
        (with_keys(formatVersion=2), ERROR, "formatVersion is not 1"),
        (with_keys(formatVersion="1"), ERROR, "formatVersion is not 1"),
        (with_keys(generic=None), ERROR, "posterGeneric is its only style"),
        (with_keys(generic=None, posterGeneric=None), ERROR, "It has no style"),
        (with_keys(storeCard={}), ERROR, "It has the styles generic and storeCard"),
        (with_keys(isShellPass=True), WARNING, 'Wallet knows no key "isShellPass"'),
        (with_keys(voided="false"), ERROR, "voided is not true or false"),
        (with_keys(maxDistance="100"), ERROR, "maxDistance is not a number"),
        (with_keys(maxDistance=True), ERROR, "maxDistance is not a number"),
        (with_keys(barcodes={}), ERROR, "barcodes is not an array"),
        (with_keys(backgroundColor="yellow"), ERROR, "backgroundColor is yellow, no colour"),
        (with_keys(labelColor="rgb(256,0,0)"), ERROR, "labelColor is rgb(256,0,0), no colour"),
        (with_keys(labelColor="#ffe615"), WARNING, "labelColor is #ffe615"),
        (with_keys(expirationDate="2026-12-31"), ERROR, "not a date with time and zone"),
        (with_keys(expirationDate="2026-12-31T23:59:59"), ERROR, "not a date with time and zone"),
        (with_keys(expirationDate="2026-13-31T23:59Z"), ERROR, "not a date with time and zone"),
        (with_keys(expirationDate="2025-12-31T23:59Z"), NOTE, "The pass itself expired"),
        (with_keys(relevantDates=[{"date": "soon"}]), ERROR, "relevantDates, date, is soon"),
        (with_keys(authenticationToken="short"), ERROR, "authenticationToken is too short"),
        (with_keys(authenticationToken=None), ERROR, "authenticationToken is missing beside"),
        (with_keys(webServiceURL=None), ERROR, "webServiceURL is missing beside the other"),
        (
            with_keys(webServiceURL=None, authenticationToken=None),
            NOTE,
            "It has no webServiceURL: it never updates",
        ),
        (with_keys(webServiceURL="http://kaart.example"), ERROR, "is not https"),
        (with_keys(webServiceURL="https://[kaart"), ERROR, "is no URL"),
        (with_keys(webServiceURL="http://localhost:8000/apple"), WARNING, "this machine only"),
        (with_keys(webServiceURL="https://kaart.example/v1"), ERROR, "ends with /v1"),
        (with_keys(webServiceURL="https://kaart.example/"), WARNING, "ends with a slash"),
        (with_keys(locations=[{}] * 11), ERROR, "locations has more than 10 entries"),
        (with_keys(featuredActions=[{}] * 3), ERROR, "featuredActions has more than 2 entries"),
        (with_keys(associatedStoreIdentifiers=["1"]), ERROR, "are not numbers"),
        (with_keys(appLaunchURL="app:"), ERROR, "needs associatedStoreIdentifiers"),
        (with_keys(nfc={"message": "é" * 33}), ERROR, "more than 64 bytes"),
        (with_keys(barcodes=None), NOTE, "It has no code"),
        (with_keys(barcodes=["x"]), ERROR, "barcodes is not an array of objects"),
        (
            lambda layout: layout.update(barcode=layout.pop("barcodes")[0]),
            WARNING,
            "the old key barcode only",
        ),
        (with_code(format="QR"), ERROR, "The code's format is QR"),
        (with_code(format="PKBarcodeFormatEAN13"), WARNING, "before iOS 27 show no code"),
        (with_code(message=""), ERROR, "The code has no message"),
        (with_code(message="€ 5"), ERROR, "characters that iso-8859-1 has not"),
        (with_code(messageEncoding="iso-8859-99"), ERROR, "encoding is iso-8859-99"),
        (with_code(messageEncoding=None), ERROR, "encoding is None"),
        (with_code(messageEncoding="zlib"), ERROR, "encoding is zlib"),
        (with_field("primaryFields", key=None), ERROR, "a field without key: the key is missing"),
        (with_field("primaryFields", value=None), ERROR, "holder: the value is missing"),
        (with_field("primaryFields", label=5), ERROR, "holder: label is not text"),
        (with_field("primaryFields", colour="x"), WARNING, 'Wallet knows no "colour"'),
        (with_field("primaryFields", key="year"), ERROR, 'more than one field with the key "year"'),
        (with_field("headerFields", changeMessage="New"), WARNING, "changeMessage has no %@"),
        (with_field("headerFields", textAlignment="left"), ERROR, "textAlignment is left"),
        (
            with_field("primaryFields", textAlignment="PKTextAlignmentLeft"),
            WARNING,
            "textAlignment has no effect",
        ),
        (
            with_field("headerFields", dateStyle="PKDateStyleFull"),
            ERROR,
            "value 2026 is not a date",
        ),
        (with_field("headerFields", dataDetectorTypes=[]), WARNING, "work on the back only"),
        (with_field("headerFields", row=1), WARNING, "works in auxiliaryFields only"),
        (
            with_field("headerFields", numberStyle="PKNumberStyleDecimal", currencyCode="EUR"),
            WARNING,
            "numberStyle and currencyCode",
        ),
        (
            lambda layout: layout["generic"].update(
                headerFields=[{"key": str(number), "value": "x"} for number in range(4)]
            ),
            ERROR,
            "generic.headerFields has 4 fields, of which 3 are shown",
        ),
        (
            lambda layout: layout["posterGeneric"]["headerFields"].append(FIELD),
            ERROR,
            "posterGeneric.headerFields has 2 fields, of which 1 are shown",
        ),
        (
            lambda layout: layout["generic"].update(
                auxiliaryFields=[{"key": str(number), "value": "x"} for number in range(3)]
            ),
            ERROR,
            "generic has 5 secondary and auxiliary fields",
        ),
        (
            lambda layout: layout["generic"].update(sideFields=[]),
            WARNING,
            'generic knows no "sideFields"',
        ),
        (
            lambda layout: layout["generic"].update(auxiliaryFields=["x"]),
            ERROR,
            "generic.auxiliaryFields is not an array of objects",
        ),
    ],
)
def test_a_fault_in_pass_json_is_found(
    findings: Findings,
    files: Files,
    sealed: Sealed,
    fault: tuple[Callable[[dict[str, Any]], None], Severity, str],
) -> None:
    change, severity, what = fault
    layout = json.loads(files["pass.json"])
    change(layout)

    findings = findings(sealed({"pass.json": json.dumps(layout).encode()}))

    assert [(one.severity, one.where) for one in findings][:1] == [(severity, "pass.json")]
    assert what in findings[0].what
    # A value of the wrong kind may be worth a second sentence, never a third.
    assert len(findings) <= 2


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"{", "It is not JSON in UTF-8"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        ("{}".encode("utf-16"), "It is not JSON in UTF-8"),
        (b"[" * 50_000, "It is not JSON in UTF-8"),
        (b"[]", "It is not a JSON object"),
    ],
)
def test_a_pass_json_that_is_no_json_is_one_error(
    only: Only, sealed: Sealed, raw: bytes, what: str
) -> None:
    assert what in only(sealed({"pass.json": raw})).what


def test_a_key_that_is_there_twice_is_found(
    findings: Findings, files: Files, sealed: Sealed
) -> None:
    raw = (
        files["pass.json"]
        .replace(b"{", b'{"voided":true,', 1)
        .replace(b"{", b'{"voided":false,', 1)
    )

    assert 'The key "voided" is there twice' in findings(sealed({"pass.json": raw}))[0].what


def test_a_missing_pass_json_is_found(findings: Findings, zipped: Zipped) -> None:
    whats = [finding.what for finding in findings(zipped({"pass.json": None}))]

    assert "There is no pass.json." in whats
