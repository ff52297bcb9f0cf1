"""What an enrolled scanner compares when it has no network: salted prefixes of references.

The list names refused codes to those who have seen them, and tells nobody else anything
(docs/card-token.md, section 8; docs/offline.md has the format). It is made from the tables at
most once a minute per process; nothing about it is stored.
"""

import base64
import hashlib
import hmac
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app import fence
from app.cards.card_year import belgian_day
from app.cards.entitlement import CardStatus
from app.cards.keyring import KeyRing, Keys
from app.cards.model import Card, CardEvent, WalletPass
from app.cards.token import HOUR_S, WALLET_LIFETIME_S, Carrier, KeyState, Opened, TokenKey
from app.db import Database

PREFIX_BYTES = 8
BLOCK = 16  # bytes of a reference
SALT_BYTES = 32
MADE_ANEW = timedelta(minutes=1)
TYPE = "lk1-offline-list+jwt"
# A code's issued_at is rounded down to the hour, so its end may seem that much nearer.
UNEXPIRED = timedelta(seconds=WALLET_LIFETIME_S + HOUR_S)


class Refused(NamedTuple):
    """A pass of which codes are refused, as much of it as their references hang on.

    All of them, or of one `in_use` those before the present generation.
    """

    card_id: uuid.UUID
    carrier: int
    pass_number: int
    generation: int
    key_id: int
    in_use: bool


Passes = Select[uuid.UUID, int, int, int, int, bool]
# New codes since a moment, by card and by the name of the carrier.
Rotated = Counter[tuple[uuid.UUID, str]]


@dataclass(frozen=True, slots=True)
class OfflineList:
    """One list as it is sent: a JWS in compact form, and what tells two contents apart."""

    jws: str
    etag: str
    made_at: datetime


class OfflineLists:
    """The present lists of this process, one for live cards and one for test cards."""

    def __init__(self, database: Database, ring: KeyRing, *, issuer: str) -> None:
        self._database = database
        self._ring = ring
        self._issuer = issuer
        self._lists: dict[bool, OfflineList] = {}
        self._making = threading.Lock()

    def current(self, *, test: bool, now: datetime) -> OfflineList:
        """The list for one world, at most a minute old."""
        with self._making:
            held = self._lists.get(test)
            if held is None or not timedelta() <= now - held.made_at < MADE_ANEW:
                held = self._lists[test] = self._made(test=test, now=now)
            return held

    def _made(self, *, test: bool, now: datetime) -> OfflineList:
        keys = self._ring.keys
        with self._database.reading() as session:
            fence.refuse_behind(fence.standing(session).raised_at)
            references = list(_references(session, keys, test=test, now=now))
        salt = day_salt(keys, now=now)
        prefixes = b"".join(sorted({prefix(one, day_salt=salt) for one in references}))
        signing = keys.signing_for(test=False)
        content = hashlib.sha256(bytes([signing.id, test]) + salt + prefixes).digest()
        claims = {
            "iss": self._issuer,
            "iat": int(now.timestamp()),
            "test": test,
            "salt": _base64url(salt),
            "prefix_bytes": PREFIX_BYTES,
            "count": len(prefixes) // PREFIX_BYTES,
            "prefixes": _base64url(prefixes),
        }
        headers = {"kid": str(signing.id), "typ": TYPE}
        jws = jwt.encode(claims, signing.private_key, algorithm="ES256", headers=headers)
        # Weak: another process signs the same content with other bytes.
        return OfflineList(jws, f'W/"{_base64url(content[:16])}"', now)


def prefix(reference: bytes, *, day_salt: bytes) -> bytes:
    """The first 8 bytes of HMAC-SHA256(day salt, reference); salt 32 bytes, reference 16."""
    return hmac.digest(day_salt, reference, "sha256")[:PREFIX_BYTES]


def day_salt(keys: Keys, *, now: datetime) -> bytes:
    """The 32 bytes of a UTC day, the same in every process: yesterday's list tells of no today."""
    day = now.astimezone(UTC).date().isoformat()
    secret = keys.signing_for(test=False).secret
    derive = HKDF(hashes.SHA256(), SALT_BYTES, salt=None, info=f"lk1 offline list {day}".encode())
    return derive.derive(secret)


def _references(session: Session, keys: Keys, *, test: bool, now: datetime) -> Iterator[bytes]:
    """The reference of every unexpired code of every refused pass, web codes apart.

    A web code is good for a minute and a half, so those a phone has in store end by themselves.
    """
    refused = _refused(test=test, now=now)
    rotated = _rotations(session, refused, since=now - UNEXPIRED)
    passes = [Refused._make(row) for row in session.execute(refused)]
    for key in keys.token.values():
        if key.state is not KeyState.REVOKED and test is (key.state is KeyState.TEST):
            sealed = key.seal(*_opened(passes, rotated, key))
            yield from (sealed[at : at + BLOCK] for at in range(0, len(sealed), BLOCK))


def _refused(*, test: bool, now: datetime) -> Passes:
    unexpired = or_(
        WalletPass.code_issued_at > int((now - UNEXPIRED).timestamp()),
        and_(WalletPass.carrier == Carrier.PAPER, Card.year >= belgian_day(now).year),
    )
    in_use = and_(Card.status == CardStatus.ACTIVE, WalletPass.revoked_at.is_(None))
    reprinted = and_(WalletPass.carrier == Carrier.PAPER, WalletPass.generation > 1)
    return (
        select(
            WalletPass.card_id,
            WalletPass.carrier,
            WalletPass.pass_number,
            WalletPass.generation,
            WalletPass.key_id,
            in_use.label("in_use"),
        )
        .join(WalletPass.card)
        .where(Card.test.is_(test), WalletPass.carrier != Carrier.WEB, unexpired)
        .where(or_(~in_use, reprinted))
    )


def _opened(passes: Iterable[Refused], rotated: Rotated, key: TokenKey) -> Iterator[Opened]:
    """What stands in the references that a key may have sealed; a later key seals later codes."""
    for one in passes:
        if key.id > one.key_id:
            continue
        earlier = rotated[one.card_id, Carrier(one.carrier).label]
        # Paper lasts a year, so every print of it is listed.
        oldest = 1 if one.carrier == Carrier.PAPER else max(1, one.generation - earlier)
        for generation in range(oldest, one.generation + (not one.in_use)):
            yield Opened(one.pass_number, generation)


def _rotations(session: Session, refused: Passes, *, since: datetime) -> Rotated:
    """How often passes got a new code since then."""
    cards = refused.with_only_columns(WalletPass.card_id)
    happened = (
        select(CardEvent.card_id, CardEvent.why, func.count())
        .where(CardEvent.card_id.in_(cards), CardEvent.what == "rotated", CardEvent.at > since)
        .group_by(CardEvent.card_id, CardEvent.why)
    )
    counted: Rotated = Counter()
    for card_id, why, count in session.execute(happened):
        counted[card_id, why.partition("-")[0]] += count
    return counted


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
