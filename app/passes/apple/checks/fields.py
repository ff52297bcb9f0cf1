"""The fields of each style: groups, counts, keys, dates, and what Wallet drops of them.

Knows how many fields are visible where. A field too many, a key used twice or a date that is
none disappears from the pass without a word.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from app.passes.apple.checks.findings import Finding, error, warning
from app.passes.apple.checks.keys import WHERE, is_moment
from app.passes.apple.checks.vocabulary import (
    FIELD_GROUPS,
    FIELD_KEYS,
    FIELD_VALUES,
    POSTER_STYLE,
    STYLE_KEYS,
    STYLES,
)

# How many fields of a group Wallet shows; the rest is dropped.
_MOST_CLASSIC = {"headerFields": 3}
_MOST_POSTER = {"headerFields": 1, "primaryFields": 4, "footerFields": 1}
_MOST_PRIMARY = {"generic": 1, "coupon": 1, "storeCard": 1, "eventTicket": 1, "boardingPass": 2}
# Secondary and auxiliary fields together, on a pass with a square code.
_MOST_BELOW = 4

Field = Mapping[str, Any]


def check(pass_json: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the fields of every style in pass.json."""
    square = bool(pass_json.get("barcodes"))
    for style in STYLES:
        layout = pass_json.get(style)
        if isinstance(layout, dict):
            yield from _faults_of_layout(style, layout, square=square)


def _groups(layout: Mapping[str, Any]) -> dict[str, list[Field]]:
    """Return the well-formed fields of a style by group."""
    return {
        group: [field for field in layout[group] if isinstance(field, dict)]
        for group in FIELD_GROUPS
        if isinstance(layout.get(group), list)
    }


def _faults_of_layout(style: str, layout: Mapping[str, Any], *, square: bool) -> Iterator[Finding]:
    for name in layout.keys() - {*FIELD_GROUPS, *STYLE_KEYS}:
        yield warning(WHERE, f'{style} knows no "{name}".', "Correct its spelling, or drop it.")
    found = _groups(layout)
    for name in FIELD_GROUPS:
        entries = layout.get(name, [])
        if not isinstance(entries, list) or len(entries) != len(found.get(name, [])):
            yield error(WHERE, f"{style}.{name} is not an array of objects.", "Put fields in [ ].")
    yield from _faults_of_counts(style, found, square=square)
    keys = Counter(str(field.get("key")) for fields in found.values() for field in fields)
    for key in (key for key, count in keys.items() if count > 1):
        yield error(
            WHERE,
            f'{style} has more than one field with the key "{key}": only one is shown.',
            "Give every field a key of its own.",
        )
    for group, fields in found.items():
        for field in fields:
            place = f"{style}.{group}, {field.get('key', 'a field without key')}"
            yield from _faults_of_field(place, group, field)


def _faults_of_counts(
    style: str, found: Mapping[str, list[Field]], *, square: bool
) -> Iterator[Finding]:
    poster = style == POSTER_STYLE
    limits = _MOST_POSTER if poster else _MOST_CLASSIC | {"primaryFields": _MOST_PRIMARY[style]}
    for group, most in limits.items():
        count = len(found.get(group, []))
        if count > most:
            yield error(
                WHERE,
                f"{style}.{group} has {count} fields, of which {most} are shown.",
                "Move the others to the back.",
            )
    below = len(found.get("secondaryFields", [])) + len(found.get("auxiliaryFields", []))
    if square and style in {"generic", "storeCard", "coupon"} and below > _MOST_BELOW:
        yield error(
            WHERE,
            f"{style} has {below} secondary and auxiliary fields; with a square code only "
            f"{_MOST_BELOW} are shown.",
            "Move the others to the back.",
        )


def _faults_of_field(place: str, group: str, field: Field) -> Iterator[Finding]:
    if not isinstance(field.get("key"), str) or not field["key"]:
        yield error(WHERE, f"{place}: the key is missing.", "Give every field a key.")
    if not isinstance(field.get("value"), str | int | float):
        yield error(WHERE, f"{place}: the value is missing.", "Give it text, a number or a date.")
    for name in field.keys() - {*FIELD_KEYS}:
        yield warning(WHERE, f'{place}: Wallet knows no "{name}".', "Correct its spelling.")
    for name, allowed in FIELD_VALUES.items():
        if name in field and field[name] not in allowed:
            yield error(WHERE, f"{place}: {name} is {field[name]}.", f"Use {', '.join(allowed)}.")
    yield from _faults_of_formats(place, field)
    yield from _faults_of_place(place, group, field)


def _faults_of_formats(place: str, field: Field) -> Iterator[Finding]:
    for name in ("label", "changeMessage"):
        if name in field and not isinstance(field[name], str):
            yield error(WHERE, f"{place}: {name} is not text.", "Write it as text.")
    if "%@" not in str(field.get("changeMessage", "%@")):
        yield warning(
            WHERE,
            f"{place}: changeMessage has no %@, so the phone shows a general notice only.",
            "Put %@ where the new value goes.",
        )
    dated = field.keys() & {"dateStyle", "timeStyle", "isRelative", "ignoresTimeZone"}
    if dated and not (isinstance(field.get("value"), str) and is_moment(field["value"])):
        yield error(
            WHERE,
            f"{place}: the value {field.get('value')} is not a date with time and zone.",
            "Write it as 2026-12-31T23:59:59+01:00, or leave the date style out.",
        )
    if {"numberStyle", "currencyCode"} <= field.keys():
        yield warning(WHERE, f"{place}: has numberStyle and currencyCode.", "Keep one of them.")


def _faults_of_place(place: str, group: str, field: Field) -> Iterator[Finding]:
    if "textAlignment" in field and group in {"primaryFields", "backFields"}:
        yield warning(WHERE, f"{place}: textAlignment has no effect here.", "Drop it.")
    if "dataDetectorTypes" in field and group != "backFields":
        yield warning(WHERE, f"{place}: dataDetectorTypes work on the back only.", "Drop it.")
    if "row" in field and group != "auxiliaryFields":
        yield warning(WHERE, f"{place}: row works in auxiliaryFields only.", "Drop it.")
