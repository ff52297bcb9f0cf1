"""Which Google passes are in somebody's wallet, from what Google tells us of saves and removals.

Callbacks come twice, late, in the wrong order or never; so each counts once by its nonce, the
newest wins by Google's own moment, and every answer to a patch corrects what was missed. Rows
only; whether a callback is genuine was judged before.
"""

import uuid
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.cards.activation import activate
from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import insert_once
from app.errors import NotFound
from app.passes.google.ecv2 import SaveEvent
from app.passes.model import CallbackNonce, GoogleHolding

BATCH = 500


def note_event(session: Session, serial: str, event: SaveEvent, *, now: datetime) -> bool:
    """What a callback says about the pass with this serial; False when it was taken before.

    Raises NotFound for a pass that we never made.
    """
    found = select(WalletPass.id).where(
        WalletPass.serial == serial, WalletPass.carrier == Carrier.GOOGLE
    )
    pass_id = session.scalars(found).one_or_none()
    if pass_id is None:
        raise NotFound("There is no such pass.")
    taken = {"nonce": event.nonce, "expires_ms": event.expires_ms}
    if not insert_once(session, CallbackNonce, taken):
        return False
    insert_once(session, GoogleHolding, {"pass_id": pass_id, "held": False, "heard_at": now})
    if event.saved:
        activate(session, pass_id, now=now)
        _note_saved(session, pass_id, now)
    newest = update(GoogleHolding).where(
        GoogleHolding.pass_id == pass_id, GoogleHolding.newest_ms < event.expires_ms
    )
    session.execute(
        newest.values(held=event.saved, heard_at=now, newest_ms=event.expires_ms),
        execution_options={"synchronize_session": False},
    )
    return True


def note_users(
    session: Session, pass_id: uuid.UUID, *, has_users: bool, asked_at: datetime
) -> None:
    """What Google answered about a pass: it holds for what was not heard after the question."""
    if has_users:
        activate(session, pass_id, now=asked_at)
        new = {"pass_id": pass_id, "held": True, "saved_at": asked_at, "heard_at": asked_at}
        if insert_once(session, GoogleHolding, new):
            return
        _note_saved(session, pass_id, asked_at)
    corrected = update(GoogleHolding).where(
        GoogleHolding.pass_id == pass_id,
        GoogleHolding.heard_at < asked_at,
        GoogleHolding.held != has_users,
    )
    session.execute(
        corrected.values(held=has_users, heard_at=asked_at),
        execution_options={"synchronize_session": False},
    )


def forget_nonces(session: Session, *, now: datetime) -> int:
    """Delete up to 500 nonces of callbacks that have ended; the number deleted."""
    ended = select(CallbackNonce.nonce).where(
        CallbackNonce.expires_ms <= int(now.timestamp() * 1000)
    )
    nonces = session.scalars(ended.limit(BATCH)).all()
    session.execute(delete(CallbackNonce).where(CallbackNonce.nonce.in_(nonces)))
    return len(nonces)


def _note_saved(session: Session, pass_id: uuid.UUID, now: datetime) -> None:
    session.execute(
        update(GoogleHolding)
        .where(GoogleHolding.pass_id == pass_id)
        .values(saved_at=func.coalesce(GoogleHolding.saved_at, now)),
        execution_options={"synchronize_session": False},
    )
