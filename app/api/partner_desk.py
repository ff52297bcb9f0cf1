"""A person of an enterprise at work: what every page of the partners' own desk begins with.

The enterprise is the one of the log-in and comes in no address or form, so whatever is read or
changed here is that partner's own. Every act is written down in the transaction that does it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.api.at_work import AtWork
from app.api.deps import Now, TheHouse
from app.api.officials import Officer, card_officer
from app.audit import object_of
from app.errors import Forbidden, NotFound
from app.identity.roles import Role
from app.partners import Partner
from app.verification.partners import partner_of_enterprise

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AtPartner(AtWork):
    """One person of one enterprise in one request."""

    @property
    def enterprise(self) -> str:
        """The number of the enterprise that the log-in speaks of."""
        return self.official.organisation

    def partner(self, session: Session) -> Partner:
        """The partner of this enterprise; `NotFound` while the card office made none."""
        partner = partner_of_enterprise(session, self.enterprise)
        if partner is None:
            raise NotFound("Your enterprise is no partner yet. Apply first, on /partner.")
        return partner

    def change(
        self, action: str, work: Callable[[Session, Partner], Result], **details: str
    ) -> Result:
        """Do something to the own partner, on record; `Forbidden` while it is stopped."""

        def both(session: Session) -> Result:
            partner = self.partner(session)
            if partner.stopped_at is not None:
                raise Forbidden("The card office stopped this partner. Nothing was changed.")
            result = work(session, partner)
            on = object_of("partner", partner.id)
            self.desk.note(session, action, on, now=self.now, **details)
            return result

        return self.house.database.transact(both)


def _at_partner(*, acting: bool) -> Any:  # noqa: ANN401 - as FastAPI's Depends
    officer = card_officer(Role.PARTNER, acting=acting)

    def admitted(
        request: Request, house: TheHouse, officer: Annotated[Officer, officer], now: Now
    ) -> AtPartner:
        return AtPartner.admit(request, house, officer, now)

    return Depends(admitted)


Looking = Annotated[AtPartner, _at_partner(acting=False)]
Acting = Annotated[AtPartner, _at_partner(acting=True)]
