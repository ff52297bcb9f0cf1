"""Somebody at work behind a desk of ours: what the card office and partners' people have in common.

Knows who it is, under which capacity acts go on record, and how pages are made for them. What a
desk may do is its own file's: `office_desk`, `partner_desk`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.api.deps import House, page, request_id
from app.api.officials import Officer
from app.identity.roles import Official
from app.office.desk import Desk


@dataclass(frozen=True, slots=True)
class AtWork:
    """One official in one request."""

    request: Request
    house: House
    officer: Officer
    desk: Desk
    now: datetime

    @classmethod
    def admit(cls, request: Request, house: House, officer: Officer, now: datetime) -> Self:
        """Whoever was let in, with what their acts are written down by."""
        official = officer.official
        desk = Desk(
            subject=official.subject,
            capacity=official.capacity,
            organisation=official.organisation,
            request_id=str(request_id(request)),
            key=house.ring.keys.active("audit"),
        )
        return cls(request, house, officer, desk, now)

    @property
    def official(self) -> Official:
        """Who it is."""
        return self.officer.official

    def page(self, template: str, value: object, *, status: int = 200) -> HTMLResponse:
        """A page for this person."""
        return page(
            self.request,
            template,
            status,
            page=value,
            official=self.official,
            csrf=self.officer.csrf,
        )
