"""What time alone does to cards: grace and bridges end, leave begins, card years turn.

Every teacher carries the day on which the calendar may change something (`Teacher.review_on`);
here those whose day has come are judged again, a bounded batch a call. From 1 December this
prepares the new card year, on New Year's Day it ends what was not prepared.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards.card_year import belgian_day
from app.cards.entitlement import Policy
from app.cards.model import Teacher
from app.epd.merge import judge

# As many as a writer may hold up the others for, on SQLite.
BATCH = 200


def review_due(session: Session, *, policy: Policy, now: datetime) -> int:
    """Judge up to 200 teachers whose day has come; how many there were.

    Any number of workers may do this at once: whom one is at, the others pass over.
    """
    today = belgian_day(now)
    due = (
        select(Teacher)
        .where(Teacher.review_on <= today)
        .order_by(Teacher.review_on, Teacher.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    teachers = session.scalars(due).all()
    judge(session, teachers, policy=policy, now=now)
    for teacher in teachers:
        if teacher.review_on is not None and teacher.review_on <= today:
            # Nothing is known of this person any more, so nothing can become due.
            teacher.review_on = None
    return len(teachers)
