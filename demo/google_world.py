"""What the simulated Google knows and decides: accounts, classes, objects, who saved what.

Knows the rules of the REST API and of the save link, without HTTP. The rules that Google
writes down only in prose or in answers to support questions are named beside their check.
"""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from json import loads
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from demo.google_schema import ID, first_fault

Kind = Literal["genericClass", "genericObject"]
Json: TypeAlias = dict[str, Any]

SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# What Google's own libraries write as the audience, whatever the key file says.
TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SKEW_S = 60
ASSERTION_S = 3600
SAVE_JWT_LIMIT = 1800
MESSAGES = 10
NOTICES_A_DAY = 3
LEGACY = {
    "ACTIVE": "active",
    "INACTIVE": "inactive",
    "EXPIRED": "expired",
    "COMPLETED": "completed",
    "QR_CODE": "qrCode",
    "ONE_USER_ALL_DEVICES": "oneUserAllDevices",
    "FOIL_SHIMMER": "foilShimmer",
    "TEXT": "text",
}


class Refusal(Exception):
    """An error of the REST API: status, Google's reason, the field it is about."""

    def __init__(self, code: int, reason: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.field = field


class World:
    """The memory of the simulator; one event loop uses it, so nothing needs a lock."""

    def __init__(
        self,
        members: Sequence[Path],
        strangers: Sequence[Path],
        *,
        issuer_id: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.issuer_id = issuer_id
        self.clock = clock
        self.accounts = {account["private_key_id"]: account for account in _read(members)}
        self.members = {account["client_email"] for account in self.accounts.values()}
        self.accounts |= {account["private_key_id"]: account for account in _read(strangers)}
        self.tokens: dict[str, tuple[str, datetime]] = {}
        self.classes: dict[str, Json] = {}
        self.objects: dict[str, Json] = {}
        self.users: dict[str, str] = {}
        self.notices: dict[str, list[datetime]] = {}
        self.grants = 0
        # How often each object became another one than it was.
        self.changes: Counter[str] = Counter()
        self.legacy_enums = False

    # The token endpoint.

    def grant(self, grant_type: str, assertion: str, *, lifetime_s: int) -> str:
        """An access token for a good assertion; raises ValueError for any other."""
        if grant_type != GRANT_TYPE:
            raise ValueError("unsupported grant type")
        account, claims = self._verified(assertion)
        now_s = int(self.clock().timestamp())
        issued_at, expires_at = _whole(claims, "iat"), _whole(claims, "exp")
        endpoints = {account["token_uri"], TOKEN_ENDPOINT}
        if claims.get("aud") not in endpoints or claims.get("scope") != SCOPE:
            raise ValueError("wrong audience or scope")
        if not issued_at - SKEW_S <= now_s < expires_at <= issued_at + ASSERTION_S:
            raise ValueError("Token must be a short-lived token (60 minutes)")
        value = secrets.token_urlsafe(32)
        self.tokens[value] = (account["client_email"], self.clock() + timedelta(seconds=lifetime_s))
        self.grants += 1
        return value

    def caller(self, token: str) -> str:
        """The account behind a Bearer token; raises Refusal 401."""
        email, expires_at = self.tokens.get(token, ("", self.clock()))
        if self.clock() >= expires_at:
            raise Refusal(401, "authError", "Request had invalid authentication credentials.")
        return email

    # The REST API.

    def insert(self, kind: Kind, body: Json, *, caller: str) -> Json:
        """A new resource; 409 when its id was ever used."""
        resource = self._checked(kind, merged({}, body), caller=caller)
        if resource["id"] in self._shelf(kind):
            raise Refusal(409, "alreadyExists", f"Resource {resource['id']} already exists.")
        self._shelf(kind)[resource["id"]] = resource
        return resource

    def get(self, kind: Kind, resource_id: str, *, caller: str) -> Json:
        """A resource that is there; 404 otherwise."""
        self._permit(resource_id, caller)
        try:
            return self._shelf(kind)[resource_id]
        except KeyError as exc:
            reason = "classNotFound" if kind == "genericClass" else "objectNotFound"
            raise Refusal(404, reason, f"{kind} {resource_id} not found.") from exc

    def patch(self, kind: Kind, resource_id: str, body: Json, *, caller: str) -> Json:
        """The resource with a merge patch applied (RFC 7396)."""
        present = self.get(kind, resource_id, caller=caller)
        return self._replace(kind, resource_id, merged(present, body), caller=caller)

    def update(self, kind: Kind, resource_id: str, body: Json, *, caller: str) -> Json:
        """The resource as sent, nothing of the old one."""
        self.get(kind, resource_id, caller=caller)
        return self._replace(kind, resource_id, merged({}, body), caller=caller)

    def list(self, kind: Kind, parent_id: str, *, caller: str) -> Sequence[Json]:
        """The classes of an issuer, or the objects of a class, by id."""
        self._permit(parent_id, caller)
        field = "id" if kind == "genericClass" else "classId"
        shelf = sorted(self._shelf(kind).items())
        return [thing for _, thing in shelf if f"{thing[field]}.".startswith(f"{parent_id}.")]

    def add_message(self, kind: Kind, resource_id: str, body: Json, *, caller: str) -> Json:
        """The resource with one message more; 400 when there are ten already."""
        resource = self.get(kind, resource_id, caller=caller)
        _strict("AddMessageRequest", body)
        message = body["message"]
        messages = [*resource.get("messages", []), message]
        if len(messages) > MESSAGES:
            raise Refusal(400, "invalid", "At most ten messages.", field="messages")
        if message.get("messageType") == "TEXT_AND_NOTIFY":
            self._notify(resource_id)
        return self._replace(kind, resource_id, resource | {"messages": messages}, caller=caller)

    def shown(self, kind: Kind, resource: Json) -> Json:
        """A resource as answered: with what Google adds, in its old spelling when told so."""
        answer = resource | {"kind": f"walletobjects#{kind}"}
        if kind == "genericObject":
            answer["hasUsers"] = resource["id"] in self.users
        return dict(_legacy(answer)) if self.legacy_enums else answer

    # The save link.

    def save(self, token: str, *, user: str) -> Sequence[str]:
        """The ids that are now in a user's wallet; raises ValueError for a bad link."""
        if len(token) > SAVE_JWT_LIMIT:
            raise ValueError("the link is longer than browsers keep")
        account, claims = self._verified(token)
        if claims.get("aud") != "google" or claims.get("typ") != "savetowallet":
            raise ValueError("not a save link")
        if _whole(claims, "iat") > self.clock().timestamp() + SKEW_S:
            raise ValueError("issued in the future")
        if account["client_email"] not in self.members:
            raise ValueError("the signer is no user of the issuer")
        entries = claims["payload"]["genericObjects"]
        saved = [self._saved(entry, user) for entry in entries]
        self.users |= dict.fromkeys(saved, user)
        return saved

    def remove(self, object_id: str) -> None:
        """Take an object out of its user's wallet."""
        del self.users[object_id]

    def told_of(self, object_id: str) -> tuple[str, str | None]:
        """The class of an object, and who hears of its saves and removals."""
        class_id = self.objects[object_id]["classId"]
        return class_id, self.classes[class_id].get("callbackOptions", {}).get("url")

    def _saved(self, entry: Json, user: str) -> str:
        if set(entry) != {"id"} or entry["id"] not in self.objects:
            raise ValueError("the link must name an existing object by its id only")
        thing = self.objects[entry["id"]]
        owner = self.users.get(thing["id"], user)
        holders = self.classes[thing["classId"]].get("multipleDevicesAndHoldersAllowedStatus")
        if holders == "ONE_USER_ALL_DEVICES" and owner != user:
            raise ValueError("User not allowed to save: the pass is somebody else's")
        return str(thing["id"])

    def _verified(self, token: str) -> tuple[Json, Json]:
        """The account that signed a JWT, and its claims; raises ValueError for any other JWT."""
        try:
            account = self.accounts[jwt.get_unverified_header(token)["kid"]]
            options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
            key = account["public_key"]
            claims: Json = jwt.decode(token, key, algorithms=["RS256"], options=options)
        except (jwt.PyJWTError, KeyError) as exc:
            raise ValueError("Invalid JWT Signature.") from exc
        if claims.get("iss") != account["client_email"]:
            raise ValueError("wrong issuer")
        return account, claims

    def _shelf(self, kind: Kind) -> dict[str, Json]:
        return self.classes if kind == "genericClass" else self.objects

    def _permit(self, resource_id: str, caller: str) -> None:
        if resource_id.partition(".")[0] != self.issuer_id or caller not in self.members:
            raise Refusal(403, "permissionDenied", "Permission denied.")

    def _checked(self, kind: Kind, resource: Json, *, caller: str) -> Json:
        if not re.match(ID, str(resource.get("id", ""))):
            raise Refusal(400, "invalid", f"Invalid resource ID {resource.get('id')}.", field="id")
        self._permit(resource["id"], caller)
        resource.pop("hasUsers", None)
        _strict("GenericClass" if kind == "genericClass" else "GenericObject", resource)
        if kind == "genericObject" and resource["classId"] not in self.classes:
            raise Refusal(404, "classNotFound", f"Class {resource['classId']} not found.")
        return resource

    def _replace(self, kind: Kind, resource_id: str, resource: Json, *, caller: str) -> Json:
        if resource.get("id") != resource_id:
            raise Refusal(400, "invalid", "The id of a resource cannot change.", field="id")
        before = self._shelf(kind)[resource_id]
        now_there = self._shelf(kind)[resource_id] = self._checked(kind, resource, caller=caller)
        self.changes[resource_id] += now_there != before
        return now_there

    def _notify(self, resource_id: str) -> None:
        day_ago = self.clock() - timedelta(days=1)
        recent = [moment for moment in self.notices.get(resource_id, []) if moment > day_ago]
        if len(recent) >= NOTICES_A_DAY:
            raise Refusal(403, "quotaExceeded", "QuotaExceededException")
        self.notices[resource_id] = [*recent, self.clock()]


def merged(target: Json, patch: Json) -> Json:
    """JSON merge patch (RFC 7396): null removes, objects merge, arrays are replaced whole."""
    result = dict(target)
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        elif isinstance(value, dict):
            present = result.get(field)
            result[field] = merged(present if isinstance(present, dict) else {}, value)
        else:
            result[field] = value
    return result


def _strict(schema: str, body: Json) -> None:
    if fault := first_fault(schema, body):
        path, message = fault
        raise Refusal(400, "invalid", f"Invalid value at '{path}': {message}", field=path)


def _read(paths: Sequence[Path]) -> Iterator[Json]:
    for path in paths:
        account = loads(path.read_text())
        pem = account.pop("private_key").encode()
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, RSAPrivateKey)  # noqa: S101 - as demo.google_account makes it
        yield account | {"public_key": key.public_key()}


def _whole(claims: Json, name: str) -> int:
    """An integer claim: neither text, nor milliseconds by way of a fraction, nor a boolean."""
    value = claims.get(name)
    if type(value) is not int:
        raise ValueError(f"{name} must be whole seconds")
    return value


def _legacy(value: Any) -> Any:
    if isinstance(value, dict):
        return {field: _legacy(part) for field, part in value.items()}
    if isinstance(value, list):
        return [_legacy(part) for part in value]
    return LEGACY.get(value, value) if isinstance(value, str) else value
