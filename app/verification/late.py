"""What a check made without a network is worth when it comes in later.

Judged as of the moment at which the till made it, by the rules that an offline scanner can
follow (docs/card-token.md, section 8), with what the server knows of that moment: the pass, the
card's status then, uses on record. An upload only tells: it uses up no code, moves no pass and
revives no card (docs/decisions/0018-what-an-upload-may-change.md). Pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from app.cards.entitlement import CardStatus
from app.cards.token import Carrier
from app.verification.verdict import Asked, Grade, PassState, PastScan, Reason, Verdict
from app.verification.verify import ACTED, REPEAT, Examined, grade_of, outside_window, refusal

# A till may be ahead of us by so much; what is older is of no use to anybody any more.
AHEAD = timedelta(minutes=1)
LATEST = timedelta(days=7)

# The statuses of a card, each with its first moment, oldest first.
Statuses = Sequence[tuple[datetime, CardStatus]]


def judge_upload(  # noqa: C901, PLR0911 - as in `verify.judge`: one list of refusals
    examined: Examined,
    state: PassState | None,
    statuses: Statuses,
    history: Sequence[PastScan],
    asked: Asked,
) -> Verdict:
    """The steps of `verify` that a scanner without a network can take, in the same order."""
    token, caller, then = examined.token, asked.caller, asked.at
    if token is None:  # a typed number or webshop code cannot be checked without us
        return refusal(Reason.UNKNOWN_CARD, "needs_network", then)
    if state is None or token.carrier is not state.carrier:  # 5
        return refusal(Reason.UNKNOWN_CARD, "unknown_pass", then)
    refuse = partial(refusal, at=then, state=state)
    if caller and caller.test != state.test:  # 6
        return refuse(Reason.TEST_CARD if state.test else Reason.UNKNOWN_CARD, "other_world")
    if state.acts not in {None, Reason.OK}:
        return refuse(state.acts, ACTED)
    if outside := outside_window(token, state, then):  # 8
        return refuse(outside, outside)
    if state.pass_revoked_at and state.pass_revoked_at <= then:  # 9
        return refuse(Reason.NOT_VALID, "pass_revoked")
    if (status := _status_at(statuses, state, then)) is not CardStatus.ACTIVE:
        return refuse(Reason.NOT_VALID, status)
    if token.carrier is Carrier.GOOGLE and token.tail is None:  # 11
        return refuse(Reason.STALE_CODE, Reason.STALE_CODE)
    first = _first_time(examined, history, asked)
    if first is None and token.carrier is Carrier.WEB and _is_used(examined, history):  # 12
        return refuse(Reason.ALREADY_USED, "already_used")
    # Nobody saw whether a Google phone's digits were right.
    grade = Grade.STATIC if token.carrier is Carrier.GOOGLE else grade_of(token, then)
    if not grade.reaches(asked.min_grade):  # 13
        return replace(refuse(Reason.GRADE_TOO_LOW, "grade_too_low"), grade=grade)
    if first is not None:
        return replace(first, repeat=True, initials=token.initials, expires_on=state.expires_on)
    return Verdict(
        valid=True,
        reason=Reason.OK,
        cause="ok",
        checked_at=then,
        grade=grade,
        carrier=state.carrier,
        initials=token.initials,
        expires_on=state.expires_on,
        test=state.test,
    )


def _status_at(statuses: Statuses, state: PassState, then: datetime) -> CardStatus:
    past = [status for at, status in statuses if at <= then]
    return past[-1] if past else state.status


def _first_time(examined: Examined, history: Sequence[PastScan], asked: Asked) -> Verdict | None:
    """The verdict on the same code at the same till, at most two minutes away."""
    same = (
        past.verdict
        for past in history
        if asked.caller
        and past.verdict.valid
        and past.caller.till_id == asked.caller.till_id
        and past.digest == examined.digest
        and abs(past.verdict.checked_at - asked.at) <= REPEAT
    )
    return next(same, None)


def _is_used(examined: Examined, history: Sequence[PastScan]) -> bool:
    """Whether this very code was counted; a later code of the pass says nothing about it."""
    return any(past.verdict.valid and past.digest == examined.digest for past in history)
