"""Send what is due: a few mails a batch, over one connection, while no transaction is open.

A mail is gone from the rows after the server took it. Whoever dies in between sends it again
under the same Message-ID: at least once, and recognisably the same.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from app.cards.keyring import KeyRing
from app.cards.model import Teacher
from app.db import Database
from app.errors import Unavailable
from app.notices import outbox
from app.notices.model import Kind, Notice, Subscription
from app.notices.post import Connection, Refused, Relay
from app.notices.subscribing import CONFIRM, STOP, address_of, link_token

BATCH = 10
# After so long a batch sends no more, so that a worker that was told to stop does.
BUDGET_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, in one language."""

    subject: str
    text: str
    html: str


class Writing(Protocol):
    """Whoever finds the words; `confirm` and `stop` are links."""

    def __call__(
        self, kind: Kind, why: str, language: str, *, confirm: str | None, stop: str
    ) -> Letter:
        """The letter of one notice."""


class Sending:
    """The job of a worker; any number of processes share the work."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        relay: Relay,
        *,
        public_url: str,
        write: Writing,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._ring = ring
        self._relay = relay
        self._public_url = public_url
        self._write = write
        self._clock = clock

    def run(self) -> int:
        """Send one batch; how many mails were tried, 0 when nothing is due or nobody takes it."""
        now = self._clock()
        notices = self._database.transact(lambda s: outbox.take(s, limit=BATCH, now=now))
        if not notices:
            return 0
        sent, until = 0, time.monotonic() + BUDGET_S
        waiting = [notice.id for notice in notices]
        try:
            with self._relay.connected() as connection:
                for notice in notices:
                    if time.monotonic() > until:
                        break
                    sent += self._send(connection, notice)
                    waiting.remove(notice.id)
        except Unavailable as fault:
            log.warning("mail-server-away", fault=type(fault.__cause__).__name__)
            self._put_off(waiting, reason="no-answer")
            return 0
        self._put_off(waiting, reason="no-time")
        log.info("notices-sent", count=sent)
        return len(notices)

    def _send(self, connection: Connection, notice: Notice) -> bool:
        mail = self._mail(notice)
        try:
            if mail is not None:
                connection.send(mail)
        except Refused as refusal:
            log.warning("notice-refused", code=str(refusal), final=refusal.final)
            now, reason, final = self._clock(), str(refusal), refusal.final
            self._database.transact(
                lambda s: outbox.failed(s, notice.id, reason=reason, final=final, now=now)
            )
            return False
        self._database.transact(lambda session: outbox.gone(session, notice.id))
        return mail is not None

    def _put_off(self, ids: list[uuid.UUID], *, reason: str) -> None:
        now = self._clock()

        def work(session: Session) -> None:
            for one in ids:
                outbox.failed(session, one, reason=reason, final=False, now=now)

        self._database.transact(work)

    def _mail(self, notice: Notice) -> EmailMessage | None:
        """The mail of a notice; None when its subscription ended meanwhile."""
        keys, at = self._ring.keys, f"{self._public_url}/notices"
        with self._database.reading() as session:
            wish = session.get(Subscription, notice.teacher_id)
            teacher = session.get_one(Teacher, notice.teacher_id)
            if wish is None or teacher.address is None:
                return None
            address = address_of(keys, teacher)
        confirm = None
        if notice.kind == Kind.CONFIRM:
            confirm = f"{at}/confirm/{link_token(keys, wish, place=CONFIRM)}"
        stop = f"{at}/stop/{link_token(keys, wish, place=STOP)}"
        letter = self._write(
            Kind(notice.kind), notice.why, wish.language, confirm=confirm, stop=stop
        )
        return self._envelope(notice, letter, address=address, stop=stop)

    def _envelope(self, notice: Notice, letter: Letter, *, address: str, stop: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._relay.sender
        mail["To"] = address
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(notice.at)
        mail["Message-ID"] = f"<{notice.id}@{urlsplit(self._public_url).hostname}>"
        # RFC 3834: no holiday answers; RFC 8058: one press in the mail program ends it.
        mail["Auto-Submitted"] = "auto-generated"
        mail["List-Unsubscribe"] = f"<{stop}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(letter.text)
        mail.add_alternative(letter.html, subtype="html")
        return mail
