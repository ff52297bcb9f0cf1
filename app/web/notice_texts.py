"""The words of notices: a subject and a sentence for everything that a mail can be about.

A mail says what happened to the card and leads to nothing that logs anybody in. It names no
person, no number and no school: whoever else reads the mailbox learns none of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.notices.model import Kind
from app.notices.sending import Letter
from app.web.card_texts import WHY
from app.web.pages import TEMPLATES_DIRECTORY
from app.web.texts import Msgid, Texts


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a mail says."""

    subject: Msgid
    happened: Msgid
    next: Msgid


NOTICES: Mapping[Kind, NoticeText] = {
    Kind.CONFIRM: NoticeText(
        Msgid("Confirm your e-mail address for the teacher card"),
        Msgid("Somebody asked for notices about their teacher card at this address."),
        Msgid(
            "Was it you? Confirm it within an hour. "
            "If not, do nothing: you will hear nothing more of us."
        ),
    ),
    Kind.GRACE: NoticeText(
        Msgid("Your teacher card is valid for now"),
        Msgid(
            "Your appointment ended and we have not received a new one. "
            "Your card stays valid until %(why)s at the latest."
        ),
        Msgid(
            "Do you have a new appointment? Ask the school secretariat whether it was reported. "
            "Once it is in the personnel file, your card simply goes on."
        ),
    ),
    Kind.SUSPENDED: NoticeText(
        Msgid("Your teacher card was suspended"),
        Msgid("Your card is not valid at the moment. It was suspended, not withdrawn. %(why)s"),
        Msgid(
            "Once the reason is gone, the same card is valid again: keep it in your wallet. "
            "Do you think this is a mistake? Ask the school secretariat first, then the helpdesk."
        ),
    ),
    Kind.RESUMED: NoticeText(
        Msgid("Your teacher card is valid again"),
        Msgid("The suspension of your card is over."),
        Msgid("You need not do anything: the card in your wallet works."),
    ),
    Kind.NEW_YEAR: NoticeText(
        Msgid("Your teacher card %(why)s is ready"),
        Msgid("Your card was extended to %(why)s."),
        Msgid("You need not do anything: the card in your wallet changes by itself."),
    ),
    Kind.REPLACED: NoticeText(
        Msgid("Your teacher card was replaced"),
        Msgid("Your card was reported as lost or stolen: it has stopped, and you have a new one."),
        Msgid(
            "Put the new card in your wallet. "
            "Was it not you who reported this? Then ask the helpdesk at once."
        ),
    ),
}


class Writer:
    """Finds the words of a mail, as text and as simple HTML that fetches nothing."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES_DIRECTORY), autoescape=True, undefined=StrictUndefined
        )

    def __call__(
        self, kind: Kind, why: str, language: str, *, confirm: str | None, stop: str
    ) -> Letter:
        """The letter of one notice."""
        say = self._texts.get(language)
        words = NOTICES[kind]
        told = why
        if kind is Kind.GRACE:
            told = say.day(date.fromisoformat(why))
        elif kind is Kind.SUSPENDED:
            told = say(WHY[why]) if why in WHY else ""
        subject = say(words.subject, why=told)
        sentences = [say(words.happened, why=told).strip(), say(words.next)]
        press, ends = say(Msgid("Confirm this address")), say(Msgid("Stop these notices"))
        links = [(press, confirm), (ends, stop)] if confirm else [(ends, stop)]
        text = "\n\n".join([*sentences, *(f"{name}:\n{link}" for name, link in links)])
        html = self._templates.get_template("notice.html").render(
            language=language, subject=subject, sentences=sentences, links=links
        )
        return Letter(subject, f"{text}\n", html)
