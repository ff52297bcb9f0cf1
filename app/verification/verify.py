"""From a presented text to a verdict: the one procedure for every carrier.

`examine` needs the key ring only, `judge` adds what the database knows; neither writes.
Their steps carry the numbers of docs/card-token.md, section 4, and that order is the order
in which refusals win:

 1 text             is it one of our codes at all?
 2 fields           does it say things that make sense?
 3 key id           do we (still) trust that key?
 4 signature        did we sign it?
 5 reference        does it open to a pass we know?
 6 test card        are card and till key of the same world? what does a test card act out?
 7 suspended check  has this partner guessed too many digits of this pass?
 8 time window      is it already, is it still, its time?
 9 status           may card and pass be used?
10 superseded       do the phones have a newer code?
11 tail             are the rotating digits right now?
12 single use       was this moment counted before?
13 min_grade        is it fresh enough for this partner?
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from app.cards import totp
from app.cards.entitlement import CardStatus
from app.cards.keyring import Keys
from app.cards.numbers import card_number_of, webshop_code_of
from app.cards.token import (
    EARLY_S,
    LATE_WEB_S,
    RECENT_S,
    Carrier,
    Fault,
    Opened,
    Token,
    authenticate,
    read,
)
from app.verification.verdict import Asked, Caller, Grade, PassState, PastScan, Reason, Verdict

REPEAT = timedelta(seconds=120)
HISTORY = timedelta(hours=24)
EARLY = timedelta(seconds=EARLY_S)
MAX_CHECKS_A_DAY = 10
TRAVEL = timedelta(minutes=20)
TRAVEL_KM = 50
WRONG_DIGITS = timedelta(minutes=5)
MAX_WRONG_DIGITS = 20
# The cause under which a guess is recorded, and found again by the index `ix_scan_remembered`.
GUESSED = "wrong_digits"
# The cause of what a test card acts out.
ACTED = "acted"
# How long after the holder has a newer generation the older one still counts in full (section 4).
SUPERSEDED_AFTER = {
    Carrier.APPLE: timedelta(seconds=900),
    Carrier.GOOGLE: timedelta(seconds=86_400),
    Carrier.PAPER: timedelta(),
}
DIGEST_BYTES = 16

Superseded = Literal["soft", "strict"]


@dataclass(frozen=True, slots=True)
class Examined:
    """A text that is one of our codes: a signed token, a card number or a webshop code."""

    # The pass number inside the token, or what was typed: what to look up.
    names: int | str
    digest: bytes
    token: Token | None = None
    opened: Opened | None = None


def examine(text: str, keys: Keys, *, code_base: str) -> Examined | Fault:
    """Steps 1 to 5, as far as keys alone can tell."""
    number = card_number_of(text) or webshop_code_of(text)
    if number is not None:
        return Examined(number, _digest(number))
    token = read(text, code_base)
    if isinstance(token, Fault):
        return token
    opened = authenticate(token, keys.token)
    if isinstance(opened, Fault):
        return opened
    # One digest for every way to write the same code: case, scheme, AZERTY.
    tail = f"/{token.tail.seconds}/{token.tail.digits}" if token.tail else ""
    return Examined(opened.pass_number, _digest(token.body + tail), token, opened)


def wants_history(examined: Examined, state: PassState) -> bool:
    """Whether `judge` will look at earlier scans: a web code never shown before needs none."""
    token = examined.token
    if token is None or token.carrier is not Carrier.WEB:
        return True
    return state.last_accepted is not None and token.issued_at <= state.last_accepted


def judge(  # noqa: C901, PLR0911 - the numbered steps read best as one list of refusals
    examined: Examined,
    state: PassState | None,
    history: Sequence[PastScan],
    asked: Asked,
    *,
    keys: Keys,
    superseded: Superseded,
) -> Verdict:
    """Steps 5 to 13. Without a caller (a phone camera) nothing counts, so nothing is used up."""
    token, caller, now = examined.token, asked.caller, asked.at
    if state is None or (token and token.carrier is not state.carrier):  # 5
        return refusal(Reason.UNKNOWN_CARD, "unknown_pass", now)
    if caller and state.one_time and state.one_time.partner_id not in {None, caller.partner_id}:
        return refusal(Reason.UNKNOWN_CARD, "another_partner", now)
    refuse = partial(refusal, at=now, state=state)
    if caller and caller.test != state.test:  # 6
        return refuse(Reason.TEST_CARD if state.test else Reason.UNKNOWN_CARD, "other_world")
    if state.acts not in {None, Reason.OK}:
        return refuse(state.acts, ACTED)
    if caller and _guessed_too_often(state, history, caller, now):  # 7
        return refuse(Reason.SUSPENDED_CHECK, "suspended_check")
    if outside := outside_window(token, state, now):  # 8
        return refuse(outside, outside)
    not_active = state.status is not CardStatus.ACTIVE
    if not_active or state.pass_revoked_at:  # 9
        return refuse(Reason.NOT_VALID, state.status if not_active else "pass_revoked")
    old = _is_superseded(examined, state, now)
    # A phone may be late; a newer print is in the holder's hand.
    if old and (superseded == "strict" or state.carrier is Carrier.PAPER):  # 10
        return refuse(Reason.SUPERSEDED, "superseded")
    moment, fault = _live_moment(examined, keys, now)
    if fault:  # 11
        return refuse(fault, GUESSED if fault is Reason.BAD_SIGNATURE else fault)
    first = _first_time(examined, history, caller, now)
    if first is None and _is_used(moment, state):  # 12
        return refuse(Reason.ALREADY_USED, "already_used")
    grade = Grade.STATIC if old else grade_of(token, now, one_time=state.one_time is not None)
    if not grade.reaches(asked.min_grade):  # 13
        return replace(refuse(Reason.GRADE_TOO_LOW, "grade_too_low"), grade=grade)
    initials = token.initials if token else 0
    if first is not None:
        return replace(first, repeat=True, initials=initials, expires_on=state.expires_on)
    check_id = old or (caller is not None and _remarkable(state, history, caller, now))
    return Verdict(
        valid=True,
        reason=Reason.OK,
        cause="ok",
        checked_at=now,
        grade=grade,
        carrier=state.carrier,
        initials=initials,
        expires_on=state.expires_on,
        advice=("check_id",) if check_id else (),
        test=state.test,
        accepted_moment=moment,
    )


def refusal(reason: Reason, cause: str, at: datetime, state: PassState | None = None) -> Verdict:
    """A verdict that says no; every refusal has the same shape."""
    return Verdict(
        valid=False,
        reason=reason,
        cause=cause,
        checked_at=at,
        carrier=state.carrier if state else None,
        test=state.test if state else False,
    )


def _digest(canonical: str) -> bytes:
    return hashlib.sha256(canonical.encode("ascii")).digest()[:DIGEST_BYTES]


def _guessed_too_often(
    state: PassState, history: Sequence[PastScan], caller: Caller, now: datetime
) -> bool:
    wrong = sum(
        past.pass_id == state.pass_id
        and past.caller.partner_id == caller.partner_id
        and past.verdict.cause == GUESSED
        and past.verdict.checked_at > now - WRONG_DIGITS
        for past in history
    )
    return wrong >= MAX_WRONG_DIGITS


def outside_window(token: Token | None, state: PassState, now: datetime) -> Reason | None:
    """Step 8: whether it is too early or too late for a code, or for its card."""
    if token:
        late_s = LATE_WEB_S if token.carrier is Carrier.WEB else 0
        if now.timestamp() < token.issued_at - EARLY_S:
            return Reason.NOT_YET_VALID
        if now.timestamp() > token.ends_at + late_s:
            return Reason.EXPIRED
    if state.one_time and now > state.one_time.expires_at:
        return Reason.EXPIRED
    # A till without a network knows our clock to the second only, and a card may be that young.
    if now < state.valid_from - EARLY:
        return Reason.NOT_YET_VALID
    return Reason.EXPIRED if now > state.valid_until else None


def _is_superseded(examined: Examined, state: PassState, now: datetime) -> bool:
    after = SUPERSEDED_AFTER.get(state.carrier) if state.carrier else None
    if after is None or examined.opened is None:
        return False
    if not (state.confirmed_generation and state.confirmed_at):
        return False
    older = examined.opened.counter < state.confirmed_generation
    return older and now > state.confirmed_at + after


def _live_moment(examined: Examined, keys: Keys, now: datetime) -> tuple[int | None, Reason | None]:
    """The moment a live code counts for, or why its rotating digits do not count now."""
    token, opened = examined.token, examined.opened
    if token is None or opened is None or token.carrier in {Carrier.APPLE, Carrier.PAPER}:
        return None, None
    if token.carrier is Carrier.WEB:
        return token.issued_at, None
    if token.tail is None:
        return None, Reason.STALE_CODE
    key = keys.token[token.key_id].totp_key(opened.pass_number, opened.counter)
    match = totp.match(key, token.tail.seconds, token.tail.digits, now_s=int(now.timestamp()))
    if match.result == "wrong":
        return None, Reason.BAD_SIGNATURE
    return (match.step, None) if match.result == "live" else (None, Reason.STALE_CODE)


def _is_used(moment: int | None, state: PassState) -> bool:
    if state.one_time:
        return state.one_time.used_at is not None
    return moment is not None and state.last_accepted is not None and moment <= state.last_accepted


def _first_time(
    examined: Examined, history: Sequence[PastScan], caller: Caller | None, now: datetime
) -> Verdict | None:
    """The verdict this till got for the same code a moment ago: the code is then a repeat."""
    same = (
        past.verdict
        for past in history
        if caller
        and past.verdict.valid
        and past.caller.till_id == caller.till_id
        and not past.voided
        and past.digest == examined.digest
        and past.verdict.checked_at >= now - REPEAT
    )
    return next(same, None)


def grade_of(token: Token | None, now: datetime, *, one_time: bool = False) -> Grade:
    """How fresh a code is that nothing speaks against."""
    if one_time:
        return Grade.LIVE
    if token is None or token.carrier is Carrier.PAPER:
        return Grade.STATIC
    if token.carrier is Carrier.APPLE:
        recent = now.timestamp() - token.issued_at <= RECENT_S
        return Grade.RECENT if recent else Grade.STATIC
    return Grade.LIVE


def _remarkable(
    state: PassState, history: Sequence[PastScan], caller: Caller, now: datetime
) -> bool:
    """Many checks in a day, or two places too far apart: reasons to look at an identity card."""
    if state.carrier in {Carrier.WEB, Carrier.GOOGLE} or state.one_time or state.acts:
        return False
    used = [
        past
        for past in history
        if past.pass_id == state.pass_id
        and past.verdict.valid
        and not past.voided
        and past.verdict.checked_at > now - HISTORY
    ]
    return len(used) >= MAX_CHECKS_A_DAY or any(
        past.caller.partner_id != caller.partner_id
        and past.verdict.checked_at > now - TRAVEL
        and (caller.distance_km(past.caller) or 0) > TRAVEL_KM
        for past in used
    )
