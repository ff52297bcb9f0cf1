"""What Google's own description of the Wallet API allows, as JSON Schema (draft 7).

Knows the discovery document that google-api-python-client carries and turns it, at run
time, into validators; adds what the document says only in prose: required fields, the
grammar of ids, dates and keys. Our own builders never see this file.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
from jsonschema import Draft7Validator

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache/documents/walletobjects.v1.json"
INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}
DATE = r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$"
ID = r"^\d+\.[A-Za-z0-9._-]+$"
# Said in the descriptions only.
REQUIRED = {
    "GenericClass": ["id"],
    "GenericObject": ["id", "classId", "cardTitle", "header"],
    "LocalizedString": ["defaultValue"],
    "TranslatedString": ["language", "value"],
    "AddMessageRequest": ["message"],
    "RotatingBarcode": ["type", "valuePattern", "totpDetails"],
    "RotatingBarcodeTotpDetails": ["algorithm", "periodMillis", "parameters"],
    "RotatingBarcodeTotpDetailsTotpParameters": ["key", "valueLength"],
}
PATTERNS = {
    ("GenericClass", "id"): ID,
    ("GenericObject", "id"): ID,
    ("GenericObject", "classId"): ID,
    ("GenericObject", "hexBackgroundColor"): r"^#[0-9A-Fa-f]{6}$",
    ("TextModuleData", "id"): r"^[A-Za-z0-9_-]+$",
    ("DateTime", "date"): DATE,
    ("RotatingBarcodeTotpDetailsTotpParameters", "key"): r"^([0-9A-Fa-f]{2}){16,}$",
}


@cache
def validator(name: str) -> Draft7Validator:
    """The validator of one schema of the document, `GenericObject` for example."""
    schemas = json.loads(DOCUMENT.read_text())["schemas"]
    definitions = {key: _definition(key, schema) for key, schema in schemas.items()}
    return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


def first_fault(name: str, body: Any) -> tuple[str, str] | None:
    """The path and the description of the first fault in a body, None when it is accepted."""
    faults = sorted(validator(name).iter_errors(body), key=lambda fault: list(map(str, fault.path)))
    if not faults:
        return None
    return ".".join(str(step) for step in faults[0].absolute_path), faults[0].message


def _definition(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    converted = _converted(schema)
    for field, prop in converted.get("properties", {}).items():
        if pattern := PATTERNS.get((name, field)):
            prop["pattern"] = pattern
    return converted | {"required": REQUIRED.get(name, [])}


def _converted(schema: dict[str, Any]) -> dict[str, Any]:
    """One schema of the discovery format: strict about fields, numbers and present-day enums."""
    if "$ref" in schema:
        return {"$ref": f"#/definitions/{schema['$ref']}"}
    kind = schema.get("type")
    if kind == "object":
        properties = {key: _converted(prop) for key, prop in schema.get("properties", {}).items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if kind == "array":
        return {"type": "array", "items": _converted(schema["items"])}
    return _scalar(schema)


def _scalar(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"enum": _present_day(schema)}
    form = schema.get("format", "")
    if form in {"int64", "uint64"}:
        return {"type": "string", "pattern": r"^-?\d{1,19}$"}
    if form in INTEGERS:
        low, high = INTEGERS[form]
        return {"type": "integer", "minimum": low, "maximum": high}
    return {"type": schema["type"]}


def _present_day(schema: dict[str, Any]) -> list[str]:
    names = schema["enum"]
    deprecated = schema.get("enumDeprecated", [False] * len(names))
    return [
        name
        for name, old in zip(names, deprecated, strict=True)
        if not old and not name.endswith("_UNSPECIFIED")
    ]
