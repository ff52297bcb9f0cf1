"""A teacher with a card, a mail server that speaks real SMTP, and the job that sends."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle, names, teachers
from app.cards.card_year import card_year
from app.cards.keyring import KeyRing
from app.cards.model import Card, Teacher
from app.cards.names import Name
from app.db import Database
from app.notices import outbox, subscribing
from app.notices.model import Notice
from app.notices.post import Relay
from app.notices.sending import Sending
from app.web.notice_texts import Writer
from app.web.texts import Texts
from demo import apple_certificates, mail
from demo.mail import Mailbox
from demo.serving import free_port
from demo.world import wall_clock

ADDRESS = "annelies.canary@school.example"
PUBLIC_URL = "https://kaart.example"


@dataclass
class Post:
    """All that a test moves: the rows, the clock, the mailbox."""

    database: Database
    ring: KeyRing
    mailbox: Mailbox
    relay: Relay
    teacher_id: uuid.UUID
    now: datetime

    def subscribe(self, language: str = "nl") -> None:
        """Ask for notices."""
        self.database.transact(
            lambda session: subscribing.subscribe(
                session,
                self.teacher_id,
                ADDRESS,
                language=language,
                keys=self.ring.keys,
                now=self.now,
            )
        )

    def confirmed(self, language: str = "nl") -> None:
        """Ask for notices and confirm the mailbox by the link of the mail."""
        self.subscribe(language)
        self.send()
        token = link(self.mailbox.mails.pop(), "confirm")
        self.database.transact(
            lambda session: subscribing.confirm(session, token, keys=self.ring.keys, now=self.now)
        )

    def change(self, verb: Callable[..., Any], **more: Any) -> None:
        """Let a verb of `lifecycle` happen to the card."""

        def work(session: Session) -> None:
            cards = select(Card).where(Card.status.in_(lifecycle.IN_FORCE))
            verb(session, session.scalars(cards).one(), now=self.now, **more)

        self.database.transact(work)

    def sending(self) -> Sending:
        """A worker's job."""
        return Sending(
            self.database,
            self.ring,
            self.relay,
            public_url=PUBLIC_URL,
            write=Writer(Texts.load()),
            clock=lambda: self.now,
        )

    def send(self) -> list[EmailMessage]:
        """What a worker does once; everything that has arrived by then."""
        self.database.transact(lambda session: outbox.collect(session, now=self.now))
        self.sending().run()
        return self.mailbox.mails

    def later(self, **time: float) -> None:
        """Move the clock."""
        self.now += timedelta(**time)

    def waiting(self) -> list[Notice]:
        """The notices that were not sent."""
        with self.database.reading() as session:
            return list(session.scalars(select(Notice).order_by(Notice.at)))


def link(mail: EmailMessage, kind: str) -> str:
    """The token of a link in a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    (found,) = (line for line in part.get_content().split() if f"/notices/{kind}/" in line)
    return str(found.rpartition("/")[2])


@pytest.fixture
def post(database: Database, tmp_path: Path) -> Iterator[Post]:
    now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    keyring.init(tmp_path / "keys", environment="demo", now=now)
    ring = KeyRing(tmp_path / "keys")
    files = apple_certificates.create_server(tmp_path / "tls", now=wall_clock())
    tls = mail.server_tls(files.certificate)

    def work(session: Session) -> uuid.UUID:
        teacher: Teacher = teachers.know(session, b"p" * 32, pepper_id=1, now=now)
        year = card_year(2026)
        lifecycle.issue(session, teacher, year=year, initials=500, why="employed", now=now)
        names.keep(ring.keys, teacher, Name("Annelies", "Peeters"))
        return teacher.id

    teacher_id = database.transact(work)
    mailbox, port = Mailbox(), free_port()
    relay = Relay("localhost", port, "starttls", "kaart@kaart.example", root_file=files.root)
    with mail.listening(mailbox, tls=tls, port=port):
        yield Post(database, ring, mailbox, relay, teacher_id, now)
