"""The books of one batch of verifications: what was read for it and what it will write.

Knows the order within a batch and the compare-and-set that makes a live code count once; one
statement each, whatever the size. Hides both from the recorder, which lets `verify` decide in
between.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Update, bindparam, func, insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import uuid7
from app.errors import Forbidden
from app.verification import records, sandbox
from app.verification.codes import fingerprint
from app.verification.late import Statuses
from app.verification.model import Scan, WebshopCode
from app.verification.records import Entry
from app.verification.tills import Credential
from app.verification.verdict import Caller, OneTime, PassState, PastScan, Verdict
from app.verification.verify import Examined, wants_history

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


INSERT = insert(Scan)
_COLUMNS = ", ".join(column.name for column in Scan.__table__.c)
# All rows in one parameter: PostgreSQL's driver sends and hears of every row by itself otherwise.
INSERT_TOGETHER = text(
    f"INSERT INTO scan ({_COLUMNS})"  # noqa: S608 - the names of our own columns
    f" SELECT {_COLUMNS} FROM json_populate_recordset(NULL::scan, :rows)"
)
USE_UP = (
    update(WebshopCode)
    .where(WebshopCode.code_sha256 == bindparam("code"), WebshopCode.used_at.is_(None))
    .values(used_at=bindparam("at"))
)


class Ledger:
    """One batch's view of the tables inside one transaction, and what it will write.

    What `enter` notes is seen at once by later presentations of the same batch, so that they
    are judged in order of arrival; nothing reaches the database before `write`.
    """

    def __init__(
        self,
        session: Session,
        callers: Mapping[Credential, Caller | Forbidden],
        examined: Iterable[Examined],
        *,
        at: datetime,
        nonces: Collection[uuid.UUID] = (),
    ) -> None:
        """`at` is the earliest moment to judge; `nonces` are those of uploads in this batch."""
        self._session = session
        readable = list(examined)
        self._uploading = bool(nonces)
        self._at = at
        self._callers = callers
        self._states = records.states(session, readable)
        self._history = records.history(session, self._remembered(readable), at=at)
        self._rehearsals = records.rehearsals(session, self._testers(readable), at=at)
        self._uploads = records.uploads(session, nonces)
        self._statuses = records.statuses(session, self._cards(readable) if nonces else ())
        self._scans: list[dict[str, Any]] = []
        self._used: list[dict[str, Any]] = []
        self._accepted: dict[uuid.UUID, dict[str, Any]] = {}

    def state(self, examined: Examined, caller: Caller) -> PassState | None:
        """The pass or card meant, as it stands now."""
        rehearsed = self._rehearsals[caller.partner_id]
        acting = sandbox.state_of(examined, rehearsed, now=self._at)
        return acting or self._states.get(examined.names)

    def past(self, state: PassState | None, caller: Caller) -> Sequence[PastScan]:
        """Earlier scans of the card, as far as the rules may look at them."""
        return self._past(state, caller) if state else ()

    def upload(self, caller: Caller, nonce: uuid.UUID) -> PastScan | None:
        """What this till uploaded under a nonce before."""
        return self._uploads.get((caller.till_id, nonce))

    def statuses(self, state: PassState | None) -> Statuses:
        """The statuses of the card through time; for uploads only."""
        return self._statuses[state.card_id] if state and state.card_id else ()

    def enter(
        self, verdict: Verdict, examined: Examined | None, *, caller: Caller, entry: Entry
    ) -> Verdict:
        """Note a fresh verdict under its new verification id."""
        verdict = replace(verdict, verification_id=uuid7())
        state = self.state(examined, caller) if examined else None
        digest = examined.digest if examined else b""
        self._scans.append(records.scan_row(verdict, state, digest, caller=caller, entry=entry))
        past = PastScan(state.pass_id if state else None, caller, digest, verdict)
        if entry.upload:
            self._uploads[caller.till_id, entry.upload.nonce] = past
        if examined and state:
            self._past(state, caller).append(past)
            if verdict.valid and state.one_time:
                self._use_up(examined, state, state.one_time, verdict)
            elif verdict.valid and state.pass_id and not entry.upload:
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

    def _use_up(
        self, examined: Examined, state: PassState, code: OneTime, verdict: Verdict
    ) -> None:
        used = replace(code, used_at=verdict.checked_at)
        self._states[examined.names] = replace(state, one_time=used)
        self._used.append({"code": fingerprint(str(examined.names)), "at": verdict.checked_at})

    def write(self) -> None:
        """Store scans and accepted moments; `Overtaken` when another process was first."""
        if self._scans:
            self._insert()
        if self._used:
            # Sorted as below, and only once whoever races.
            self._raise_all(USE_UP, sorted(self._used, key=itemgetter("code")))
        if not self._accepted:
            return
        # In one order everywhere: two batches over the same passes wait, they do not deadlock.
        rows = [self._accepted[pass_id] for pass_id in sorted(self._accepted)]
        self._raise_all(RAISE_MOMENT, rows)

    def _raise_all(self, statement: Update, rows: list[dict[str, Any]]) -> None:
        result = self._session.connection().execute(statement, rows)
        if result.rowcount != len(rows):
            raise Overtaken

    def _insert(self) -> None:
        connection = self._session.connection()
        try:
            if connection.dialect.name == "postgresql":
                connection.execute(INSERT_TOGETHER, {"rows": _json(self._scans)})
            else:
                connection.execute(INSERT, self._scans)
        except IntegrityError as error:
            if not self._uploading:
                raise
            raise Overtaken from error  # the same upload, at another process

    def _past(self, state: PassState, caller: Caller) -> list[PastScan]:
        """Every partner rehearses alone, so that nobody uses up the test cards of another."""
        if state.card_id is None:
            return self._rehearsals[caller.partner_id]
        return self._history[state.card_id]

    def _testers(self, examined: Iterable[Examined]) -> set[uuid.UUID]:
        if not any(sandbox.part_of(one) for one in examined):
            return set()
        known = (one for one in self._callers.values() if isinstance(one, Caller))
        return {caller.partner_id for caller in known if caller.test}

    def _remembered(self, examined: Iterable[Examined]) -> set[uuid.UUID]:
        if self._uploading:
            return self._cards(examined)
        states = ((one, self._states.get(one.names)) for one in examined)
        return {
            state.card_id
            for one, state in states
            if state and state.card_id and wants_history(one, state)
        }

    def _cards(self, examined: Iterable[Examined]) -> set[uuid.UUID]:
        states = (self._states.get(one.names) for one in examined)
        return {state.card_id for state in states if state and state.card_id}


def _json(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as PostgreSQL reads them from JSON; bytes in its own hexadecimal form."""
    hexed = [row | {"code_digest": f"\\x{row['code_digest'].hex()}"} for row in rows]
    return msgspec.json.encode(hexed).decode()
