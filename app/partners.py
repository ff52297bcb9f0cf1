"""Who honours the card: known to whoever verifies cards and to whoever offers benefits.

One table that two rooms of one floor name, and so it stands below both. Tills and keys belong
to `verification`, offers to `benefits`.
"""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, Moment


class Partner(Identified, Base):
    """A museum, shop, library or webshop that honours the card."""

    __tablename__ = "partner"

    name: Mapped[str] = mapped_column(String(120), unique=True)
    category: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(Moment)
    stopped_at: Mapped[datetime | None] = mapped_column(Moment)
