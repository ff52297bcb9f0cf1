"""Who honours the card: known to whoever verifies cards and to whoever offers benefits.

One table that two rooms of one floor name, and so it stands below both. Tills and keys belong
to `verification`, offers to `benefits`. Also knows what a number of the Belgian register of
enterprises (KBO) looks like, because a partner's people log in on behalf of one.
"""

import uuid
from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from stdnum.be import vat
from stdnum.exceptions import ValidationError

from app.db import Base, Identified, Moment


class Partner(Identified, Base):
    """A museum, shop, library or webshop that honours the card."""

    __tablename__ = "partner"

    name: Mapped[str] = mapped_column(String(120), unique=True)
    category: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(Moment)
    stopped_at: Mapped[datetime | None] = mapped_column(Moment)
    # What its own people are told.
    stopped_why: Mapped[str | None] = mapped_column(String(200))
    # Whose people see to it themselves; without one only the card office does.
    enterprise: Mapped[str | None] = mapped_column(String(10), unique=True)
    email: Mapped[str | None] = mapped_column(String(254))


def names_by_id(session: Session) -> dict[uuid.UUID, str]:
    """Everybody who honours the card today, in the order of their names."""
    taking_part = select(Partner.id, Partner.name).where(Partner.stopped_at.is_(None))
    return {row.id: row.name for row in session.execute(taking_part.order_by(Partner.name))}


def enterprise_number(text: str) -> str | None:
    """The ten digits of a number whose check digits (modulo 97) are right; None otherwise."""
    try:
        return str(vat.validate(text))
    except ValidationError:
        return None
