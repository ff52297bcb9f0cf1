"""Bring every pass that lags into line at its wallet: reconciliation, a batch at a time.

A batch is leased in one transaction, brought to the wallet while none is open, and settled in
another. Whatever dies in between, the pass still lags and is brought again: nothing is
lost, and bringing twice does no harm. Only the newest state is ever brought.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from app.cards.keyring import KeyRing, Keys
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.errors import Unavailable
from app.passes import lease, progress
from app.passes.apple.apns import Apns, Fate, PushAnswer
from app.passes.codes import content_of, totp_key_of
from app.passes.google.answer import GoogleRefused, NoAccess
from app.passes.google.passes import GooglePasses
from app.passes.lease import Answer, Due, Gone, Outcome
from app.passes.model import DeviceRegistration

BATCH = 100
# After a fault of ours one pass is tried again this late: knocking harder helps nobody.
REST = timedelta(minutes=15)
TELL_EVERY = timedelta(minutes=1)
GOOGLE_THREADS = 8
HICCUP_S = 60.0

log = structlog.get_logger()


class Wallet(Protocol):
    """Where passes are brought to.

    `deliver` gives an outcome for each pass that was tried. A pass without one was not at
    fault: the wallet refuses us, and nothing more is brought for a while.
    """

    @property
    def carrier(self) -> Carrier:
        """Whose passes these are."""

    def deliver(self, due: Sequence[Due], *, now: datetime) -> list[Outcome]:
        """Bring the present state of these passes; no transaction is open."""


class Delivery:
    """The delivery to one wallet; one thread runs it, any number of processes share the work."""

    def __init__(
        self, database: Database, wallet: Wallet, *, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._wallet = wallet
        self._clock = clock
        self._limit = BATCH
        self._rests_until: datetime | None = None
        self._told_at: datetime | None = None

    def run(self) -> int:
        """Deliver one batch; the number of passes that were tried, 0 when nothing is due."""
        now = self._clock()
        if self._rests_until and now < self._rests_until:
            return 0
        batch = self._database.transact(
            lambda session: lease.take(session, self._wallet.carrier, limit=self._limit, now=now)
        )
        if not batch.due:
            return 0
        outcomes = self._wallet.deliver(batch.due, now=now)
        settled_at = self._clock()
        refused = len(batch.due) - len(outcomes)

        def settle(session: Session) -> None:
            lease.settle(session, batch, outcomes, now=settled_at)
            progress.note(
                session,
                self._wallet.carrier,
                delivered=sum(one.failure is None for one in outcomes),
                refused=refused > 0,
                begun_at=now,
                ended_at=settled_at,
            )

        self._database.transact(settle)
        self._learn(outcomes, refused=refused, now=settled_at)
        self._tell(settled_at)
        return len(batch.due)

    def _tell(self, now: datetime) -> None:
        """While much is under way, say now and then how far it has come."""
        if self._told_at and now < self._told_at + TELL_EVERY:
            return
        self._told_at = now
        with self._database.reading() as session:
            standing = progress.read(session, self._wallet.carrier, now=now)
        log.info("delivery-progress", wallet=self._wallet.carrier.label, **asdict(standing))

    def _learn(self, outcomes: Sequence[Outcome], *, refused: int, now: datetime) -> None:
        """While a wallet takes nothing, one pass at a time is enough to see when it does again."""
        answered = any(one.failure is None or one.final for one in outcomes)
        self._limit = BATCH if answered and not refused else 1
        self._rests_until = now + REST if refused else None
        log.info(
            "delivered",
            wallet=self._wallet.carrier.label,
            delivered=sum(one.failure is None for one in outcomes),
            failed=sum(one.failure is not None and not one.final for one in outcomes),
            parked=sum(one.final for one in outcomes),
            refused=refused,
        )


class AppleDevices:
    """Apple's wallet: every device that registered for a pass is told to fetch it."""

    carrier: ClassVar = Carrier.APPLE

    def __init__(self, database: Database, apns: Apns) -> None:
        self._database = database
        self._apns = apns
        # Devices told already of a revision for which another device of the pass still waits.
        # Forgotten when the process ends: then they are told once more.
        self._told: dict[uuid.UUID, tuple[int, set[str]]] = {}

    def deliver(self, due: Sequence[Due], *, now: datetime) -> list[Outcome]:
        """Push once to every device concerned; a pass that no device has is in line already."""
        devices = self._registered(due)
        waiting = {one.pass_id: devices[one.pass_id].keys() - self._told_of(one) for one in due}
        tokens = list(dict.fromkeys(token for one in due for token in waiting[one.pass_id]))
        answers = dict(zip(tokens, self._apns.push(tokens, now=now), strict=True))
        outcomes = []
        for one in due:
            its = {token: answers[token] for token in waiting[one.pass_id]}
            if faults := [a.reason for a in its.values() if a.fate is Fate.MISCONFIGURED]:
                log.error("apns-refuses-us", reason=faults[0])
            else:
                outcomes.append(self._outcome(one, its, devices[one.pass_id]))
        return outcomes

    def _registered(self, due: Sequence[Due]) -> dict[uuid.UUID, dict[str, datetime]]:
        """The push tokens of every pass, and since when each is registered."""
        found: dict[uuid.UUID, dict[str, datetime]] = defaultdict(dict)
        rows = select(
            DeviceRegistration.pass_id,
            DeviceRegistration.push_token,
            DeviceRegistration.registered_at,
        ).where(DeviceRegistration.pass_id.in_([one.pass_id for one in due]))
        with self._database.reading() as session:
            for pass_id, token, registered_at in session.execute(rows):
                found[pass_id][token] = registered_at
        return found

    def _told_of(self, one: Due) -> set[str]:
        revision, told = self._told.get(one.pass_id, (0, set()))
        return told if revision == one.revision else set()

    def _outcome(
        self, one: Due, answers: dict[str, PushAnswer], registered: dict[str, datetime]
    ) -> Outcome:
        gone = tuple(
            Gone(token, answer.gone_since)
            for token, answer in answers.items()
            if answer.fate is Fate.GONE
            and (answer.gone_since is None or registered[token] <= answer.gone_since)
        )
        accepted = {token for token, a in answers.items() if a.fate is Fate.ACCEPTED}
        open_ = answers.keys() - accepted - {each.push_token for each in gone}
        if not open_:
            self._told.pop(one.pass_id, None)
            return Outcome(one.pass_id, one.revision, gone=gone)
        self._told[one.pass_id] = (one.revision, self._told_of(one) | accepted)
        failure = min(answers[token].reason for token in open_)
        return Outcome(one.pass_id, one.revision, failure=failure, gone=gone)


