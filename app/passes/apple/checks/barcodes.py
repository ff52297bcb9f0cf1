"""The codes of a pass: their formats, and whether a phone can draw what they say.

A code with a character outside its encoding is left out, and nobody but the holder notices.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.passes.apple.checks.findings import Finding, error, note, warning
from app.passes.apple.checks.keys import WHERE
from app.passes.apple.checks.vocabulary import BARCODE_FORMATS, NEW_BARCODE_FORMATS


def check(pass_json: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with `barcodes` and the older `barcode`."""
    codes = pass_json.get("barcodes")
    if "barcode" in pass_json and codes is None:
        yield warning(
            WHERE,
            "It has the old key barcode only, which was replaced in iOS 9.",
            "Write the same into the array barcodes.",
        )
        codes = [pass_json["barcode"]]
    if codes is None:
        if not pass_json.get("voided"):
            yield note(WHERE, "It has no code.", "Add barcodes if it should be scanned.")
        return
    if not isinstance(codes, list) or not all(isinstance(code, dict) for code in codes):
        yield error(WHERE, "barcodes is not an array of objects.", "Put the codes in [ ].")
        return
    for code in codes:
        yield from _faults_of_code(code)
    if codes and all(code.get("format") in NEW_BARCODE_FORMATS for code in codes):
        yield warning(WHERE, "Phones before iOS 27 show no code.", "Add a code in an older format.")


def _faults_of_code(code: Mapping[str, Any]) -> Iterator[Finding]:
    form, message, encoding = (code.get(key) for key in ("format", "message", "messageEncoding"))
    if form not in BARCODE_FORMATS and form not in NEW_BARCODE_FORMATS:
        yield error(
            WHERE, f"The code's format is {form}.", f"Use one of {', '.join(BARCODE_FORMATS)}."
        )
    if not isinstance(message, str) or not message:
        yield error(WHERE, "The code has no message.", "Add what a scanner should read.")
        return
    try:
        message.encode(str(encoding))
    except UnicodeError:
        yield error(
            WHERE,
            f"The code's message has characters that {encoding} has not: no code is drawn.",
            "Use ASCII in the message.",
        )
    except (LookupError, ValueError):
        yield error(WHERE, f"The code's encoding is {encoding}.", "Use iso-8859-1.")
