"""A deployment with many cards on three carriers, and every request a till can make of it.

Cards are put straight into the tables. Each request shows another card, a third of them each on
the website, in Apple Wallet and in Google Wallet, with what the phone shows at that moment.
"""

import json
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.keyring import KeyRing, Keys
from app.cards.model import Card, Teacher, WalletPass
from app.cards.numbers import new_card_number
from app.cards.token import (
    HOUR_S,
    WALLET_LIFETIME_S,
    WEB_LIFETIME_S,
    Carrier,
    TokenKey,
    code,
    mint,
)
from app.cards.totp import PERIOD_S, totp
from app.db import Database, uuid7
from demo.deployment import Addresses, Deployment, prepare
from demo.serving import free_port
from demo.world import wall_clock

CARRIERS = (Carrier.WEB, Carrier.APPLE, Carrier.GOOGLE)
ROWS_A_STATEMENT = 5_000
NOWHERE = "http://localhost:1"


@dataclass(slots=True)
class ShopFloor:
    """A deployment, its cards, and whose turn it is; codes are made when they are wanted."""

    deployment: Deployment
    key: TokenKey
    pass_numbers: Sequence[int]
    issued_at: int
    _turn: int = 0
    _known: dict[int, tuple[str, bytes]] | None = None

    def requests(self, count: int, port: int) -> list[bytes]:
        """So many whole HTTP requests of tills, each with another card."""
        head = (
            "POST /api/v1/verifications HTTP/1.1\r\nhost: localhost:{port}\r\n"
            "authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            "content-length: {size}\r\n\r\n"
        )
        till_key = self.deployment.shops["museum"].live_key
        found = []
        for text in islice(self.shown(), count):
            body = json.dumps({"presentation": text, "channel": "till"})
            found.append((head.format(port=port, key=till_key, size=len(body)) + body).encode())
        return found

    def shown(self) -> Iterator[str]:
        """What one card after the other shows at the moment it is asked for."""
        while True:
            turn = self._turn % len(self.pass_numbers)
            self._turn += 1
            yield self._code(turn)

    def _code(self, turn: int) -> str:
        number, carrier = self.pass_numbers[turn], CARRIERS[turn % len(CARRIERS)]
        base = self.deployment.addresses.service.upper()
        now_s = int(wall_clock().timestamp())
        if carrier is Carrier.WEB:
            body = self._mint(carrier, number, issued_at=now_s, lifetime_s=WEB_LIFETIME_S)
            return code(base, body)
        if self._known is None:
            self._known = {}
        if turn not in self._known:
            body = self._mint(
                carrier, number, counter=1, issued_at=self.issued_at, lifetime_s=WALLET_LIFETIME_S
            )
            self._known[turn] = code(base, body), self.key.totp_key(number, 1)
        text, secret = self._known[turn]
        if carrier is Carrier.APPLE:
            return text
        return f"{text}/{now_s:010}/{totp(secret, now_s // PERIOD_S)}"

    def _mint(self, carrier: Carrier, number: int, **values: Any) -> str:  # noqa: ANN401 - as mint
        return mint(self.key, carrier=carrier, pass_number=number, initials=33, **values)


@contextmanager
def shop_floor(folder: Path, database_url: str, *, cards: int) -> Iterator[ShopFloor]:
    """A deployment in an empty folder and an empty database, with so many cards."""
    addresses = Addresses(f"http://localhost:{free_port()}", NOWHERE, NOWHERE, NOWHERE)
    now = wall_clock()
    deployment = prepare(folder, addresses, database_url=database_url, now=now)
    keys = KeyRing(folder / "keys").keys
    issued_at = int(now.timestamp()) // HOUR_S * HOUR_S
    with closing(Database(database_url)) as database:
        database.transact(lambda session: _fill(session, keys, cards, issued_at, now))
        with database.reading() as session:
            found = session.execute(select(WalletPass.pass_number, WalletPass.carrier)).all()
    by_carrier = [[n for n, carrier in found if carrier == wanted] for wanted in CARRIERS]
    in_turns = [number for trio in zip(*by_carrier, strict=True) for number in trio]
    yield ShopFloor(deployment, keys.signing_for(test=False), in_turns, issued_at)


def _fill(session: Session, keys: Keys, cards: int, issued_at: int, now: datetime) -> None:
    for begun in range(0, cards, ROWS_A_STATEMENT):
        trios = [_rows(keys, issued_at, now) for _ in range(min(ROWS_A_STATEMENT, cards - begun))]
        session.execute(insert(Teacher), [teacher for teacher, _, _ in trios])
        session.execute(insert(Card), [card for _, card, _ in trios])
        session.execute(insert(WalletPass), [one for _, _, passes in trios for one in passes])


Row = dict[str, Any]


def _rows(keys: Keys, issued_at: int, now: datetime) -> tuple[Row, Row, list[Row]]:
    teacher: Row = {
        "id": uuid7(),
        "insz_pseudonym": secrets.token_bytes(32),
        "pepper_id": 1,
        "created_at": now,
    }
    card: Row = {
        "id": uuid7(),
        "teacher_id": teacher["id"],
        "number": new_card_number(),
        "status": "active",
        "status_reason": "employed",
        "test": False,
        "initials": 33,
        "valid_from": now,
        "year": belgian_day(now).year,
        "created_at": now,
    }
    return teacher, card, [_pass(keys, card["id"], one, issued_at, now) for one in CARRIERS]


def _pass(keys: Keys, card_id: uuid.UUID, carrier: Carrier, issued_at: int, now: datetime) -> Row:
    return {
        "id": uuid7(),
        "card_id": card_id,
        "carrier": carrier,
        "pass_number": secrets.randbits(63),
        "serial": secrets.token_hex(16),
        "key_id": keys.signing_for(test=False).id,
        "pass_secret_id": keys.active("pass").id,
        "generation": 1,
        "code_issued_at": issued_at,
        "revision": 1,
        "revised_at": now,
        "pushed_revision": 1,
    }
