"""The tables of this room as the values that the rules look at, and back.

Knows columns and joins, one query for any number of keys, codes or cards; hides SQL from the
ledger, which keeps the books of a batch, and from whoever asks for one earlier verdict.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.cards import lifecycle
from app.cards.card_year import card_year
from app.cards.entitlement import CardStatus
from app.cards.model import Card, CardEvent, WalletPass
from app.cards.numbers import webshop_code_of
from app.cards.token import Carrier
from app.errors import NotFound
from app.verification.codes import fingerprint
from app.verification.model import REMEMBERED, Scan, Till, WebshopCode
from app.verification.verdict import (
    Caller,
    Grade,
    OneTime,
    PassState,
    PastScan,
    Reason,
    Upload,
    Verdict,
)
from app.verification.verify import HISTORY, REPEAT, WRONG_DIGITS, Examined

Column = InstrumentedAttribute[Any]
Row = Any  # a row of one of the statements below; its columns are named as there

# Columns and no entities, made once and run by the connection: an object of the ORM costs several
# times what the verdict does, and so does a statement made anew for each batch.
_CARD = (Card.id.label("card_id"), Card.status, Card.test, Card.valid_from, Card.year)
_NAMES: BindParameter[Any] = bindparam("names", expanding=True)
CARDS = select(Card.number, *_CARD).where(Card.number.in_(_NAMES))
DRAWN = (
    select(
        *_CARD,
        WebshopCode.code_sha256,
        WebshopCode.partner_id,
        WebshopCode.expires_at,
        WebshopCode.used_at,
    )
    .join(Card, WebshopCode.card_id == Card.id)
    .where(WebshopCode.code_sha256.in_(_NAMES))
)
PASSES = (
    select(
        *_CARD,
        WalletPass.id.label("pass_id"),
        WalletPass.pass_number,
        WalletPass.carrier,
        WalletPass.revoked_at,
        WalletPass.confirmed_generation,
        WalletPass.confirmed_at,
        WalletPass.last_accepted,
    )
    .join(Card, WalletPass.card_id == Card.id)
    .where(WalletPass.pass_number.in_(_NAMES))
)


def _holding(key: Column, named: Column) -> Select[*tuple[Any, ...]]:
    return select(key).where(named.in_(_NAMES)).order_by(key).with_for_update(key_share=True)


# What whoever writes holds until then: cards before passes, each in one order, as the verbs of a
# card's lifecycle take them. In statements of their own: one that had to wait reads what it joins
# as it was when it began. SQLite has one writer at a time anyway.
HOLDING = {
    CARDS: _holding(Card.id, Card.number),
    DRAWN: _holding(WebshopCode.code_sha256, WebshopCode.code_sha256),
    PASSES: _holding(WalletPass.id, WalletPass.pass_number),
}
PAST = select(*Scan.__table__.c, Till.latitude, Till.longitude).join(Till, Scan.till_id == Till.id)
HISTORY_OF = PAST.where(
    Scan.card_id.in_(bindparam("cards", expanding=True)),
    Scan.at > bindparam("uses_since"),
    REMEMBERED.self_group(),
    or_(Scan.valid, Scan.at > bindparam("guesses_since")),
).order_by(Scan.at)


@dataclass(frozen=True, slots=True)
class Entry:
    """What goes on record beside a verdict."""

    channel: str
    benefit_id: uuid.UUID | None = None
    upload: Upload | None = None


def states(
    session: Session, examined: Iterable[Examined], *, held: bool = False
) -> dict[int | str, PassState]:
    """The pass or card that each code means, as it stands now, by what the code names it.

    `held`: and as it stays until this transaction ends. What is read afterwards is then complete.
    """
    names = {one.names for one in examined}
    numbers = [name for name in names if isinstance(name, int)]
    typed = [name for name in names if isinstance(name, str)]
    drawn = {fingerprint(name): name for name in typed if webshop_code_of(name)}
    found: dict[int | str, PassState] = {}
    connection = session.connection()

    hold = held and connection.dialect.name == "postgresql"

    def run(statement: Select[*tuple[Any, ...]], wanted: Collection[Any]) -> Iterable[Row]:
        if not wanted:
            return ()
        if hold:
            connection.execute(HOLDING[statement], {"names": wanted})
        return connection.execute(statement, {"names": wanted})

    for card in run(CARDS, typed):
        found[card.number] = _card_state(card)
    for one in run(DRAWN, list(drawn)):
        code = OneTime(one.partner_id, one.expires_at, one.used_at)
        found[drawn[one.code_sha256]] = replace(_card_state(one), one_time=code)
    for row in run(PASSES, numbers):
        found[row.pass_number] = _pass_state(row)
    return found


def history(
    session: Session, card_ids: Collection[uuid.UUID], *, at: datetime
) -> defaultdict[uuid.UUID, list[PastScan]]:
    """What the rules look at of these cards' scans, oldest first: uses of a day, recent guesses.

    Other refusals are left out: a till that shows one card without end must cost the others
    nothing, and uses and guesses have a limit of their own.
    """
    found: defaultdict[uuid.UUID, list[PastScan]] = defaultdict(list)
    if card_ids:
        since = {"uses_since": at - HISTORY, "guesses_since": at - WRONG_DIGITS}
        for row in session.connection().execute(HISTORY_OF, {"cards": card_ids} | since):
            found[row.card_id].append(_past(row))
    return found


def rehearsals(
    session: Session, partner_ids: Collection[uuid.UUID], *, at: datetime
) -> defaultdict[uuid.UUID, list[PastScan]]:
    """What these partners had accepted of test cards a moment ago, oldest first."""
    found: defaultdict[uuid.UUID, list[PastScan]] = defaultdict(list)
    if partner_ids:
        rows = PAST.where(Scan.partner_id.in_(partner_ids), Scan.at >= at - REPEAT)
        rows = rows.where(Scan.test, Scan.valid, Scan.card_id.is_(None)).order_by(Scan.at)
        for row in session.execute(rows):
            found[row.partner_id].append(_past(row))
    return found


def uploads(
    session: Session, nonces: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, uuid.UUID], PastScan]:
    """Checks made without a network that came in before, by till and nonce."""
    if not nonces:
        return {}
    rows = PAST.where(Scan.nonce.in_(nonces))
    return {(row.till_id, row.nonce): _past(row) for row in session.execute(rows)}


def statuses(
    session: Session, card_ids: Collection[uuid.UUID]
) -> defaultdict[uuid.UUID, list[tuple[datetime, CardStatus]]]:
    """Every status that these cards ever had, each with its first moment, oldest first."""
    found: defaultdict[uuid.UUID, list[tuple[datetime, CardStatus]]] = defaultdict(list)
    if card_ids:
        rows = (
            select(CardEvent.card_id, CardEvent.at, CardEvent.what)
            .where(CardEvent.card_id.in_(card_ids), CardEvent.what.in_(lifecycle.BECOMES))
            .order_by(CardEvent.at, CardEvent.id)
        )
        for card_id, at, what in session.execute(rows):
            found[card_id].append((at, lifecycle.BECOMES[what]))
    return found


def recorded(session: Session, scan_id: uuid.UUID, partner_id: uuid.UUID) -> tuple[Verdict, str]:
    """An earlier verdict and its channel, for the partner who got it; `NotFound` otherwise."""
    found = PAST.where(Scan.id == scan_id, Scan.partner_id == partner_id)
    row = session.execute(found).one_or_none()
    if row is None:
        raise NotFound("There is no such verification.")
    return _past(row).verdict, row.channel


def scan_row(
    verdict: Verdict, state: PassState | None, digest: bytes, *, caller: Caller, entry: Entry
) -> dict[str, Any]:
    """A verdict as a row of `Scan`."""
    upload = entry.upload
    return {
        "id": verdict.verification_id,
        "partner_id": caller.partner_id,
        "till_id": caller.till_id,
        "card_id": state and state.card_id,
        "pass_id": state and state.pass_id,
        "at": verdict.checked_at,
        "channel": entry.channel,
        "carrier": verdict.carrier,
        "valid": verdict.valid,
        "reason": verdict.reason,
        "cause": verdict.cause,
        "grade": verdict.grade,
        "advice": " ".join(verdict.advice),
        "test": verdict.test,
        "code_digest": digest,
        "accepted_moment": verdict.accepted_moment,
        "benefit_id": entry.benefit_id,
        "uploaded_at": upload and upload.at,
        "nonce": upload and upload.nonce,
    }


def _card_state(row: Row) -> PassState:
    return PassState(
        card_id=row.card_id,
        pass_id=None,
        carrier=None,
        status=row.status,
        test=row.test,
        valid_from=row.valid_from,
        valid_until=_end_of(row.year),
    )


def _pass_state(row: Row) -> PassState:
    return PassState(
        card_id=row.card_id,
        pass_id=row.pass_id,
        carrier=Carrier(row.carrier),
        status=row.status,
        test=row.test,
        valid_from=row.valid_from,
        valid_until=_end_of(row.year),
        pass_revoked_at=row.revoked_at,
        confirmed_generation=row.confirmed_generation,
        confirmed_at=row.confirmed_at,
        last_accepted=row.last_accepted,
    )


@cache
def _end_of(year: int) -> datetime:
    return card_year(year).valid_until


def _past(row: Row) -> PastScan:
    return PastScan(
        pass_id=row.pass_id,
        caller=Caller(row.partner_id, row.till_id, row.test, row.latitude, row.longitude),
        digest=row.code_digest,
        verdict=Verdict(
            valid=row.valid,
            reason=Reason(row.reason),
            cause=row.cause,
            checked_at=row.at,
            grade=Grade(row.grade) if row.grade else None,
            carrier=Carrier(row.carrier) if row.carrier else None,
            advice=tuple(row.advice.split()),
            test=row.test,
            verification_id=row.id,
            accepted_moment=row.accepted_moment,
        ),
        voided=row.voided_at is not None,
    )
