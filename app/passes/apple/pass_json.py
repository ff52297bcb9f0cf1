"""What stands where on an Apple pass: pass.json and the translations beside it. Pure.

Knows Apple's keys, and both layouts that travel side by side: the classic `generic`, and
`posterGeneric`, which only iOS 27 and later can show. Hides that a pass.json is not built for
every holder: the layout of each standing is JSON already, cut where the facts of one card go.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring

from app.cards.card_year import BRUSSELS
from app.cards.entitlement import CardStatus
from app.passes.content import LABELS, LANGUAGES, STATUS_LABELS, PassContent, Standing

# Text, fact, text, fact, … text.
Mould = Sequence[str]

_YELLOW, _INK = "rgb(255,230,21)", "rgb(51,51,50)"
# Where the fact of one card goes; a private-use character, so in no text of ours.
_HOLE = re.compile('"\ue000([a-z_]+)\ue000"')


def mould(
    standing: Standing,
    *,
    issuer: Mapping[str, object],
    public_url: str,
    web_service_url: str | None,
) -> Mould:
    """Return the pass.json of every card in this state, open where one card's facts go.

    `issuer` holds passTypeIdentifier, teamIdentifier and organizationName.
    """
    layout = {"formatVersion": 1, **issuer, **_layout(standing, public_url)}
    if web_service_url is not None:
        layout |= {
            "webServiceURL": web_service_url,
            "authenticationToken": _hole("authentication_token"),
        }
    return _HOLE.split(json.dumps(layout, ensure_ascii=False, separators=(",", ":")))


def fill(mould: Mould, content: PassContent, authentication_token: str) -> bytes:
    """Return the finished pass.json, UTF-8, with the facts of one card."""
    facts = {
        "serial": content.serial,
        "authentication_token": authentication_token,
        "holder": content.holder_name,
        "card_number": content.card_number,
        "year": str(content.year),
        "valid_until": _belgian(content.valid_until),
        "code": content.code,
    }
    parts = list(mould)
    parts[1::2] = [encode_basestring(facts[fact]) for fact in mould[1::2]]
    # Half a surrogate pair, which JSON can carry into a name, is no text and becomes "?".
    return "".join(parts).encode("utf-8", "replace")


def strings(language: str) -> bytes:
    """Return the `pass.strings` of a language: every Dutch text of the pass with its translation.

    In UTF-8, which all readers find, unlike little-endian UTF-16.
    """
    texts = (*LABELS.values(), *STATUS_LABELS.values())
    lines = {f'"{_escaped(text[LANGUAGES[0]])}" = "{_escaped(text[language])}";' for text in texts}
    return "".join(f"{line}\n" for line in sorted(lines)).encode()


def _layout(standing: Standing, public_url: str) -> dict[str, object]:
    layout: dict[str, object] = {
        "serialNumber": _hole("serial"),
        "description": _text("title"),
        "logoText": _text("title"),
        "backgroundColor": _YELLOW,
        "foregroundColor": _INK,
        "labelColor": _INK,
        "sharingProhibited": True,
        "expirationDate": _hole("valid_until"),
        **_styles(_back(standing, public_url)),
    }
    if standing in {CardStatus.ACTIVE, "grace"}:
        return layout | {"barcodes": [_barcode()]}
    # A card that may not be used shows no code. Resumed, it gets one with the next update.
    return layout | {"voided": True}


def _styles(back: list[dict[str, object]]) -> dict[str, object]:
    year = _field("year", changeMessage=_text("year_changed"))
    # The moment is the last second of a Belgian day; a phone elsewhere must not show the next.
    valid_until = _field(
        "valid_until",
        dateStyle="PKDateStyleLong",
        timeStyle="PKDateStyleNone",
        ignoresTimeZone=True,
    )
    # As the first primary field of a poster it is drawn as the title if it has no label.
    title = {"key": "holder", "value": _hole("holder")}
    return {
        "generic": {
            "headerFields": [year],
            "primaryFields": [_field("holder")],
            "secondaryFields": [_field("card_number"), valid_until],
            "backFields": back,
        },
        "posterGeneric": {
            "headerFields": [year],
            "primaryFields": [title, _field("card_number"), valid_until],
            "footerFields": [{"key": "show_with_id", "value": _text("show_with_id")}],
            "backFields": back,
        },
    }


def _back(standing: Standing, public_url: str) -> list[dict[str, object]]:
    # The status is not on the face: a word such as "in use" there would pass for proof.
    state = _field(
        "status",
        STATUS_LABELS[standing][LANGUAGES[0]],
        changeMessage=_text("status_changed"),
        dataDetectorTypes=[],
    )
    texts = [
        _field(name, _text(f"{name}_text"), dataDetectorTypes=[])
        for name in ("about", "checking", "lost", "privacy")
    ]
    return [state, *texts, _field("web_card", f"{public_url}/card/live")]


def _barcode() -> dict[str, str]:
    return {
        "format": "PKBarcodeFormatQR",
        "message": _hole("code"),
        "messageEncoding": "iso-8859-1",
        "altText": _hole("card_number"),
    }


def _field(key: str, value: str | None = None, **more: object) -> dict[str, object]:
    """Return a labelled field; without a value it shows the fact of the same name."""
    return {"key": key, "label": _text(key), "value": value or _hole(key), **more}


# Nearly all cards end at the same moment.
@lru_cache
def _belgian(moment: datetime) -> str:
    """Return the moment with its offset: Wallet takes no date without a zone."""
    return moment.astimezone(BRUSSELS).isoformat(timespec="seconds")


def _text(name: str) -> str:
    """Dutch, and so the key under which a phone looks the translations up."""
    return LABELS[name][LANGUAGES[0]]


def _hole(fact: str) -> str:
    return f"\ue000{fact}\ue000"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
