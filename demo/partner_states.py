"""The partners' own pages in every state, as sample values."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.identity.model import OAuthClient
from app.identity.roles import Capacity, Official, Role
from app.office.applications import Fault
from app.office.model import PartnerApplication
from app.partners import Partner
from app.passes import qr
from app.verification.own_counts import Line
from app.web.office_partner_texts import NewSecretPage
from app.web.partner_texts import ApplyPage, CountsPage, OwnPage
from demo.offer_states import offer_pages
from demo.office_partner_states import tills
from demo.officials import BOOKSHOP

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
NUMBER = UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77")
PERSON = Official(
    subject="P0123456789abcdef",
    name="Sofie Mertens",
    capacity=Capacity.ENTERPRISE,
    organisation=BOOKSHOP[0],
    organisation_name=BOOKSHOP[1],
    roles=frozenset({Role.PARTNER}),
    acr="",
)


def partner_states() -> dict[str, tuple[str, dict[str, Any]]]:
    """A template and its context, by the name of the state."""
    typed = {"name": BOOKSHOP[1], "places": "Gent", "offer": "5 %"}
    refused = {"decided_at": AT, "approved": False, "why": "Only within Flanders."}
    first = date(2026, 10, 24)
    states: dict[str, tuple[str, Any]] = {
        "partner-apply": ("partner_apply", ApplyPage(None)),
        **{
            f"partner-apply-{fault}": ("partner_apply", ApplyPage(None, typed, fault))
            for fault in Fault
        },
        "partner-waits": ("partner_apply", ApplyPage(_asked())),
        "partner-refused": ("partner_apply", ApplyPage(_asked(**refused))),
        "partner-own": ("partner", _own()),
        "partner-new": ("partner", replace(_own(), tills=(), clients=())),
        "partner-stopped": ("partner", _own(stopped_at=AT, stopped_why="Keys were sold on.")),
        "partner-secret-code": (
            "partner_secret",
            NewSecretPage(
                back="/partner",
                till="Kassa 1",
                secret="E7KM3PX9Q2D4TZR",  # noqa: S106 - a sample
                drawing=qr.drawing("https://kaart.example/scanner#enrol=E7KM3PX9Q2D4TZR"),
                lives=timedelta(hours=24),
            ),
        ),
        "partner-counts": (
            "partner_counts",
            CountsPage(first=first, last=AT.date(), lines=_lines()),
        ),
        "partner-counts-none": (
            "partner_counts",
            CountsPage(first=first, last=AT.date(), lines=()),
        ),
    }
    states |= offer_pages(of_office=False)
    shown = {"csrf": "n5XxFQ", "official": PERSON}
    return {
        name: (f"{template}.html", {"page": page} | shown)
        for name, (template, page) in states.items()
    }


def _asked(**decided: Any) -> PartnerApplication:
    return PartnerApplication(
        id=NUMBER,
        enterprise=BOOKSHOP[0],
        name=BOOKSHOP[1],
        category="books",
        channel="till",
        email="winkel@specht.example",
        offer="5 % op alle boeken, ook op schoolboeken.",
        places=[("9000", "Veldstraat"), ("2000", "Meir")],
        applied_by="P1",
        applicant_name="Sofie Mertens",
        applied_at=AT,
        **decided,
    )


def _own(**more: Any) -> OwnPage:
    partner = Partner(id=NUMBER, name=BOOKSHOP[1], category="books", **more)
    clients = (
        OAuthClient(id="partner-3f9c1b7d2e40", created_at=AT),
        OAuthClient(id="partner-a07d55b1c9e2", created_at=AT, revoked_at=AT),
    )
    return OwnPage(partner=partner, tills=tills(), clients=clients)


def _lines() -> tuple[Line, ...]:
    return (
        Line(date(2026, 11, 20), "Veldstraat", "till", None, 12, 1, 0),
        Line(date(2026, 11, 21), "Meir", "webshop", NUMBER, 1204, 3, 2),
    )
