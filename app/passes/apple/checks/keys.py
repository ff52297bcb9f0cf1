"""pass.json at its top level: required keys, their kinds, colours, dates, the web service.

Knows what follows from Apple's rules for one key or between two. Wallet is silent about all
of it: it drops what it does not understand, or refuses the whole pass without a reason.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.passes.apple.checks.findings import Finding, error, note, warning
from app.passes.apple.checks.vocabulary import (
    CLASSIC_STYLES,
    COLOURS,
    KINDS,
    POSTER_STYLE,
    REQUIRED,
)

WHERE = "pass.json"
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")
_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_SHORTEST_TOKEN = 16
_MOST_LOCATIONS, _MOST_BEACONS, _MOST_ACTIONS = 10, 10, 2
_LONGEST_NFC_BYTES = 64

PassJson = Mapping[str, Any]


def parse(raw: bytes) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the object in pass.json, if there is one, and what is wrong with the JSON."""
    twice: list[str] = []

    def take(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in pairs)
        twice.extend(name for name, count in counts.items() if count > 1)
        return dict(pairs)

    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=take, parse_constant=_refuse)
    except (ValueError, RecursionError) as fault:
        what = f"It is not JSON in UTF-8 ({fault})."
        return None, [error(WHERE, what, "Write it with a JSON library, without comments.")]
    if not isinstance(found, dict):
        return None, [error(WHERE, "It is not a JSON object.", "Put the keys into { }.")]
    return found, [
        error(WHERE, f'The key "{name}" is there twice; one is lost.', "Keep one of them.")
        for name in twice
    ]


