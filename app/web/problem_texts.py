"""Every kind of problem in words: what happened, what is safe, what to do next.

One source for the API's problem documents (RFC 9457: title, detail, end_user_message) and
for the page that each `type` address `/problems/<kind>` leads to. Status codes are not
known here. A sentence never names a person, a number or an internal part. The causes for
which a log-in fails have sentences of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.identity.refusal import Remedy
from app.web.texts import Msgid


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemText:
    """One kind of problem; every sentence can stand alone."""

    title: Msgid
    happened: Msgid
    safe: Msgid
    next: Msgid


_NOTHING_CHANGED = Msgid("Nothing was changed.")
_NOTHING_KEPT = Msgid("Nothing of it was kept.")

PROBLEMS: Mapping[str, ProblemText] = {
    "not-found": ProblemText(
        title=Msgid("Not found"),
        happened=Msgid("What you asked for is not here, or it is not yours to see."),
        safe=_NOTHING_CHANGED,
        next=Msgid("Check the address or the number, or go back to the start page."),
    ),
    "conflict": ProblemText(
        title=Msgid("It was changed in the meantime"),
        happened=Msgid("The request does not fit what is there now: something changed it first."),
        safe=Msgid("The request changed nothing. What was there before still holds."),
        next=Msgid("Load the page again, look at how things stand now and decide again."),
    ),
    "not-eligible": ProblemText(
        title=Msgid("No right to a teacher card"),
        happened=Msgid(
            "With what the personnel file says today, the rules give no right to a teacher card."
        ),
        safe=Msgid("No card was made, and nothing in the personnel file was changed."),
        next=Msgid(
            "Ask the school secretariat whether the appointment was reported. "
            "As soon as it is in the personnel file, the card can be made."
        ),
    ),
    "unauthenticated": ProblemText(
        title=Msgid("Log in first"),
        happened=Msgid(
            "We do not know who is asking: the log-in or the key is missing, wrong or out of date."
        ),
        safe=Msgid("Nothing was shown and nothing was changed."),
        next=Msgid(
            "Log in again. A system sends a valid key or token in the Authorization header."
        ),
    ),
    "forbidden": ProblemText(
        title=Msgid("Not allowed"),
        happened=Msgid("We know who is asking, but this account or key may not do this."),
        safe=Msgid("Nothing was shown and nothing was changed."),
        next=Msgid("Use an account or key that may, or ask whoever manages it for the right."),
    ),
    "unavailable": ProblemText(
        title=Msgid("Not possible right now"),
        happened=Msgid("We cannot answer now, or a service that we need does not answer."),
        safe=Msgid("What was confirmed earlier is kept. Nothing was done by half."),
        next=Msgid("Wait a moment and try again."),
    ),
    "malformed-request": ProblemText(
        title=Msgid("The request cannot be read"),
        happened=Msgid("A part of the request is missing or does not have the agreed form."),
        safe=_NOTHING_CHANGED,
        next=Msgid("Correct what the answer points at. Sending the same again does not help."),
    ),
    "too-large": ProblemText(
        title=Msgid("Too large"),
        happened=Msgid("The request is larger than we accept."),
        safe=_NOTHING_KEPT,
        next=Msgid("Send less at once, in several parts."),
    ),
    "too-many-requests": ProblemText(
        title=Msgid("Too many requests"),
        happened=Msgid("More requests came in than the limit allows."),
        safe=Msgid("Requests above the limit were not carried out. The earlier ones were."),
        next=Msgid("Wait a minute and try again. A system waits as long as Retry-After says."),
    ),
    "method-not-allowed": ProblemText(
        title=Msgid("It does not work this way"),
        happened=Msgid("The address exists, but not for this kind of request."),
        safe=_NOTHING_CHANGED,
        next=Msgid(
            "Go back and use the button on the page. A system finds what is possible in Allow."
        ),
    ),
    "unsupported-media-type": ProblemText(
        title=Msgid("Unknown kind of content"),
        happened=Msgid("The content was sent in a form that we do not read here."),
        safe=_NOTHING_CHANGED,
        next=Msgid("Send it in the form of the documentation, with the right Content-Type."),
    ),
    "digest-mismatch": ProblemText(
        title=Msgid("Not what was announced"),
        happened=Msgid("The content is not the one that Content-Digest announced, or none was."),
        safe=_NOTHING_KEPT,
        next=Msgid("Compute the digest of the bytes as they are sent, and send both again."),
    ),
    "sequence-gap": ProblemText(
        title=Msgid("Something is missing before this"),
        happened=Msgid("The number of this batch is not the next one of its source."),
        safe=Msgid("Nothing of it was kept. Everything before the gap was."),
        next=Msgid("Ask for the last number and send again from the next one on."),
    ),
    "sequence-replayed": ProblemText(
        title=Msgid("This number was used before"),
        happened=Msgid("A batch with this number, or a higher one, came in earlier."),
        safe=Msgid("Nothing of it was kept. The earlier batch stands."),
        next=Msgid("Ask for the last number and go on from there."),
    ),
    "idempotency-mismatch": ProblemText(
        title=Msgid("The same key for something else"),
        happened=Msgid("This key was used earlier for another content."),
        safe=Msgid("Nothing of it was kept. What came first stands."),
        next=Msgid("Give every batch a key of its own, and the same key only to the same content."),
    ),
    "internal-error": ProblemText(
        title=Msgid("Something went wrong on our side"),
        happened=Msgid("The mistake is ours, not yours. It was recorded with a reference."),
        safe=Msgid("What was confirmed earlier is kept. Nothing was done by half."),
        next=Msgid("Try again later. If it stays like this, give the helpdesk the reference."),
    ),
    "login-refused": ProblemText(
        title=Msgid("The log-in did not succeed"),
        happened=Msgid("The log-in was stopped, took too long or did not prove enough."),
        safe=Msgid("Nobody is logged in here now."),
        next=Msgid("Go to the start page and log in again, with eID or itsme for example."),
    ),
}


@dataclass(frozen=True, slots=True)
class LoginFailure:
    """Why nobody is logged in, and what the person can do about it."""

    happened: Msgid
    next: Msgid


LOGIN_FAILURES: Mapping[Remedy, LoginFailure] = {
    Remedy.START_AGAIN: LoginFailure(
        Msgid("The log-in took too long, or was finished in another window or browser."),
        Msgid("Log in again and finish within ten minutes, in the same window."),
    ),
    Remedy.CANCELLED: LoginFailure(
        Msgid("You stopped the log-in."),
        Msgid("Log in again whenever you like."),
    ),
    Remedy.STRONGER_MEANS: LoginFailure(
        Msgid("The way you logged in does not prove well enough who you are."),
        Msgid("Log in again with eID, itsme or a security code by app or text message."),
    ),
    Remedy.AS_CITIZEN: LoginFailure(
        Msgid("You logged in on behalf of a school or another organisation."),
        Msgid("Log in again as a citizen, for yourself."),
    ),
    Remedy.AS_OFFICIAL: LoginFailure(
        Msgid("You logged in as a citizen, or on behalf of another kind of organisation."),
        Msgid("Log in again and choose the school or the organisation that you work for."),
    ),
    Remedy.NO_ROLE: LoginFailure(
        Msgid("Your account has no role in the administration of the teacher card."),
        Msgid(
            "Ask whoever manages the accounts of your organisation for the role, then log in again."
        ),
    ),
    Remedy.NO_NUMBER: LoginFailure(
        Msgid("The log-in did not give your national number, so we cannot find your file."),
        Msgid("Log in again another way, with eID or itsme."),
    ),
    Remedy.LATER: LoginFailure(
        Msgid("The log-in service did not answer, or its answer did not pass our checks."),
        Msgid(
            "Try again later. A card that is already in your wallet keeps working. "
            "If it stays like this, give the helpdesk the reference."
        ),
    ),
}
