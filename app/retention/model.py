"""RetentionMark: how far a term that walks through a long table has come."""

import uuid

from sqlalchemy import String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class RetentionMark(Base):
    """Everything up to and including this row is done; rows are in order of their time."""

    __tablename__ = "retention_mark"

    term: Mapped[str] = mapped_column(String(32), primary_key=True)
    done_to: Mapped[uuid.UUID] = mapped_column(Uuid)
