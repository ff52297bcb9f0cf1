"""What Google Wallet is told about a card: GenericClass and GenericObject as JSON. Pure.

Knows Google's field names, its spelling of languages, states and numbers, and what may
never be sent: no static barcode beside the rotating one, no code while the card may not be
used, no name once it is over. Fields and formats are those of the discovery document of
the Google Wallet API v1; the rotating barcode is the tail of docs/card-token.md section 3.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from app.cards.card_year import BRUSSELS
from app.cards.entitlement import CardStatus
from app.passes.content import LABELS, LANGUAGES, STATUS_LABELS, PassContent

JsonObject: TypeAlias = dict[str, Any]

BACKGROUND = "#ffe615"
STATES = {
    CardStatus.ACTIVE: "ACTIVE",
    CardStatus.SUSPENDED: "INACTIVE",
    CardStatus.REVOKED: "INACTIVE",
    CardStatus.ENDED: "EXPIRED",
}
# States in which nobody's name is kept (lifecycle erases it with the card).
OVER = frozenset({CardStatus.REVOKED, CardStatus.ENDED})
# What the builders may leave out, or somebody may once have added by hand.
OPTIONAL_OF_OBJECT = ("rotatingBarcode", "barcode", "logo")
OPTIONAL_OF_CLASS = ("callbackOptions",)
# The enumerations among our fields.
ENUMS = frozenset(
    {
        "state",
        "type",
        "genericType",
        "multipleDevicesAndHoldersAllowedStatus",
        "animationType",
        "messageType",
    }
)
# Issuer id, full stop, then what Google allows in a suffix (resource field `id`).
RESOURCE_ID = re.compile(r"\d+\.[A-Za-z0-9._-]+")

# What the pass says about itself, whoever holds it; at most ten are shown with the object's.
ABOUT = ("about", "checking", "lost", "privacy")


def resource_id(issuer_id: str, suffix: str) -> str:
    """`issuer.suffix`, the name of a class or an object; Google never forgets one.

    Raises ValueError for characters that Google refuses.
    """
    name = f"{issuer_id}.{suffix}"
    if not RESOURCE_ID.fullmatch(name):
        raise ValueError("An issuer id is digits; a suffix is letters, digits, '.', '_' and '-'.")
    return name


def generic_class(
    issuer_id: str, class_suffix: str, *, public_url: str, callback_url: str | None
) -> JsonObject:
    """The one class of all our objects: who may hold a pass, and what is the same on every pass.

    The first Google account that saves a pass owns it, so a forwarded save link opens nothing.
    `public_url` is the site of the card; `callback_url` (https) hears of every save and removal.
    """
    design: JsonObject = {
        "id": resource_id(issuer_id, class_suffix),
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
        "viewUnlockRequirement": "UNLOCK_NOT_REQUIRED",
        # Moves with the phone: a picture of the screen stands still.
        "securityAnimation": {"animationType": "FOIL_SHIMMER"},
        "classTemplateInfo": {
            "cardTemplateOverride": {
                "cardRowTemplateInfos": [
                    {"twoItems": {"startItem": _item("card_number"), "endItem": _item("year")}}
                ]
            }
        },
        "textModulesData": [
            _module(name) | {"localizedBody": localized(LABELS[f"{name}_text"])} for name in ABOUT
        ],
        "linksModuleData": {"uris": [_link("web_card", f"{public_url}/card/live")]},
    }
    if callback_url:
        design["callbackOptions"] = {"url": callback_url}
    return design


def generic_object(
    content: PassContent,
    *,
    issuer_id: str,
    class_id: str,
    totp_key: bytes,
    logo_url: str | None = None,
) -> JsonObject:
    """The pass itself, complete; `merge_patch` turns it into the change of an older one.

    `totp_key` is the 20-byte key of this pass and generation; it leaves only inside the object,
    towards Google, never in a save link. `logo_url` is a public https PNG without redirect.
    A card that may not be used shows no code; one that is over no name either, only its number.
    """
    over = content.status in OVER
    status = STATUS_LABELS[content.standing]
    pass_object: JsonObject = {
        "id": resource_id(issuer_id, content.serial),
        "classId": class_id,
        "genericType": "GENERIC_OTHER",
        "state": STATES[content.status],
        "cardTitle": localized(LABELS["title"]),
        "subheader": localized(LABELS["status" if over else "holder"]),
        "header": localized(status if over else {"nl": content.holder_name}),
        "hexBackgroundColor": BACKGROUND,
        "textModulesData": [
            _module("card_number") | {"body": content.card_number},
            _module("year") | {"body": str(content.year)},
            _module("status") | {"localizedBody": localized(status)},
        ],
        "validTimeInterval": {
            "start": _date(content.valid_from),
            "end": _date(content.valid_until),
        },
        "notifications": {"expiryNotification": {"enableNotification": not over}},
        # A till's reader must not charge a payment card while the pass is being shown.
        "passConstraints": {
            "screenshotEligibility": "INELIGIBLE",
            "nfcConstraint": ["BLOCK_PAYMENT"],
        },
    }
    if logo_url:
        pass_object["logo"] = {
            "sourceUri": {"uri": logo_url},
            "contentDescription": localized(LABELS["title"]),
        }
    if content.status is CardStatus.ACTIVE:
        pass_object["rotatingBarcode"] = _rotating_barcode(content, totp_key)
    return pass_object


def merge_patch(resource: JsonObject) -> JsonObject:
    """The PATCH body that brings Google's copy to this state, whatever it held before.

    A field that is not sent stays as it was, so what must be gone is sent as null. Messages stay:
    they begin with the object and grow by `addMessage`.
    """
    optional = OPTIONAL_OF_OBJECT if "classId" in resource else OPTIONAL_OF_CLASS
    changed = {field: value for field, value in resource.items() if field != "messages"}
    return dict.fromkeys(optional) | changed


def folded(resource: Any) -> Any:  # noqa: ANN401 - any JSON value, at any depth
    """A resource as Google returns it, with `active` and `qrCode` written ACTIVE and QR_CODE.

    Real answers still use the deprecated lower-camel names (discovery document, enumDeprecated).
    """
    if isinstance(resource, list):
        return [folded(item) for item in resource]
    if not isinstance(resource, dict):
        return resource
    return {
        field: _screaming(value) if field in ENUMS and isinstance(value, str) else folded(value)
        for field, value in resource.items()
    }


def _screaming(name: str) -> str:
    if name.isupper():
        return name
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", name.replace("qrcode", "qrCode")).upper()


def _rotating_barcode(content: PassContent, totp_key: bytes) -> JsonObject:
    return {
        "type": "QR_CODE",
        "renderEncoding": "UTF_8",
        "valuePattern": content.code + "/{totp_timestamp_seconds}/{totp_value_0}",
        "alternateText": content.card_number,
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            # An int64 travels as a string, an int32 as a number.
            "periodMillis": "30000",
            "parameters": [{"key": totp_key.hex(), "valueLength": 8}],
        },
    }


def localized(texts: Mapping[str, str]) -> JsonObject:
    """A LocalizedString: Dutch as the default, the other languages as translations."""
    return {
        "defaultValue": {"language": "nl-BE", "value": texts["nl"]},
        "translatedValues": [
            {"language": language, "value": texts[language]}
            for language in LANGUAGES[1:]
            if language in texts
        ],
    }


def _date(moment: datetime) -> JsonObject:
    return {"date": moment.astimezone(BRUSSELS).isoformat(timespec="seconds")}


def _module(name: str) -> JsonObject:
    """The heading of a text module, which `_item` and the patches know by this id."""
    return {"id": name, "localizedHeader": localized(LABELS[name])}


def _item(module: str) -> JsonObject:
    path = {"fieldPath": f"object.textModulesData['{module}']"}
    return {"firstValue": {"fields": [path]}}


def _link(name: str, uri: str) -> JsonObject:
    return {"id": name, "uri": uri, "localizedDescription": localized(LABELS[name])}
