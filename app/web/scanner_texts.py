"""The words of the scanner page that its scripts choose from, by the keys they ask with.

What a verdict says is the same at a till, on the camera's page and here; `short.…` is the same
in two or three words, for the list of a shift.
"""

from collections.abc import Mapping

from app.verification.verdict import Grade, Reason
from app.web.texts import Msgid
from app.web.verdict_texts import ADVICE_MESSAGES, CARRIERS, VERDICT_MESSAGES

SHORT: Mapping[Reason, Msgid] = {
    Reason.OK: Msgid("accepted"),
    Reason.MALFORMED: Msgid("no teacher card code"),
    Reason.FOREIGN_CODE: Msgid("another website"),
    Reason.UNKNOWN_KEY: Msgid("old code"),
    Reason.BAD_SIGNATURE: Msgid("not genuine"),
    Reason.NOT_YET_VALID: Msgid("not valid yet"),
    Reason.EXPIRED: Msgid("expired"),
    Reason.STALE_CODE: Msgid("code not fresh"),
    Reason.UNKNOWN_CARD: Msgid("unknown card"),
    Reason.NOT_VALID: Msgid("card not valid"),
    Reason.SUPERSEDED: Msgid("older code"),
    Reason.ALREADY_USED: Msgid("used before"),
    Reason.GRADE_TOO_LOW: Msgid("kind of code not accepted"),
    Reason.SUSPENDED_CHECK: Msgid("too many attempts"),
    Reason.TEST_CARD: Msgid("test card"),
}

GRADE_WORDS: Mapping[Grade, Msgid] = {
    Grade.LIVE: Msgid("live code"),
    Grade.RECENT: Msgid("recent code"),
    Grade.STATIC: Msgid("fixed code"),
}

_OWN: Mapping[str, Msgid] = {
    "word.ok": Msgid("Valid"),
    "word.care": Msgid("Valid, but look closely"),
    "word.stop": Msgid("Not valid"),
    "word.grey": Msgid("Not checked"),
    "word.test": Msgid("Test card"),
    "initials": Msgid("Initials"),
    "until": Msgid("Valid until {day}"),
    "repeat": Msgid("Scanned here a moment ago: counted once."),
    "test": Msgid("Test card: it gives no right to anything"),
    "offline": Msgid("Checked offline"),
    "unseen.web": Msgid("Offline: we cannot see whether this code was just used elsewhere."),
    "unseen.other": Msgid(
        "Offline: this code can be a copy, and we cannot see a newer one or a withdrawal "
        "of the last minutes."
    ),
    "line.repeat": Msgid("counted once"),
    "line.waiting": Msgid("offline, waiting to be sent"),
    "line.sent": Msgid("offline, sent"),
    "line.later": Msgid("refused afterwards"),
    "line.dropped": Msgid("could not be sent any more"),
    "obstacle.no_list": Msgid(
        "There is no connection, and this device has not downloaded the list of refused cards "
        "yet. Connect it to the internet once. Until then, ask for an identity card and decide "
        "for yourself."
    ),
    "obstacle.list_too_old": Msgid(
        "This device was without a connection for more than 24 hours, so its list of refused "
        "cards is too old to rely on. Connect it to the internet."
    ),
    "obstacle.clock_set_back": Msgid(
        "The clock of this device was set back, so codes cannot be judged offline. Set date and "
        "time to automatic, or connect to the internet."
    ),
    "obstacle.needs_network": Msgid(
        "A typed number can only be checked with a connection. Ask for the QR code of the card."
    ),
    "obstacle.storage": Msgid(
        "This device could not note the check, so nothing was counted. Free some space or leave "
        "private browsing, and scan again."
    ),
    "connection.online": Msgid("Connected."),
    "connection.offline": Msgid("Offline."),
    "connection.stopped": Msgid("Offline, cards cannot be checked."),
    "age": Msgid("List of refused cards: {age} old."),
    "age.now": Msgid("List of refused cards: up to date."),
    "waiting": Msgid("Checks waiting to be sent: {count}."),
    "camera.refused": Msgid(
        "This page may not use the camera. Allow it in the settings of your browser, or take a "
        "photo of the code."
    ),
    "camera.none": Msgid("No camera found. Use a scanner gun, a photo or the card number."),
    "camera.failed": Msgid(
        "The camera does not start; perhaps another app is using it. Close that app, or take a "
        "photo of the code."
    ),
    "photo.nothing": Msgid(
        "No QR code found in the photo. Hold the phone closer, keep it still, and avoid "
        "reflections."
    ),
    "enrol.refused": Msgid(
        "This set-up code does not count, or not any more: it works once, within a day. Check "
        "what you typed, or ask for a new code."
    ),
    "enrol.busy": Msgid(
        "Too many codes were tried from here. Wait a minute; the code was not used."
    ),
    "enrol.silence": Msgid(
        "We could not be reached, so the code was not used. Check the connection and try again."
    ),
    "enrol.storage": Msgid(
        "This browser keeps nothing, so it cannot be a scanner. The code was not used: leave "
        "private browsing or free some space, and try again."
    ),
    "enrol.lost": Msgid(
        "This device is no longer a scanner: its key was withdrawn. Set it up again with a new "
        "code. Checks that were waiting will be sent then."
    ),
}

WORDS: Mapping[str, Msgid] = {
    **{f"reason.{reason}": message for reason, message in VERDICT_MESSAGES.items()},
    **{f"short.{reason}": message for reason, message in SHORT.items()},
    **{f"advice.{advice}": message for advice, message in ADVICE_MESSAGES.items()},
    **{f"carrier.{carrier}": name for carrier, name in CARRIERS.items()},
    **{f"grade.{grade}": word for grade, word in GRADE_WORDS.items()},
    **_OWN,
}
