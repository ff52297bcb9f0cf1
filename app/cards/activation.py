"""What came to its holder: a pass for the first time, and what a wallet has of it since.

The first time, on a phone, on a page or on paper, is noted by whoever sees it happen; the
statistics count it. A pass that was made and never fetched is no card in anybody's hand.
"""

import uuid
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.cards.model import Card, CardEvent, WalletPass
from app.cards.token import Carrier


def activate(session: Session, pass_id: uuid.UUID, *, now: datetime) -> None:
    """Note that a pass has come to its holder, unless that is known."""
    first = (
        update(WalletPass)
        .where(WalletPass.id == pass_id, WalletPass.activated_at.is_(None))
        .values(activated_at=now)
        .returning(WalletPass.card_id, WalletPass.carrier)
    )
    noted = session.connection().execute(first).first()
    if noted is None:
        return
    # The statistics look again at a card of which they do not know the year.
    session.execute(update(Card).where(Card.id == noted.card_id).values(counted_year=None))
    carrier = Carrier(noted.carrier).label
    session.add(CardEvent(card_id=noted.card_id, what="activated", why=carrier, at=now))


def confirm(
    session: Session, pass_id: uuid.UUID, *, generation: int, revision: int, now: datetime
) -> None:
    """Note what a wallet acknowledged.

    When it had acknowledged a newer revision meanwhile, nobody knows which of the two it took
    last: the pass lags again, so that an active pass never stays where a revoked one belongs.
    """
    wallet_pass = session.get_one(WalletPass, pass_id, with_for_update=True)
    if generation > (wallet_pass.confirmed_generation or 0):
        wallet_pass.confirmed_generation = generation
        wallet_pass.confirmed_at = now
    wallet_pass.pushed_revision = revision
