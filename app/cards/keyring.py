"""The keys we hold, by kind and number, in one file outside the database.

Knows the file (`keyring.json`, mode 0600), the states of a key and how secrets are
sealed; hides where key material comes from. A `KeyRing` notices at the next use that
the file has changed, so that a revoked key is refused by every process at once, without
a restart. Kinds:

- token: a P-256 signing key and a 32-byte secret each (docs/card-token.md, section 2);
- pepper: turns national numbers into pseudonyms;
- encryption: wraps the teachers' own data keys and the numbers a pull needs;
- pass: authentication tokens of Apple passes;
- audit: vouches for the record of what people did (docs/decisions/0016).
"""

import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.cards.token import KeyState, TokenKey

Kind = Literal["token", "pepper", "encryption", "pass", "audit"]
KINDS: tuple[Kind, ...] = ("token", "pepper", "encryption", "pass", "audit")
FILE_NAME = "keyring.json"
LISTED = ("kind", "id", "state", "created_at", "expires_at")
SECRET_BYTES = 32
NONCE_BYTES = 12
MAX_TOKEN_KEY_ID = 255  # one byte of the token


class KeyFault(Exception):
    """A key that is missing, unknown or not usable; the message names it, never its material."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A symmetric key of the kinds pepper, encryption, pass and audit."""

    id: int
    state: KeyState
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key as it stood in the file at one moment."""

    environment: str
    token: Mapping[int, TokenKey]
    secrets: Mapping[Kind, Mapping[int, Secret]]

    def signing_for(self, *, test: bool) -> TokenKey:
        """The token key for new codes; test cards have one of their own."""
        state = KeyState.TEST if test else KeyState.ACTIVE
        return next(key for key in self.token.values() if key.state is state)

    def active(self, kind: Kind) -> Secret:
        """The secret of a kind with which new things are made."""
        return next(key for key in self.secrets[kind].values() if key.state is KeyState.ACTIVE)

    def usable(self, kind: Kind) -> list[Secret]:
        """Secrets of a kind that still count, newest first."""
        usable = [key for key in self.secrets[kind].values() if key.state is not KeyState.REVOKED]
        return sorted(usable, key=lambda key: -key.id)

    def jwks(self) -> dict[str, Any]:
        """The public token keys as a JWK Set (RFC 7517): active, verify-only and test.

        The member `test` marks the key of test cards, which may make no live card offline either.
        """
        shown = (key for key in self.token.values() if key.state is not KeyState.REVOKED)
        mark = {"test": True}
        return {"keys": [key.jwk() | (mark if key.state is KeyState.TEST else {}) for key in shown]}

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Encrypt for one place (table, column, row): key id, nonce, AES-256-GCM ciphertext."""
        key = self.active("encryption")
        return bytes([key.id]) + seal(key.value, plain, place=place)

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Undo `seal`; `KeyFault` when the key is gone or the text belongs elsewhere."""
        key = self.secrets["encryption"].get(sealed[0])
        if key is None or key.state is KeyState.REVOKED:
            raise KeyFault(f"encryption key {sealed[0]} is not available")
        return unseal(key.value, sealed[1:], place=place)


def seal(key: bytes, plain: bytes, *, place: str) -> bytes:
    """AES-256-GCM with a random 96-bit nonce in front; `place` is bound in, so rows cannot swap."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(key: bytes, sealed: bytes, *, place: str) -> bytes:
    """Undo `seal`; `KeyFault` when the text was changed or belongs elsewhere."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyFault(f"the sealed content of {place} cannot be opened") from error


class KeyRing:
    """The key file of one deployment, read anew whenever it changes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._path = directory / FILE_NAME
        # One value, so that no thread can pair an old ring with the look of a new file.
        self._held: tuple[tuple[int, int, int], Keys] | None = None

    @property
    def keys(self) -> Keys:
        """The keys as the file stands now: one `stat` a call, a read only after a change.

        `KeyFault` as long as the file cannot be read: what it says may be that a key is revoked,
        so nobody goes on with the keys of before.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError as error:
            raise KeyFault(
                f"there is no key ring at {self._path}: run `lerarenkaart keys init`"
            ) from error
        seen, held = (status.st_mtime_ns, status.st_ino, status.st_size), self._held
        if held is None or seen != held[0]:
            self._held = held = (seen, _parse(_read(self.directory)))
        return held[1]


def init(directory: Path, *, environment: str, now: datetime) -> None:
    """Make a first key of each kind and a test key; never touches a ring that exists."""
    path = directory / FILE_NAME
    with _alone(directory):
        if path.exists():
            raise KeyFault(f"there is a key ring at {path} already; it was left as it is")
        document: dict[str, Any] = {"environment": environment}
        for kind in KINDS:
            document[kind] = [_fresh(kind, 1, KeyState.ACTIVE, now)]
        document["token"].append(_fresh("token", 2, KeyState.TEST, now))
        _write(path, document)


def rotate(directory: Path, kind: Kind, *, now: datetime) -> int:
    """Make a new active key of a kind; the one before it still opens what it made."""
    with _alone(directory):
        document = _read(directory)
        number = _add_active(document, kind, now)
        _write(directory / FILE_NAME, document)
    return number


def revoke(directory: Path, kind: Kind, number: int, *, now: datetime) -> None:
    """Refuse a key from now on, everywhere; an active key gets its successor in the same write."""
    with _alone(directory):
        document = _read(directory)
        entry = next((entry for entry in document[kind] if entry["id"] == number), None)
        if entry is None:
            raise KeyFault(f"there is no {kind} key {number}")
        if entry["state"] == KeyState.ACTIVE:
            _add_active(document, kind, now)
        elif entry["state"] == KeyState.TEST:
            next_id = _next_id(document, kind)
            document[kind].append(_fresh(kind, next_id, KeyState.TEST, now))
        entry["state"] = KeyState.REVOKED
        _write(directory / FILE_NAME, document)


def listing(directory: Path) -> list[dict[str, str]]:
    """A row of `LISTED` for every key; no material. Keys have no end but their revocation."""
    document = _read(directory)
    rows = (
        (kind, str(entry["id"]), entry["state"], entry["created_at"], "")
        for kind in KINDS
        for entry in document[kind]
    )
    return [dict(zip(LISTED, row, strict=True)) for row in rows]


def _add_active(document: dict[str, Any], kind: Kind, now: datetime) -> int:
    for entry in document[kind]:
        if entry["state"] == KeyState.ACTIVE:
            entry["state"] = KeyState.VERIFY_ONLY
    number = _next_id(document, kind)
    document[kind].append(_fresh(kind, number, KeyState.ACTIVE, now))
    return number


def _next_id(document: dict[str, Any], kind: Kind) -> int:
    number: int = max(entry["id"] for entry in document[kind]) + 1
    if number > MAX_TOKEN_KEY_ID:
        raise KeyFault(f"all {MAX_TOKEN_KEY_ID} numbers of {kind} keys have been used")
    return number


def _fresh(kind: Kind, number: int, state: KeyState, now: datetime) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": number,
        "state": state.value,
        "created_at": now.isoformat(timespec="seconds"),
        "secret": base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
    }
    if kind == "token":
        private_key = ec.generate_private_key(ec.SECP256R1())
        entry["private_key"] = private_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()
    return entry


def _parse(document: Mapping[str, Any]) -> Keys:
    try:
        keys = _keys(document)
        for test in (False, True):
            keys.signing_for(test=test)
        for kind in keys.secrets:
            keys.active(kind)
    # What stands at fault may be a key, so only the kind of fault is told.
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise KeyFault(f"the key ring is not whole ({type(error).__name__})") from None
    return keys


def _keys(document: Mapping[str, Any]) -> Keys:
    tokens = {}
    for entry in document["token"]:
        private_key = load_pem_private_key(entry["private_key"].encode(), password=None)
        if not isinstance(private_key, ec.EllipticCurvePrivateKey):
            raise KeyFault(f"token key {entry['id']} is not an elliptic-curve key")
        tokens[entry["id"]] = TokenKey(
            entry["id"], KeyState(entry["state"]), private_key, base64.b64decode(entry["secret"])
        )
    return Keys(
        environment=document["environment"],
        token=tokens,
        secrets={kind: _secrets(document[kind]) for kind in KINDS if kind != "token"},
    )


def _secrets(entries: list[dict[str, Any]]) -> dict[int, Secret]:
    return {
        entry["id"]: Secret(
            entry["id"], KeyState(entry["state"]), base64.b64decode(entry["secret"])
        )
        for entry in entries
    }


def _read(directory: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((directory / FILE_NAME).read_text("utf-8"))
    except FileNotFoundError as error:
        raise KeyFault(
            f"there is no key ring in {directory}: run `lerarenkaart keys init`"
        ) from error
    except (OSError, ValueError) as error:
        raise KeyFault(f"the key ring cannot be read ({type(error).__name__})") from None
    return document


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One writer at a time: a rotation beside a revocation must not undo it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the file whole: a reader sees the old ring or the new one, never half of either."""
    draft = path.with_suffix(".draft")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
