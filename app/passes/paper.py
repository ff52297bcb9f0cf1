"""The card on paper: who has no smartphone shows a print.

Knows when there is a print and what ends one. A print is made by an act, as often as it is asked
for; reading it again gives the same code. A new one ends all earlier ones at once: unlike a
wallet, paper is never late (docs/decisions/0025). `paper_pdf` draws it. The card office prints
with the same two functions as the teacher.
"""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.activation import activate, confirm
from app.cards.entitlement import CardStatus
from app.cards.keyring import Keys
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier, KeyState
from app.errors import Conflict
from app.passes.codes import SHOWN


def make(session: Session, card: Card, *, keys: Keys, now: datetime) -> WalletPass:
    """A new print of the card; from here on every earlier one is refused."""
    if card.status is not CardStatus.ACTIVE:
        raise Conflict("A card that cannot be used now is not printed.")
    paper = lifecycle.add_pass(session, card, Carrier.PAPER, keys=keys, now=now)
    if paper.confirmed_generation is not None:
        lifecycle.rotate(session, paper, keys=keys, why="paper-printed-anew", now=now)
    confirm(session, paper.id, generation=paper.generation, revision=paper.revision, now=now)
    activate(session, paper.id, now=now)
    return paper


def present(session: Session, teacher_id: uuid.UUID, *, keys: Keys) -> WalletPass | None:
    """The print of the teacher's active card, loaded with what it shows.

    None before the first one is made, and when its key was revoked: then its code is dead.
    """
    found = (
        select(WalletPass)
        .join(WalletPass.card)
        .where(
            Card.teacher_id == teacher_id,
            Card.status == CardStatus.ACTIVE,
            WalletPass.carrier == Carrier.PAPER,
        )
        .options(SHOWN)
    )
    paper = session.scalars(found).one_or_none()
    if paper is None or keys.token[paper.key_id].state is KeyState.REVOKED:
        return None
    return paper
