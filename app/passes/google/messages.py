"""What a holder is told of a card's new status or year on the Google pass itself. Pure.

Google keeps the messages of an object, and returns them with every change; so the object
remembers what its holder has been told, and no row of ours has to. Knows Google's limits for them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
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
    return _message(content, "TEXT", _status(content), now)


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
    kind = "TEXT_AND_NOTIFY" if len(recent) < SOUNDS else "TEXT"
    only_the_year = told and told[-1][1].endswith(f"-{content.standing}")
    return _message(content, kind, _year(content) if only_the_year else _status(content), now)


def _told(messages: Sequence[JsonObject]) -> Iterator[tuple[int, str, bool]]:
    for message in messages:
        if parts := MESSAGE_ID.fullmatch(str(message.get("id"))):
            yield int(parts[1]), parts[2], message.get("messageType") == "TEXT_AND_NOTIFY"


def _news(content: PassContent) -> str:
    return f"{content.year}-{content.standing}"


def _status(content: PassContent) -> Mapping[str, str]:
    return _filled("status_changed", STATUS_LABELS[content.standing])


def _year(content: PassContent) -> Mapping[str, str]:
    return _filled("year_changed", dict.fromkeys(LANGUAGES, str(content.year)))


def _filled(label: str, values: Mapping[str, str]) -> Mapping[str, str]:
    return {code: LABELS[label][code].replace("%@", values[code]) for code in LANGUAGES}


def _message(content: PassContent, kind: str, body: Mapping[str, str], now: datetime) -> JsonObject:
    header = {code: f"{LABELS['title'][code]} {content.year}" for code in LANGUAGES}
    return {
        "id": f"{int(now.timestamp())}-{_news(content)}",
        "header": header["nl"],
        "body": body["nl"],
        "localizedHeader": localized(header),
        "localizedBody": localized(body),
        "messageType": kind,
    }
