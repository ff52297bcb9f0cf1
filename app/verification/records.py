"""The tables of this room as the values that the rules look at, and back.

Knows columns and joins, one query for any number of keys, codes or cards; hides SQL from the
ledger, which keeps the books of a batch, and from whoever asks for one earlier verdict.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.entitlement import CardStatus, card_year
from app.cards.model import Card, CardEvent, WalletPass
from app.cards.token import Carrier
from app.errors import NotFound, Unauthenticated
from app.partners import Partner
from app.verification.model import REMEMBERED, Scan, Till, TillKey
from app.verification.tills import PresentedKey
from app.verification.verdict import (
    Caller,
    Grade,
    PassState,
    PastScan,
    Reason,
    Upload,
    Verdict,
)
from app.verification.verify import HISTORY, WRONG_DIGITS, Examined


@dataclass(frozen=True, slots=True)
class Entry:
    """What goes on record beside a verdict."""

    channel: str
    benefit_id: uuid.UUID | None = None
    upload: Upload | None = None


def callers(session: Session, keys: Iterable[PresentedKey]) -> dict[PresentedKey, Caller]:
    """The till behind each key; a key that is unknown, wrong, revoked or stopped has none."""
    wanted = list(keys)
    found = session.execute(
        select(TillKey, Till)
        .join(Till, TillKey.till_id == Till.id)
        .join(Partner, Till.partner_id == Partner.id)
        .where(TillKey.id.in_({key.id for key in wanted}), Partner.stopped_at.is_(None))
    )
    stored = {key.id: (key, till) for key, till in found}
    return {
        key: Caller(till.partner_id, till.id, key.test, till.latitude, till.longitude)
        for key in wanted
        if key.id in stored
        for row, till in [stored[key.id]]
        if key.opens(row)
    }


def caller_of(session: Session, key: PresentedKey) -> Caller:
    """The till behind one key; `Unauthenticated` when there is none."""
    caller = callers(session, [key]).get(key)
    if caller is None:
        raise Unauthenticated("This till key is not valid.")
    return caller


def states(session: Session, examined: Iterable[Examined]) -> dict[int | str, PassState]:
    """The pass or card that each code means, as it stands now, by what the code names it."""
    names = {one.names for one in examined}
    numbers = [name for name in names if isinstance(name, int)]
    typed = [name for name in names if isinstance(name, str)]
    found: dict[int | str, PassState] = {}
    if numbers:
        rows = select(WalletPass, Card).join(Card).where(WalletPass.pass_number.in_(numbers))
        for wallet_pass, card in session.execute(rows):
            found[wallet_pass.pass_number] = _state(card, wallet_pass)
    if typed:
        for card in session.scalars(select(Card).where(Card.number.in_(typed))):
            found[card.number] = _state(card, None)
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
        rows = (
            select(Scan, Till)
            .join(Till, Scan.till_id == Till.id)
            .where(Scan.card_id.in_(card_ids), Scan.at > at - HISTORY)
            .where(REMEMBERED.self_group(), or_(Scan.valid, Scan.at > at - WRONG_DIGITS))
            .order_by(Scan.at)
        )
        for scan, till in session.execute(rows):
            if scan.card_id is not None:
                found[scan.card_id].append(_past(scan, till))
    return found


def uploads(
    session: Session, nonces: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, uuid.UUID], PastScan]:
    """Checks made without a network that came in before, by till and nonce."""
    if not nonces:
        return {}
    rows = select(Scan, Till).join(Till, Scan.till_id == Till.id).where(Scan.nonce.in_(nonces))
    return {
        (scan.till_id, scan.nonce): _past(scan, till)
        for scan, till in session.execute(rows)
        if scan.nonce is not None
    }


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


def recorded(session: Session, scan_id: uuid.UUID, key: PresentedKey) -> tuple[Verdict, str]:
    """An earlier verdict and its channel, for the partner who got it; `NotFound` otherwise."""
    caller = caller_of(session, key)
    found = select(Scan, Till).join(Till, Scan.till_id == Till.id).where(Scan.id == scan_id)
    row = session.execute(found.where(Scan.partner_id == caller.partner_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such verification.")
    scan, till = row
    return _past(scan, till).verdict, scan.channel


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


def _state(card: Card, wallet_pass: WalletPass | None) -> PassState:
    known = PassState(
        card_id=card.id,
        pass_id=None,
        carrier=None,
        status=card.status,
        test=card.test,
        valid_from=card.valid_from,
        valid_until=card_year(card.year).valid_until,
    )
    if wallet_pass is None:
        return known
    return replace(
        known,
        pass_id=wallet_pass.id,
        carrier=Carrier(wallet_pass.carrier),
        pass_revoked_at=wallet_pass.revoked_at,
        confirmed_generation=wallet_pass.confirmed_generation,
        confirmed_at=wallet_pass.confirmed_at,
        last_accepted=wallet_pass.last_accepted,
    )


def _past(scan: Scan, till: Till) -> PastScan:
    return PastScan(
        pass_id=scan.pass_id,
        caller=Caller(scan.partner_id, scan.till_id, scan.test, till.latitude, till.longitude),
        digest=scan.code_digest,
        verdict=Verdict(
            valid=scan.valid,
            reason=Reason(scan.reason),
            cause=scan.cause,
            checked_at=scan.at,
            grade=Grade(scan.grade) if scan.grade else None,
            carrier=Carrier(scan.carrier) if scan.carrier else None,
            advice=tuple(scan.advice.split()),
            test=scan.test,
            verification_id=scan.id,
            accepted_moment=scan.accepted_moment,
        ),
    )
