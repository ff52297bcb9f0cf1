"""Two people of the card office have a token key refused: one proposes it, another one agrees.

A yes is committed, and on record, before the key ring is written: what is left undone between the
two the worker does (`carry_out`). Other kinds of keys are no switch: what they sealed would be
lost with them, so that they stay with the command line.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app.cards import keyring
from app.cards.keyring import KeyRing, Keys
from app.cards.token import KeyState
from app.db import Database, insert_once, uuid7
from app.errors import Conflict, Forbidden, NotFound, Unavailable
from app.office.cases import said
from app.office.desk import Desk
from app.office.model import KeyRevocation
from app.office.proposals import MAX_WHY

OPEN_FOR = timedelta(days=2)
BATCH = 200


def propose(
    session: Session, key_id: int, why: str, *, keys: Keys, desk: Desk, name: str, now: datetime
) -> None:
    """Propose it; `name` is the official's own. `Conflict` when it waits or is done already."""
    _require_reason(why)
    key = keys.token.get(key_id)
    if key is None:
        raise NotFound(f"There is no token key {key_id}.")
    if key.state is KeyState.REVOKED:
        raise Conflict(f"Token key {key_id} is refused already; nothing was changed.")
    stale = KeyRevocation.proposed_at <= now - OPEN_FOR
    session.execute(delete(KeyRevocation).where(KeyRevocation.decided_at.is_(None), stale))
    values = {
        "id": uuid7(),
        "key_id": key_id,
        "why": why.strip(),
        "proposed_by": desk.subject,
        "proposer_name": name,
        "proposed_at": now,
    }
    if not insert_once(session, KeyRevocation, values):
        raise Conflict("This has been proposed already and waits for a second person.")
    _note(desk, session, "key.revoke.propose", key_id, why=why.strip(), now=now)


def waiting(session: Session, *, now: datetime) -> Sequence[KeyRevocation]:
    """What waits for a second person, oldest first."""
    found = select(KeyRevocation).where(
        KeyRevocation.decided_at.is_(None), KeyRevocation.proposed_at > now - OPEN_FOR
    )
    return session.scalars(found.order_by(KeyRevocation.proposed_at)).all()


def decide(
    session: Session, number: uuid.UUID, *, approve: bool, why: str, desk: Desk, now: datetime
) -> None:
    """Agree, which takes another person and is not yet done (`carry_out`); or refuse."""
    _require_reason(why)
    found = session.get(KeyRevocation, number, with_for_update=True, populate_existing=True)
    if found is None or found.decided_at or found.proposed_at <= now - OPEN_FOR:
        raise NotFound("This does not wait any more: it was decided, or it grew too old.")
    if approve and found.proposed_by == desk.subject:
        raise Forbidden("You proposed this yourself. Somebody else has to approve it.")
    found.decided_by, found.decided_at, found.approved = desk.subject, now, approve
    act = "key.revoke.approve" if approve else "key.revoke.refuse"
    _note(desk, session, act, found.key_id, why=why.strip(), now=now)


def carry_out(database: Database, ring: KeyRing, *, now: datetime) -> int:
    """Have the key ring refuse every key that two people agreed about; counts them.

    `Unavailable` when the key ring cannot be written: the decision stands and is tried again.
    """
    with database.reading() as session:
        agreed = KeyRevocation.approved & KeyRevocation.done_at.is_(None)
        due = session.execute(
            select(KeyRevocation.id, KeyRevocation.key_id).where(agreed).limit(BATCH)
        ).all()
    for number, key_id in due:
        try:
            keyring.revoke(ring.directory, "token", key_id, now=now)
        except OSError as fault:
            raise Unavailable(
                "The decision is kept, but the key ring cannot be written here: the key still "
                "counts. The worker goes on trying; run `lerarenkaart keys revoke` where it can."
            ) from fault
        database.transact(partial(_done, number=number, now=now))
    return len(due)


def delete_old(session: Session, *, now: datetime) -> int:
    """Delete up to 200 that are over; the record of acts keeps them."""
    done = KeyRevocation.done_at.is_not(None) | ~KeyRevocation.approved
    over = or_(
        done & (KeyRevocation.decided_at <= now - OPEN_FOR),
        KeyRevocation.decided_at.is_(None) & (KeyRevocation.proposed_at <= now - OPEN_FOR),
    )
    ids = session.scalars(select(KeyRevocation.id).where(over).limit(BATCH)).all()
    session.execute(delete(KeyRevocation).where(KeyRevocation.id.in_(ids)))
    return len(ids)


def _require_reason(why: str) -> None:
    if not said(why, MAX_WHY):
        raise Conflict(f"Give a reason of at most {MAX_WHY} characters, without a national number.")


def _done(session: Session, *, number: uuid.UUID, now: datetime) -> None:
    session.get_one(KeyRevocation, number).done_at = now


def _note(
    desk: Desk, session: Session, action: str, key_id: int, *, why: str, now: datetime
) -> None:
    desk.note(session, action, f"key:token-{key_id}", purpose=why, now=now)
