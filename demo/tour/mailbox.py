"""The part of the tour in a mailbox: a teacher asks for notices, confirms, and hears of news."""

import re
import time
from email.message import EmailMessage

import httpx

from demo.browser import Browser
from demo.story import Story
from demo.world import World

PATIENCE_S = 30.0
ADDRESS = "annelies@school.example"
# As all of them are quoted in the plain part of a mail.
LINK = re.compile(r"http\S+/notices/(?:confirm|stop)/\S+")


class MailTour:
    """A teacher with a mailbox, in one world."""

    def __init__(self, world: World, story: Story) -> None:
        self._world = world
        self._story = story

    def subscribe(self, teacher: Browser) -> None:
        """Type an address, open the link of the mail, press the button behind it."""
        self._story.chapter("Notices by e-mail")
        teacher.open("/card/notices")
        with self._story.step("the address is to be confirmed", expected="Te bevestigen") as step:
            teacher.press("/card/notices", address=ADDRESS)
            step.status, step.actual = teacher.page.status_code, teacher.status
        subject = "Bevestig je e-mailadres voor de Lerarenkaart"
        mail = self.arrives(subject, file="mail/confirm.eml")
        with self._story.step("the link changes nothing, its button does", expected=200) as step:
            link = LINK.findall(_text(mail))[0]
            httpx.get(link).raise_for_status()
            step.status = step.actual = httpx.post(link).status_code
        with self._story.step("the page says that they are on", expected="Aan") as step:
            teacher.open("/card/notices")
            step.actual = teacher.status

    def arrives(self, subject: str, *, file: str) -> EmailMessage:
        """Wait for a mail and keep it."""
        with self._story.step(f"a mail arrives: {subject}", expected=subject) as step:
            deadline = time.monotonic() + PATIENCE_S
            mails = self._world.mailbox.mails
            while not (found := [one for one in mails if one["Subject"] == subject]):
                assert time.monotonic() < deadline, subject  # noqa: S101 - the step says so
                time.sleep(0.1)
            step.actual = str(found[-1]["Subject"])
            self._story.artefact(step, file, found[-1].as_bytes())
        return found[-1]


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""
