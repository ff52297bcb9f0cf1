"""A shop floor with real tables: cards, passes, tills and the published keys of the vectors."""

import asyncio
import base64
import json
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.orm import Session

from app.cards.entitlement import CardStatus
from app.cards.keyring import FILE_NAME, KINDS, KeyRing
from app.cards.model import Card, Teacher, WalletPass
from app.cards.numbers import new_card_number
from app.cards.token import Carrier, Opened, Token, authenticate, read
from app.db import Database, uuid7
from app.errors import NotFound
from app.verification import partners, tills
from app.verification.recorder import Presentation, Recorder
from app.verification.tills import PresentedKey, read_key
from app.verification.verdict import Asked, Grade, Verdict

VECTORS = Path(__file__).parents[2] / "docs" / "card-token-vectors.json"
Result = TypeVar("Result")

BASE = "HTTPS://KAART.EXAMPLE"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def vectors(kind: str) -> list[Any]:
    """The published cases of one kind, named by their number and subject."""
    cases = json.loads(VECTORS.read_text("utf-8"))["cases"]
    return [
        pytest.param(case, id=f"{case['id']} {case['about']}")
        for case in cases
        if case["kind"] == kind
    ]


def published_ring(directory: Path) -> KeyRing:
    """A key ring with the four token keys of the vectors and fixed secrets of the other kinds."""
    published = json.loads(VECTORS.read_text("utf-8"))["keys"]
    document: dict[str, Any] = {"environment": "demo"}
    document["token"] = [
        {
            "id": key["kid"],
            "state": key["state"],
            "created_at": "2026-01-01T00:00:00+00:00",
            "private_key": _pem(key["private_scalar_hex"]),
            "secret": base64.b64encode(bytes.fromhex(key["secret_hex"])).decode(),
        }
        for key in published
    ]
    for kind in (one for one in KINDS if one != "token"):
        secret = base64.b64encode(kind.encode().ljust(32)).decode()
        document[kind] = [{"id": 1, "state": "active", "created_at": "", "secret": secret}]
    (directory / FILE_NAME).write_text(json.dumps(document))
    return KeyRing(directory)


@dataclass(frozen=True, slots=True)
class Counter:
    """A shop floor: a running recorder, its database and ways to put cards and tills there."""

    database: Database
    ring: KeyRing
    recorder: Recorder

    def key(self, partner: str = "A", till: str = "1", *, test: bool = False) -> PresentedKey:
        """A key for a partner's till, both made when new; places unknown."""
        return self.key_at(partner, till, partners.NOWHERE, test=test)

    def key_at(
        self, partner: str, till: str, place: partners.Place, *, test: bool = False
    ) -> PresentedKey:
        """As `key`, with a place."""

        def work(session: Session) -> str:
            try:
                owner = partners.partner_named(session, partner)
            except NotFound:
                owner = partners.add_partner(session, partner, category="museum", now=LONG_AGO)
            try:
                where = partners.till_named(session, owner.id, till)
            except NotFound:
                where = partners.add_till(session, owner, till, place=place, now=LONG_AGO)
            return tills.new_key(session, where, test=test, now=LONG_AGO)

        key = read_key(self.database.transact(work))
        assert key is not None
        return key

    def place(self, text: str, **changes: Any) -> WalletPass:
        """The card and pass that a genuine code names, made so that the code is good."""
        token, opened = self.opened(text)
        year = datetime.fromtimestamp(token.issued_at, UTC).year
        values = {
            "status": CardStatus.ACTIVE,
            "status_reason": "employed",
            "test": token.test,
            "initials": token.initials,
            "valid_from": datetime(year, 1, 1, tzinfo=UTC),
            "year": year,
            "created_at": datetime(year, 1, 1, tzinfo=UTC),
        }
        passed = {name: changes.pop(name) for name in list(changes) if hasattr(WalletPass, name)}

        def work(session: Session) -> WalletPass:
            teacher = Teacher(
                id=uuid7(),
                insz_pseudonym=uuid7().bytes,
                pepper_id=1,
                created_at=values["created_at"],
            )
            card = Card(
                id=uuid7(), teacher_id=teacher.id, number=new_card_number(), **(values | changes)
            )
            wallet_pass = WalletPass(
                id=uuid7(),
                card_id=card.id,
                carrier=token.carrier,
                pass_number=opened.pass_number,
                serial=uuid7().hex,
                key_id=token.key_id,
                pass_secret_id=1,
                generation=opened.counter if token.carrier is not Carrier.WEB else 1,
                code_issued_at=token.issued_at,
                revised_at=values["created_at"],
                **passed,
            )
            session.add_all([teacher, card, wallet_pass])
            session.flush()
            return wallet_pass

        return self.database.transact(work)

    def opened(self, text: str) -> tuple[Token, Opened]:
        """A code's token and what its reference holds."""
        token = read(text, BASE)
        assert isinstance(token, Token)
        opened = authenticate(token, self.ring.keys.token)
        assert isinstance(opened, Opened)
        return token, opened

    def show(
        self,
        text: str,
        key: PresentedKey,
        *,
        at: float,
        min_grade: Grade = Grade.STATIC,
        till_id: uuid.UUID | None = None,
    ) -> Verdict:
        """Present a code at a Unix second and wait for the recorded verdict."""
        asked = Asked(at=datetime.fromtimestamp(at, UTC), min_grade=min_grade)
        one = Presentation(text, key, "till", asked, till_id)
        return finished(self.recorder.verify(one))

    def show_together(self, shown: list[tuple[str, PresentedKey]], *, at: float) -> list[Verdict]:
        """Present several codes in one breath, so that they share batches."""
        asked = Asked(at=datetime.fromtimestamp(at, UTC))

        async def all_at_once() -> list[Verdict]:
            return await asyncio.gather(
                *(
                    self.recorder.verify(Presentation(text, key, "till", asked))
                    for text, key in shown
                )
            )

        return finished(all_at_once())


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine comes to, in a thread of its own.

    A browser that a test drives leaves its event loop running in the thread of all tests.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _pem(scalar_hex: str) -> str:
    key = ec.derive_private_key(int(scalar_hex, 16), ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
