"""The live web card is on one device at a time.

The first device that asks shows it. Another one has to say that the card moves; then the web pass
gets a new number, so that codes which the first device holds in store open to nothing
(docs/decisions/0026). A device is known by the thumbprint of its key only.
"""

import secrets
import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from app.cards.activation import activate
from app.cards.model import CardEvent, WalletPass
from app.errors import Conflict
from app.passes.model import LiveDevice


def shows(session: Session, pass_id: uuid.UUID, device: str) -> bool:
    """Whether this is the device that shows the card."""
    held = session.get(LiveDevice, pass_id)
    return held is not None and held.thumbprint == device


def show(session: Session, pass_id: uuid.UUID, device: str, *, moving: bool, now: datetime) -> None:
    """Let this device show the card; `Conflict` while another does and the card does not move."""
    wallet_pass = session.get_one(WalletPass, pass_id, with_for_update=True)
    held = session.get(LiveDevice, pass_id, populate_existing=True)
    if held is None:
        session.add(LiveDevice(pass_id=pass_id, thumbprint=device, since=now))
        activate(session, pass_id, now=now)
    elif held.thumbprint != device:
        if not moving:
            raise Conflict("Another device shows the card.")
        held.thumbprint, held.since = device, now
        wallet_pass.pass_number = secrets.randbits(63)
        session.add(CardEvent(card_id=wallet_pass.card_id, what="moved", why="web", at=now))
