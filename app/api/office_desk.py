"""An official of the card office at work: what every route of the office begins with.

A route says what it needs by `Annotated[AtDesk, at_desk(Role.SUPPORT)]`; what it reads or does
goes through here, so that nothing of a person is answered before it stands in the record of acts.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.api.at_work import AtWork
from app.api.deps import Now, TheHouse
from app.api.officials import Officer, card_officer
from app.cards.card_year import belgian_day
from app.errors import NotFound
from app.identity.roles import Role
from app.office import cases
from app.office.acts import Means, Why, act
from app.office.cases import Reason, read_number
from app.office.dossier import Dossier, dossier
from app.office.model import OfficeCase
from app.passes import paper
from app.passes.codes import content_of
from app.passes.content import PassContent

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AtDesk(AtWork):
    """One official of the card office in one request."""

    def transact(self, work: Callable[[Session], Result]) -> Result:
        """Do something in one transaction, with its entry in the record of acts."""
        return self.house.database.transact(work)

    @property
    def today(self) -> date:
        """The day in Belgium."""
        return belgian_day(self.now)

    @property
    def means(self) -> Means:
        """What acts work with."""
        return Means(self.house.ring.keys, self.house.policy)

    def count_look_up(self) -> None:
        """One more record; 429 when that is one too many for somebody who helps people."""
        self.house.limits.count("person-look-up", self.desk.subject)

    def look_up(self, number: str, why: Reason) -> uuid.UUID | None:
        """Open the record of the person with this number; None when nobody has it."""
        wanted = read_number(number)
        if wanted is None:
            return None
        self.count_look_up()
        keys = self.house.ring.keys
        return self.transact(
            lambda session: cases.open_case(
                session, wanted, why=why, desk=self.desk, keys=keys, now=self.now
            )
        )

    def look(self, case_id: uuid.UUID) -> tuple[OfficeCase, Dossier]:
        """An open record: that it is looked at is committed first, then it is read."""
        case = self.transact(
            lambda session: cases.seen(session, case_id, desk=self.desk, now=self.now)
        )
        with self.house.database.reading() as session:
            return case, dossier(
                session, case.teacher_id, official=self.official, keys=self.house.ring.keys
            )

    def look_at_print(self, case_id: uuid.UUID) -> PassContent:
        """What is on the print of an open record's card, noted before it is drawn."""
        teacher_id = self.transact(
            lambda session: cases.seen(session, case_id, desk=self.desk, now=self.now, what="print")
        ).teacher_id
        keys = self.house.ring.keys
        with self.house.database.reading() as session:
            printed = paper.present(session, teacher_id, keys=keys)
        if printed is None:
            raise NotFound("There is no card on paper yet.")
        return content_of(printed, keys=keys, base=self.house.code_base)

    def act(self, case_id: uuid.UUID, name: str, why: Why) -> None:
        """Do one act to the person of an open record."""
        self.transact(
            lambda session: act(
                session, case_id, name, why, desk=self.desk, means=self.means, now=self.now
            )
        )


def at_desk(role: Role, **more: bool) -> Any:  # noqa: ANN401 - as FastAPI's Depends
    """What stands in `Annotated[AtDesk, …]` of a route for this role; as `card_officer`."""
    officer = card_officer(role, **more)

    def admitted(
        request: Request, house: TheHouse, officer: Annotated[Officer, officer], now: Now
    ) -> AtDesk:
        return AtDesk.admit(request, house, officer, now)

    return Depends(admitted)


# Whoever has a desk at all.
Viewing = Annotated[AtDesk, at_desk(Role.VIEWER)]
