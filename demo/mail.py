"""A mail server that keeps what it is given: real SMTP, STARTTLS included.

Knows the faults that a real one has: it is out of order for a while, or refuses an address now
or for good. What it took is a list of messages, for whoever plays the reader of the mailbox.
"""

import ssl
from asyncio import WriteTransport
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

TAKEN = "250 taken"


# No slots: aiosmtpd looks at every member, and Python 3.11.2 stumbles over theirs.
@dataclass
class Mailbox:
    """Everything that arrived; `answer` is what the server says to the next recipients."""

    mails: list[EmailMessage] = field(default_factory=list)
    answer: str = TAKEN
    # Dies after it took a mail, before it said so.
    hangs_up: bool = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take or refuse an address."""
        del server, session, options
        if self.answer == TAKEN:
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        del session
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        if self.hangs_up:
            assert isinstance(server.transport, WriteTransport)  # noqa: S101 - it just wrote
            server.transport.abort()
        return TAKEN


def server_tls(certificate: Path) -> ssl.SSLContext:
    """What the server proves itself with; the file holds its key as well."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    return tls


@contextmanager
def listening(mailbox: Mailbox, *, tls: ssl.SSLContext, port: int) -> Iterator[None]:
    """The mail server behind a port of this machine, in a thread; nothing without STARTTLS."""
    controller = Controller(
        mailbox, hostname="localhost", port=port, tls_context=tls, require_starttls=True
    )
    controller.start()
    try:
        yield
    finally:
        controller.stop()