class GoogleObjects:
    """Google's wallet: the object of a pass is brought to the state that the rows have."""

    carrier: ClassVar = Carrier.GOOGLE

    def __init__(
        self, database: Database, ring: KeyRing, google: GooglePasses, *, code_base: str
    ) -> None:
        self._database = database
        self._ring = ring
        self._google = google
        self._code_base = code_base
        self._class_brought = False

    def bring_class(self, *, now: datetime) -> int:
        """Bring what all passes share, once in a process; 0, since it is no batch."""
        if not self._class_brought:
            try:
                self._google.put_class(now=now)
                self._class_brought = True
            except Unavailable as fault:
                log.error("google-class-waits", reason=str(fault.__cause__))  # noqa: TRY400 - no fault of ours to trace
        return 0

    def deliver(self, due: Sequence[Due], *, now: datetime) -> list[Outcome]:
        """Bring the objects, several at a time; Google's pace is kept by its client."""
        keys = self._ring.keys
        passes = self._passes(one.pass_id for one in due)
        with ThreadPoolExecutor(GOOGLE_THREADS) as threads:
            brought = [(one, threads.submit(self._bring, one, keys, now)) for one in passes]
        outcomes = [_acknowledged(wallet_pass, future) for wallet_pass, future in brought]
        if any(one.answer for one in outcomes if one):
            # Whom Google answers it does not refuse: a hiccup of its own.
            again = (_failed(one, "refused", wait_s=HICCUP_S) for one, _ in brought)
            return [one or failed for one, failed in zip(outcomes, again, strict=True)]
        return [one for one in outcomes if one]

    def _passes(self, ids: Iterable[uuid.UUID]) -> Sequence[WalletPass]:
        wanted = (
            select(WalletPass)
            .join(WalletPass.card)
            .join(Card.teacher)
            .where(WalletPass.id.in_(list(ids)))
            .options(contains_eager(WalletPass.card).contains_eager(Card.teacher))
        )
        with self._database.reading() as session:
            return session.scalars(wanted).all()

    def _bring(self, wallet_pass: WalletPass, keys: Keys, now: datetime) -> Answer:
        content = content_of(wallet_pass, keys=keys, base=self._code_base)
        totp_key = totp_key_of(wallet_pass, keys=keys)
        bring = self._google.put if wallet_pass.pushed_revision == 0 else self._google.patch
        has_users = bring(content, totp_key=totp_key, now=now)
        return Answer(wallet_pass.generation, has_users, asked_at=now)


def _acknowledged(wallet_pass: WalletPass, future: "Future[Answer]") -> Outcome | None:
    """The outcome for the revision that was read; a pass that breaks our code fails alone.

    None when it is us that Google refuses.
    """
    fault = future.exception()
    if fault is None:
        return Outcome(wallet_pass.id, wallet_pass.revision, answer=future.result())
    if isinstance(fault, NoAccess):
        log.error("google-refuses-us", reason=str(fault.__cause__))
        return None
    if isinstance(fault, GoogleRefused):
        log.error("google-refused", status=fault.status, reason=fault.reason)
        failure = f"{fault.status} {fault.reason}"
        return Outcome(wallet_pass.id, wallet_pass.revision, failure=failure, final=True)
    if isinstance(fault, Unavailable):
        return _failed(wallet_pass, "unavailable", wait_s=float(fault.retry_after_s))
    log.error("pass-not-made", pass_id=str(wallet_pass.id), exc_info=fault)
    return _failed(wallet_pass, type(fault).__name__)


def _failed(wallet_pass: WalletPass, failure: str, *, wait_s: float = 0.0) -> Outcome:
    return Outcome(wallet_pass.id, wallet_pass.revision, failure=failure, wait_s=wait_s)
