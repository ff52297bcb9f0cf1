"""The thread that gives every verdict its place in the database before it is answered.

Requests that arrive together share one transaction: their till keys, passes and cards,
and earlier scans are read with one query each, judged in order of arrival, and their scans
and accepted moments written with one statement each. So every verdict rests on the state
at that very moment and is durable before anybody hears it; there is no cache to go stale.
A batch that fails is repeated one by one, so that a bad item fails alone; not when it is the
database that fails, which would only be waited for as often as there are items.
"""

import asyncio
import queue
import threading
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import structlog
from sqlalchemy.orm import Session

from app import metrics
from app.cards.keyring import KeyRing, Keys
from app.cards.token import Fault
from app.db import AWAY, Database
from app.errors import Conflict, Failure, Forbidden, Unauthenticated, Unavailable
from app.verification.callers import callers, callers_by_token
from app.verification.late import judge_upload
from app.verification.ledger import Ledger, Overtaken
from app.verification.records import Entry
from app.verification.tills import Credential, PresentedKey, TokenAtTill
from app.verification.verdict import Asked, Caller, PastScan, Reason, Verdict
from app.verification.verify import Examined, Superseded, examine, judge, refusal

MAX_BATCH = 256
MAX_WAITING = 4 * MAX_BATCH
MAX_PARTNERS_KNOWN = 20_000
OVERTAKEN_ATTEMPTS = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Presentation:
    """One request for a verdict, as it came in; the caller is known once the key was found."""

    text: str
    key: Credential
    channel: str
    asked: Asked
    till_id: uuid.UUID | None = None
    benefit_id: uuid.UUID | None = None

    @property
    def entry(self) -> Entry:
        """What goes on record of it beside the verdict."""
        return Entry(self.channel, self.benefit_id, self.asked.upload)


class PartnersOf(Protocol):
    """How another room says whose access tokens these are; None where one may not verify."""

    def __call__(
        self, session: Session, presented: Collection[Any], /, *, now: datetime
    ) -> Mapping[Any, uuid.UUID | None]:
        """The partner behind each token that counts now."""


def nobody(
    _session: Session,
    _presented: Collection[Any],
    /,
    *,
    now: datetime,  # noqa: ARG001 - as above
) -> Mapping[Any, uuid.UUID | None]:
    """Where no access token counts."""
    return {}


Outcome = Verdict | Failure
Future = asyncio.Future[Verdict]
Waiting = tuple[Presentation, Future]


