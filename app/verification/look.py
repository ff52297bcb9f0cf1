"""A code judged for anybody who holds a phone over it: recorded nowhere, consuming nothing."""

from sqlalchemy.orm import Session

from app import fence
from app.cards.keyring import Keys
from app.cards.token import Fault
from app.verification.records import states
from app.verification.sandbox import state_of
from app.verification.verdict import Asked, Reason, Verdict
from app.verification.verify import Examined, Superseded, judge, refusal


def look(
    session: Session,
    examined: Examined | Fault,
    asked: Asked,
    *,
    keys: Keys,
    superseded: Superseded,
) -> Verdict:
    """The verdict of this moment on a code, by the same steps as at a till."""
    if isinstance(examined, Fault):
        return refusal(Reason(examined.value), examined.value, asked.at)
    fence.refuse_behind(fence.standing(session).raised_at)
    state = state_of(examined, (), now=asked.at)
    state = state or states(session, [examined]).get(examined.names)
    return judge(examined, state, (), asked, keys=keys, superseded=superseded)
