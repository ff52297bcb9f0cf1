"""A person's wish to be forgotten, carried out in one transaction.

What stays is what counts without a name: that cards were issued, that partners made checks. The
passes on phones are void from that moment; delivery tells the wallets and empties what they show.
"""

import uuid
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.cards.forgetting import forget
from app.cards.model import Card, Teacher, WalletPass
from app.epd.model import PersonnelRecord
from app.identity.sessions import end_sessions_of
from app.notices.subscribing import unsubscribe
from app.office.model import OfficeCase, Proposal
from app.passes.model import LiveDevice
from app.verification.model import Scan, WebshopCode

# A check without what leads to a card, or from one check to another of the same code.
CUT = {"card_id": None, "pass_id": None, "code_digest": b"", "accepted_moment": None}


def erase(session: Session, teacher_id: uuid.UUID, *, now: datetime) -> None:
    """Forget a teacher; an old message of the personnel file does not bring them back."""
    teacher = session.get_one(Teacher, teacher_id, with_for_update=True)
    leave_records(session, teacher)
    forget(session, teacher, why="request", remembered=True, now=now)


def leave_records(session: Session, teacher: Teacher) -> None:
    """Part a teacher from everything that other rooms keep."""
    cards = select(Card.id).where(Card.teacher_id == teacher.id)
    session.execute(update(Scan).where(Scan.card_id.in_(cards)).values(CUT))
    passes = select(WalletPass.id).where(WalletPass.card_id.in_(cards))
    session.execute(delete(LiveDevice).where(LiveDevice.pass_id.in_(passes)))
    session.execute(delete(WebshopCode).where(WebshopCode.card_id.in_(cards)))
    # What officials did stays in the record of acts, which names nobody.
    for table in (PersonnelRecord, OfficeCase, Proposal):
        session.execute(delete(table).where(table.teacher_id == teacher.id))
    unsubscribe(session, teacher.id)
    end_sessions_of(session, teacher.id)