class Recorder:
    """Hands presentations to its thread and verdicts back to whoever waits.

    `start` and `stop` belong to the lifespan of the web process. More than `MAX_WAITING`
    requests at once are refused as `Unavailable`: an honest "try again" beats a long queue.
    """

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        *,
        code_base: str,
        superseded: Superseded,
        partners_of: PartnersOf = nobody,
    ) -> None:
        self._database = database
        self._ring = ring
        self._code_base = code_base
        self._superseded: Superseded = superseded
        self._partners_of = partners_of
        self._partners: dict[Credential, uuid.UUID] = {}
        self._waiting: queue.SimpleQueue[Waiting | None]
        self._waiting = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to take presentations."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    async def verify(self, presentation: Presentation) -> Verdict:
        """The recorded verdict; `Unauthenticated` for a bad key, `Unavailable` if not recorded."""
        if self._waiting.qsize() >= MAX_WAITING:
            raise Unavailable("Too many checks are waiting; try again at once.", retry_after_s=1)
        loop = asyncio.get_running_loop()
        future: Future = loop.create_future()
        self._waiting.put((presentation, future))
        return await future

    def partner_of(self, credential: Credential) -> uuid.UUID | None:
        """Whose credential this was when it last asked: for limits only, and no proof."""
        return self._partners.get(credential)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                if (item := self._waiting.get()) is None:
                    self._waiting.put(None)
                    break
                batch.append(item)
            outcomes = self._record([presentation for presentation, _ in batch])
            metrics.judged([one.reason for one in outcomes if isinstance(one, Verdict)])
            _tell([future for _, future in batch], outcomes)

    def _record(self, batch: Sequence[Presentation]) -> Sequence[Outcome]:
        try:
            keys = self._ring.keys
            examined = [examine(one.text, keys, code_base=self._code_base) for one in batch]
            return self._transact(batch, examined, keys)
        except Unavailable as fenced:
            return [fenced] * len(batch)
        except Exception as error:  # whatever it was, every till gets an answer
            if len(batch) > 1 and not isinstance(error, AWAY):
                log.warning("verification-batch-split", size=len(batch), fault=type(error).__name__)
                return [self._record([one])[0] for one in batch]
            log.exception("verification-not-recorded", size=len(batch))
            failure = Unavailable("The check could not be recorded, so it does not count.")
            failure.__cause__ = error
            return [failure] * len(batch)

    def _transact(
        self, batch: Sequence[Presentation], examined: Sequence[Examined | Fault], keys: Keys
    ) -> Sequence[Outcome]:
        for attempt in range(1, OVERTAKEN_ATTEMPTS + 1):
            try:
                return self._database.transact(
                    lambda session: self._decide(session, batch, examined, keys)
                )
            except Overtaken:
                if attempt == OVERTAKEN_ATTEMPTS:
                    raise
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _decide(
        self,
        session: Session,
        batch: Sequence[Presentation],
        examined: Sequence[Examined | Fault],
        keys: Keys,
    ) -> Sequence[Outcome]:
        readable = [one for one in examined if isinstance(one, Examined)]
        callers = self._callers(session, batch)
        ledger = Ledger(
            session,
            callers,
            readable,
            at=min(one.asked.at for one in batch),
            nonces={one.asked.upload.nonce for one in batch if one.asked.upload},
        )
        outcomes = [
            self._verdict(ledger, one, read, callers.get(one.key), keys)
            for one, read in zip(batch, examined, strict=True)
        ]
        ledger.write()
        return outcomes

    def _callers(
        self, session: Session, batch: Sequence[Presentation]
    ) -> dict[Credential, Caller | Forbidden]:
        asking = {one.key for one in batch}
        found: dict[Credential, Caller | Forbidden] = {}
        if keys := [one for one in asking if isinstance(one, PresentedKey)]:
            found.update(callers(session, keys))
        if at_tills := [one for one in asking if isinstance(one, TokenAtTill)]:
            now = max(one.asked.received_at for one in batch)
            partners = self._partners_of(session, {one.token for one in at_tills}, now=now)
            found |= callers_by_token(session, at_tills, partners)
        if len(self._partners) > MAX_PARTNERS_KNOWN:
            self._partners.clear()
        for key, caller in found.items():
            if isinstance(caller, Caller):
                self._partners[key] = caller.partner_id
        return found

    def _verdict(
        self,
        ledger: Ledger,
        one: Presentation,
        read: Examined | Fault,
        caller: Caller | Forbidden | None,
        keys: Keys,
    ) -> Outcome:
        if caller is None:
            return Unauthenticated("This till key or access token is not valid.")
        if isinstance(caller, Forbidden):
            return caller
        if one.till_id not in {None, caller.till_id}:
            return Forbidden("This key belongs to another till than the one named.")
        asked = replace(one.asked, caller=caller)
        if asked.upload and (before := ledger.upload(caller, asked.upload.nonce)):
            return _uploaded_before(before, read)
        verdict = self._judged(ledger, read, asked, caller, keys)
        if verdict.repeat:
            return verdict
        examined = None if isinstance(read, Fault) else read
        return ledger.enter(verdict, examined, caller=caller, entry=one.entry)

    def _judged(
        self, ledger: Ledger, read: Examined | Fault, asked: Asked, caller: Caller, keys: Keys
    ) -> Verdict:
        if isinstance(read, Fault):
            return refusal(Reason(read.value), read.value, asked.at)
        state = ledger.state(read, caller)
        past = ledger.past(state, caller)
        if asked.upload:
            return judge_upload(read, state, ledger.statuses(state), past, asked)
        return judge(read, state, past, asked, keys=keys, superseded=self._superseded)


def _uploaded_before(before: PastScan, read: Examined | Fault) -> Outcome:
    """The verdict of the first upload under this nonce; initials are not stored."""
    if before.digest != (b"" if isinstance(read, Fault) else read.digest):
        return Conflict("Another scan was uploaded under this nonce before.")
    return replace(before.verdict, repeat=True)


def _tell(futures: Sequence[Future], outcomes: Sequence[Outcome]) -> None:
    """Wake every loop that waits, once."""
    told: defaultdict[asyncio.AbstractEventLoop, list[tuple[Future, Outcome]]] = defaultdict(list)
    for future, outcome in zip(futures, outcomes, strict=True):
        told[future.get_loop()].append((future, outcome))
    for loop, answers in told.items():
        # A loop that is closed has nobody left who waits; the scans are recorded all the same.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Sequence[tuple[Future, Outcome]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue  # the till hung up; its scan is recorded all the same
        if isinstance(outcome, Failure):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
