"""The mail server, as notices need it: hand over one message after the other, and say what came.

Knows SMTP's answers (RFC 5321) and TLS, which is never left out and always verified. A server's
own words may repeat an address: only its status code leaves this file.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from app.errors import Unavailable

TIMEOUT_S = 10.0
PERMANENT = 500


class Refused(Exception):
    """The server took the connection but not this mail; `final` when it never will."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.final = code >= PERMANENT


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail is handed over, and by whom; `root_file` vouches for a server of our own."""

    host: str
    port: int
    security: Literal["starttls", "tls"]
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    root_file: Path | None = None

    @contextmanager
    def connected(self) -> Iterator["Connection"]:
        """A connection, logged in; `Unavailable` when there is none or it breaks."""
        try:
            with self._open() as smtp:
                if self.user:
                    smtp.login(self.user, self.password)
                yield Connection(smtp, self.sender)
        except (smtplib.SMTPException, OSError) as fault:
            raise Unavailable("The mail server does not take our mail now.") from fault

    def _open(self) -> smtplib.SMTP:
        tls = ssl.create_default_context(cafile=self.root_file)
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=tls)
        smtp = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            smtp.starttls(context=tls)
        except BaseException:
            smtp.close()
            raise
        return smtp


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to the relay."""

    _smtp: smtplib.SMTP
    _sender: str

    def send(self, mail: EmailMessage) -> None:
        """Hand over one mail; `Refused` when the server does not want this one."""
        try:
            self._smtp.send_message(mail, from_addr=self._sender)
        except smtplib.SMTPRecipientsRefused as refusal:
            raise Refused(next(iter(refusal.recipients.values()))[0]) from None
        except smtplib.SMTPDataError as refusal:
            raise Refused(refusal.smtp_code) from None
