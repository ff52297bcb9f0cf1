"""OfficeCase: one look at one person, by one official, for one purpose, for a while."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.cards.model import Teacher
from app.db import Base, Identified, Moment


class OfficeCase(Identified, Base):
    """A person's record as one official opened it; nobody else sees it by this number."""

    __tablename__ = "office_case"

    teacher_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Teacher.id, ondelete="CASCADE"), index=True
    )
    # The subject of the official's log-in.
    opened_by: Mapped[str] = mapped_column(String(255))
    # As every entry of the record of acts repeats it: a word of `Purpose` and a reference.
    purpose: Mapped[str] = mapped_column(String(200))
    opened_at: Mapped[datetime] = mapped_column(Moment, index=True)
