"""What a batch of verifications reads and writes: one statement each, whatever its size.

Knows the tables and the compare-and-set that makes a live code count once; hides SQL from
the recorder, which lets `verify` decide in between.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.cards.entitlement import card_year
from app.cards.keyring import Keys
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier, Fault
from app.db import uuid7
from app.errors import NotFound, Unauthenticated
from app.verification.model import REMEMBERED, Partner, Scan, Till, TillKey
from app.verification.tills import PresentedKey
from app.verification.verdict import Asked, Caller, Grade, PassState, PastScan, Reason, Verdict
from app.verification.verify import (
    HISTORY,
    WRONG_DIGITS,
    Examined,
    Superseded,
    examine,
    judge,
    refusal,
    wants_history,
)

# A code that a copy may carry is due for its next generation once it was used (section 5).
ROTATING = {Carrier.APPLE, Carrier.GOOGLE}


class Overtaken(Exception):
    """Another process accepted a code of the same pass between our look and our write."""


_SEEN = bindparam("seen", type_=WalletPass.__table__.c.last_accepted.type)
# Compare-and-set: only while nobody else has accepted a code of this pass since we looked.
RAISE_MOMENT = (
    update(WalletPass)
    .where(WalletPass.id == bindparam("this"))
    .where(WalletPass.last_accepted.is_not_distinct_from(_SEEN))
    .values(
        last_accepted=func.coalesce(bindparam("moment"), WalletPass.last_accepted),
        rotation_due_at=func.coalesce(WalletPass.rotation_due_at, bindparam("due")),
    )
)


class Ledger:
    """One batch's view of the tables inside one transaction, and what it will write.

    What `enter` notes is seen at once by later presentations of the same batch, so that they
    are judged in order of arrival; nothing reaches the database before `write`.
    """

    def __init__(
        self,
        session: Session,
        keys: Iterable[PresentedKey],
        examined: Iterable[Examined],
        *,
        at: datetime,
    ) -> None:
        self._session = session
        readable = list(examined)
        self._callers = _callers(session, keys)
        self._states = _states(session, readable)
        self._history = _history(session, self._remembered(readable), at=at)
        self._scans: list[dict[str, Any]] = []
        self._accepted: dict[uuid.UUID, dict[str, Any]] = {}

    def caller(self, key: PresentedKey) -> Caller | None:
        """The till behind a key; None when the key is unknown, wrong, revoked or stopped."""
        return self._callers.get(key)

    def state(self, examined: Examined) -> PassState | None:
        """The pass or card meant, as it stands now."""
        return self._states.get(examined.names)

    def past(self, state: PassState | None) -> Sequence[PastScan]:
        """Earlier scans of the card, as far as the rules may look at them."""
        return self._history[state.card_id] if state else ()

    def enter(
        self, verdict: Verdict, examined: Examined | None, *, caller: Caller, channel: str
    ) -> Verdict:
        """Note a fresh verdict under its new verification id."""
        verdict = replace(verdict, verification_id=uuid7())
        state = self.state(examined) if examined else None
        digest = examined.digest if examined else b""
        self._scans.append(_row(verdict, state, digest, caller=caller, channel=channel))
        if examined and state:
            self._history[state.card_id].append(PastScan(state.pass_id, caller, digest, verdict))
            if verdict.valid and state.pass_id:
                self._accept(examined, state, verdict)
        return verdict

    def _accept(self, examined: Examined, state: PassState, verdict: Verdict) -> None:
        assert state.pass_id is not None  # noqa: S101 - the caller looked; this tells the checker
        before = self._accepted.get(state.pass_id)
        self._accepted[state.pass_id] = {
            "this": state.pass_id,
            "seen": before["seen"] if before else state.last_accepted,
            "moment": verdict.accepted_moment,
            "due": verdict.checked_at if state.carrier in ROTATING else None,
        }
        if verdict.accepted_moment is not None:
            self._states[examined.names] = replace(state, last_accepted=verdict.accepted_moment)

    def write(self) -> None:
        """Store scans and accepted moments; `Overtaken` when another process was first."""
        if self._scans:
            self._session.execute(insert(Scan), self._scans)
        if not self._accepted:
            return
        # In one order everywhere: two batches over the same passes wait, they do not deadlock.
        rows = [self._accepted[pass_id] for pass_id in sorted(self._accepted)]
        result = self._session.connection().execute(RAISE_MOMENT, rows)
        if result.rowcount != len(rows):
            raise Overtaken

    def _remembered(self, examined: Iterable[Examined]) -> set[uuid.UUID]:
        states = ((one, self._states.get(one.names)) for one in examined)
        return {state.card_id for one, state in states if state and wants_history(one, state)}


def look(
    session: Session,
    text: str,
    asked: Asked,
    *,
    keys: Keys,
    code_base: str,
    superseded: Superseded,
) -> Verdict:
    """The verdict of this moment for anybody, recorded nowhere and consuming nothing."""
    examined = examine(text, keys, code_base=code_base)
    if isinstance(examined, Fault):
        return refusal(Reason(examined.value), examined.value, asked.at)
    state = _states(session, [examined]).get(examined.names)
    return judge(examined, state, (), asked, keys=keys, superseded=superseded)


def recorded(session: Session, scan_id: uuid.UUID, key: PresentedKey) -> tuple[Verdict, str]:
    """An earlier verdict and its channel, for the partner who got it; `NotFound` otherwise."""
    caller = _callers(session, [key]).get(key)
    if caller is None:
        raise Unauthenticated("This till key is not valid.")
    found = select(Scan, Till).join(Till, Scan.till_id == Till.id).where(Scan.id == scan_id)
    row = session.execute(found.where(Scan.partner_id == caller.partner_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such verification.")
    scan, till = row
    return _past(scan, till).verdict, scan.channel


def _callers(session: Session, keys: Iterable[PresentedKey]) -> dict[PresentedKey, Caller]:
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


def _states(session: Session, examined: Iterable[Examined]) -> dict[int | str, PassState]:
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


def _history(
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


def _row(
    verdict: Verdict, state: PassState | None, digest: bytes, *, caller: Caller, channel: str
) -> dict[str, Any]:
    return {
        "id": verdict.verification_id,
        "partner_id": caller.partner_id,
        "till_id": caller.till_id,
        "card_id": state and state.card_id,
        "pass_id": state and state.pass_id,
        "at": verdict.checked_at,
        "channel": channel,
        "carrier": verdict.carrier,
        "valid": verdict.valid,
        "reason": verdict.reason,
        "cause": verdict.cause,
        "grade": verdict.grade,
        "advice": " ".join(verdict.advice),
        "test": verdict.test,
        "code_digest": digest,
        "accepted_moment": verdict.accepted_moment,
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
        pass_revoked=wallet_pass.revoked_at is not None,
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
