"""A code judged for anybody who holds a phone over it: recorded nowhere, consuming nothing."""

from sqlalchemy.orm import Session

from app.cards.keyring import Keys
from app.cards.token import Fault
from app.verification.records import states
from app.verification.verdict import Asked, Reason, Verdict
from app.verification.verify import Superseded, examine, judge, refusal


def look(
    session: Session,
    text: str,
    asked: Asked,
    *,
    keys: Keys,
    code_base: str,
    superseded: Superseded,
) -> Verdict:
    """The verdict of this moment on the code in `text`, by the same steps as at a till."""
    examined = examine(text, keys, code_base=code_base)
    if isinstance(examined, Fault):
        return refusal(Reason(examined.value), examined.value, asked.at)
    state = states(session, [examined]).get(examined.names)
    return judge(examined, state, (), asked, keys=keys, superseded=superseded)
