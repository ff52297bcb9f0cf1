"""What a holder is told of a card's new status or year on the Google pass itself. Pure.

Google keeps the messages of an object, and returns them with every change; so the object
remembers what its holder has been told, and no row of ours has to. Knows Google's limits for them.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from app.passes.content import LABELS, LANGUAGES, STATUS_LABELS, PassContent
from app.passes.google.object import JsonObject, localized

# So many a day and pass may sound on the phone (guide "Trigger push notifications").
SOUNDS = 3
DAY = timedelta(hours=24)
# Unix seconds, then what was told: our own messages, whatever else somebody has added.
MESSAGE_ID = re.compile(r"(\d+)-(\d{4}-[a-z]+)")


def first(content: PassContent, *, now: datetime) -> JsonObject:
    """The message that a new object begins with; whoever just added it need not be woken."""
    return _message(content, "TEXT", now)


def after(
    messages: Sequence[JsonObject], content: PassContent, *, now: datetime
) -> JsonObject | None:
    """What the holder is to be told next; None when the last of these messages says so already.

    It sounds on the phone, unless Google's number for one day is used up.
    """
    told = list(_told(messages))
    if told and told[-1][1] == _news(content):
        return None
    recent = [at for at, _, sounded in told if sounded and at > (now - DAY).timestamp()]
    return _message(content, "TEXT_AND_NOTIFY" if len(recent) < SOUNDS else "TEXT", now)


def _told(messages: Sequence[JsonObject]) -> Iterator[tuple[int, str, bool]]:
    for message in messages:
        if parts := MESSAGE_ID.fullmatch(str(message.get("id"))):
            yield int(parts[1]), parts[2], message.get("messageType") == "TEXT_AND_NOTIFY"


def _news(content: PassContent) -> str:
    return f"{content.year}-{content.standing}"


def _message(content: PassContent, kind: str, now: datetime) -> JsonObject:
    status = STATUS_LABELS[content.standing]
    header = {language: f"{LABELS['title'][language]} {content.year}" for language in LANGUAGES}
    body = {
        language: LABELS["status_changed"][language].replace("%@", status[language])
        for language in LANGUAGES
    }
    return {
        "id": f"{int(now.timestamp())}-{_news(content)}",
        "header": header["nl"],
        "body": body["nl"],
        "localizedHeader": localized(header),
        "localizedBody": localized(body),
        "messageType": kind,
    }
