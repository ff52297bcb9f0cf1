"""The end of what the heart knows of a person; the cards stay, as nobody's, to be counted.

The row that cards hang on loses everything that says who it was, its pseudonym included. Where
an old message of the personnel file must not bring the person back, a row with the pseudonym
and nothing else remembers that they were erased. A bar outlives the wish to be forgotten: else it
would be lifted by whom it is meant for.
"""

import os
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.cards import lifecycle, own_key
from app.cards.model import NO_PEPPER, Card, Teacher
from app.db import uuid7

PSEUDONYM_BYTES = 32


def forget(
    session: Session, teacher: Teacher, *, why: str, remembered: bool, now: datetime
) -> None:
    """Stop the card in force and part the cards from the person; `remembered` leaves the mark."""
    card = lifecycle.card_in_force(session, teacher)
    if card is not None:
        lifecycle.revoke(session, card, why=why, now=now)
    own_key.drop(teacher)
    session.execute(update(Card).where(Card.teacher_id == teacher.id).values(initials=0))
    pseudonym, pepper_id = teacher.insz_pseudonym, teacher.pepper_id
    # No pseudonym of anybody: what a pepper gives is as random as this.
    teacher.insz_pseudonym = os.urandom(PSEUDONYM_BYTES)
    teacher.pepper_id = NO_PEPPER
    teacher.entitled = teacher.entitlement_reason = teacher.review_on = teacher.heard_at = None
    barred = {"barred_at": teacher.barred_at, "barred_why": teacher.barred_why}
    teacher.barred_at = teacher.barred_why = None
    teacher.erased_at = now
    session.flush()
    if remembered or barred["barred_at"] is not None:
        session.add(
            Teacher(
                id=uuid7(),
                insz_pseudonym=pseudonym,
                pepper_id=pepper_id,
                created_at=now,
                erased_at=now,
                **barred,
            )
        )