def check(pass_json: PassJson, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the keys beside the styles and the barcodes."""
    yield from _faults_of_presence(pass_json)
    yield from _faults_of_styles(pass_json)
    for key, value in pass_json.items():
        yield from _faults_of_kind(key, value)
    sound = {key: value for key, value in pass_json.items() if _is_of_its_kind(key, value)}
    yield from _faults_of_colours(sound)
    yield from _faults_of_dates(sound, now)
    yield from _faults_of_web_service(sound)
    yield from _faults_of_limits(sound)


def is_moment(text: str) -> bool:
    """Tell whether this is a date as Wallet reads it: with a time and with a zone."""
    return moment(text) is not None


def moment(text: str) -> datetime | None:
    """Return the moment that a date of pass.json means, if it means one."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _faults_of_presence(pass_json: PassJson) -> Iterator[Finding]:
    for key in REQUIRED:
        if pass_json.get(key) in (None, ""):
            yield error(WHERE, f"{key} is missing.", f"Add {key}; every pass needs it.")
    if pass_json.get("formatVersion", 1) != 1:
        yield error(WHERE, "formatVersion is not 1.", "Set it to the number 1.")


def _faults_of_styles(pass_json: PassJson) -> Iterator[Finding]:
    classic = [style for style in CLASSIC_STYLES if style in pass_json]
    if len(classic) > 1:
        yield error(WHERE, f"It has the styles {' and '.join(classic)}.", "Keep one of them.")
    if not classic and POSTER_STYLE in pass_json:
        yield error(
            WHERE,
            f"{POSTER_STYLE} is its only style: iOS before 27 cannot install it.",
            "Add the same as generic beside it.",
        )
    elif not classic:
        yield error(WHERE, "It has no style.", f"Add one of {', '.join(CLASSIC_STYLES)}.")


def _is_of_its_kind(key: str, value: object) -> bool:
    kind, _ = KINDS.get(key, (object, ""))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _faults_of_kind(key: str, value: object) -> Iterator[Finding]:
    if key not in KINDS:
        yield warning(WHERE, f'Wallet knows no key "{key}".', "Correct its spelling, or drop it.")
    elif not _is_of_its_kind(key, value):
        yield error(WHERE, f"{key} is not {KINDS[key][1]}.", "Wallet drops it silently: mend it.")


def _faults_of_colours(pass_json: PassJson) -> Iterator[Finding]:
    for key in COLOURS:
        colour = pass_json.get(key)
        if colour is None:
            continue
        parts = _RGB.fullmatch(colour)
        if parts and all(int(part) <= 255 for part in parts.groups()):  # noqa: PLR2004 - a byte
            continue
        if _HEX.fullmatch(colour):
            yield warning(WHERE, f"{key} is {colour}.", "Apple documents rgb(r,g,b) only.")
        else:
            yield error(WHERE, f"{key} is {colour}, no colour.", "Write rgb(255,230,21).")


def _faults_of_dates(pass_json: PassJson, now: datetime) -> Iterator[Finding]:
    dates = [("expirationDate", pass_json.get("expirationDate"))]
    dates.append(("relevantDate", pass_json.get("relevantDate")))
    for entry in pass_json.get("relevantDates", ()):
        if isinstance(entry, dict):
            dates += [(f"relevantDates, {key},", value) for key, value in entry.items()]
    for key, value in dates:
        if value is not None and not (isinstance(value, str) and is_moment(value)):
            yield error(
                WHERE,
                f"{key} is {value}, not a date with time and zone.",
                "Write it as 2026-12-31T23:59:59+01:00.",
            )
    ends = moment(pass_json.get("expirationDate", ""))
    if ends is not None and ends < now:
        yield note(WHERE, f"The pass itself expired at {ends.isoformat()}.")
    if pass_json.get("voided"):
        yield note(WHERE, "The pass is voided: Wallet shows it as no longer valid.")


def _faults_of_web_service(pass_json: PassJson) -> Iterator[Finding]:
    url, token = pass_json.get("webServiceURL"), pass_json.get("authenticationToken")
    if url is None and token is None:
        yield note(WHERE, "It has no webServiceURL: it never updates.", "Fine for a fixed pass.")
        return
    if url is None or token is None:
        absent = "webServiceURL" if url is None else "authenticationToken"
        yield error(WHERE, f"{absent} is missing beside the other.", "They only work together.")
    if token is not None and len(token) < _SHORTEST_TOKEN:
        yield error(WHERE, "authenticationToken is too short.", "Give it 16 characters or more.")
    if url is not None:
        yield from _faults_of_url(url)


def _faults_of_url(url: str) -> Iterator[Finding]:
    try:
        parts = urlsplit(url)
    except ValueError:
        yield error(WHERE, f"webServiceURL {url} is no URL.", "Write https://host/path.")
        return
    if parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}:
        yield warning(WHERE, f"webServiceURL {url} is for this machine only.", "Use https.")
    elif parts.scheme != "https" or not parts.hostname:
        yield error(WHERE, f"webServiceURL {url} is not https.", "Phones ignore it: use https.")
    if parts.path.rstrip("/").endswith("/v1"):
        yield error(WHERE, f"webServiceURL {url} ends with /v1.", "Phones append it: drop it.")
    elif parts.path.endswith("/"):
        yield warning(WHERE, f"webServiceURL {url} ends with a slash.", "Phones add one: drop it.")


def _faults_of_limits(pass_json: PassJson) -> Iterator[Finding]:
    for key, most in (
        ("locations", _MOST_LOCATIONS),
        ("beacons", _MOST_BEACONS),
        ("featuredActions", _MOST_ACTIONS),
    ):
        if len(pass_json.get(key, ())) > most:
            yield error(WHERE, f"{key} has more than {most} entries.", "The rest is dropped.")
    identifiers = pass_json.get("associatedStoreIdentifiers", ())
    if not all(isinstance(one, int) for one in identifiers):
        yield error(WHERE, "associatedStoreIdentifiers are not numbers.", "Write them bare.")
    if "appLaunchURL" in pass_json and not identifiers:
        yield error(
            WHERE, "appLaunchURL needs associatedStoreIdentifiers.", "Add the app's store number."
        )
    message = pass_json.get("nfc", {}).get("message", "")
    if isinstance(message, str) and len(message.encode(errors="replace")) > _LONGEST_NFC_BYTES:
        yield error(WHERE, "The nfc message has more than 64 bytes.", "It is cut off: shorten it.")
