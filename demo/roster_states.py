"""The personnel office's pages in every state, as sample values."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.cards.entitlement import StaffCategory
from app.epd.rosters.entries import Entry, EntryState, Listed
from app.epd.rosters.model import Roster, RosterState
from app.web.roster_texts import FILE_FAULTS, LINE_FAULTS

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
NUMBER = UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77")
BEGIN, END = date(2026, 9, 1), date(2027, 6, 30)
SHOWN = "84.02.29-•••.10"

State = tuple[str, dict[str, Any]]


def roster_states() -> dict[str, State]:
    """The list, empty and full, a file of every fault, and a roster in every state."""
    return {
        "roster-list": _list(
            entries=[
                Entry(NUMBER, "012345", SHOWN, StaffCategory.TEACHING, BEGIN, END, state)
                for state in EntryState
            ],
            rosters=[_roster(state) for state in RosterState],
            soon={date(2026, 12, 20): 3},
            more=NUMBER,
        ),
        "roster-list-empty": _list(),
        **{f"roster-list-{fault}": _list(refused=text) for fault, text in FILE_FAULTS.items()},
        **{f"roster-{state}": _preview(state) for state in RosterState},
        "roster-submitted-by-me": _preview(RosterState.SUBMITTED, mine=True),
        "roster-refused-only": _preview(RosterState.DRAFT, refused=12, people=[]),
    }


def _list(**more: Any) -> State:
    return "roster_list.html", {
        "refused": None,
        "entries": [],
        "more": None,
        "soon": {},
        "rosters": [],
        "csrf": "n5XxFQ",
        "today": date(2026, 11, 23),
        "organisation": "Basisschool De Linde (demo)",
        "numbers": ["012345"],
    } | more


def _preview(state: RosterState, *, refused: int = 0, **more: Any) -> State:
    return "roster.html", {
        "roster": _roster(state, refused=refused),
        "people": [Listed(2, SHOWN, StaffCategory.TEACHING, BEGIN, END, "P-0001")],
        "faults": list(enumerate(LINE_FAULTS.values(), 2)) if refused else [],
        "mine": False,
        "csrf": "n5XxFQ",
        "organisation": "Basisschool De Linde (demo)",
    } | more


def _roster(state: RosterState, *, refused: int = 0) -> Roster:
    return Roster(
        id=NUMBER,
        institution="012345",
        state=state,
        digest="5f" * 32,
        lines=12,
        refused=refused,
        uploaded_by="P1",
        uploaded_at=AT,
    )
