"""The books of one batch of verifications: what was read for it and what it will write.

Knows the order within a batch, and that the passes it reads are held until it is written, which
makes a live code count once and every limit exact at any number of processes. One statement each,
whatever the size; hides them from the recorder, which lets `verify` decide in between.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, text, update
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
    """Another process took the same upload between our look and our write."""


INSERT = insert(Scan)
_COLUMNS = ", ".join(column.name for column in Scan.__table__.c)
# All rows in one parameter: PostgreSQL's driver sends and hears of every row by itself otherwise.
INSERT_TOGETHER = text(
    f"INSERT INTO scan ({_COLUMNS})"  # noqa: S608 - the names of our own columns
    f" SELECT {_COLUMNS} FROM json_populate_recordset(NULL::scan, :rows)"
)
ACCEPT = (
    update(WalletPass)
    .where(WalletPass.id == bindparam("this"))
    .values(
        last_accepted=func.coalesce(bindparam("moment"), WalletPass.last_accepted),
        rotation_due_at=func.coalesce(WalletPass.rotation_due_at, bindparam("due")),
    )
)
ACCEPT_TOGETHER = text(
    "UPDATE wallet_pass SET last_accepted = coalesce(its.moment, last_accepted),"
    " rotation_due_at = coalesce(rotation_due_at, its.due)"
    " FROM json_to_recordset(:rows) AS its (this uuid, moment bigint, due timestamptz)"
    " WHERE id = its.this"
)
USE_UP = (
    update(WebshopCode)
    .where(WebshopCode.code_sha256 == bindparam("code"))
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
        self._states = records.states(session, readable, held=True)
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
        self._accepted[state.pass_id] = {
            "this": state.pass_id,
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
        """Store scans and accepted moments; `Overtaken` when another process took an upload."""
        connection = self._session.connection()
        together = connection.dialect.name == "postgresql"
        if self._scans:
            self._insert(connection, together=together)
        if self._used:
            connection.execute(USE_UP, self._used)
        if not self._accepted:
            return
        rows = list(self._accepted.values())
        if together:
            connection.execute(ACCEPT_TOGETHER, {"rows": _json(rows)})
        else:
            connection.execute(ACCEPT, rows)

    def _insert(self, connection: Connection, *, together: bool) -> None:
        try:
            if together:
                hexed = [
                    row | {"code_digest": f"\\x{row['code_digest'].hex()}"} for row in self._scans
                ]
                connection.execute(INSERT_TOGETHER, {"rows": _json(hexed)})
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
    """Rows as PostgreSQL reads them from JSON."""
    return msgspec.json.encode(rows).decode()
