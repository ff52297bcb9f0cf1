"""The pages about one partner's offers in every state, as sample values."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.benefits import own
from app.benefits.model import Benefit, BenefitPlace, Category
from app.partners import Partner
from app.provinces import Province
from app.web.offer_texts import FAULTS, OfferPage, OffersPage

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
NUMBER = UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77")


def offer_pages(*, of_office: bool) -> dict[str, tuple[str, Any]]:
    """The template and its value, by the name of the state."""
    path = f"/office/partners/{NUMBER}/benefits" if of_office else "/partner/benefits"
    here: dict[str, Any] = {"path": path, "of_office": of_office}
    partner = Partner(id=NUMBER, name="Boekhandel De Specht", category="books")
    stopped = Partner(id=NUMBER, name="Byte & Bord (demo)", category="shop", stopped_at=AT)
    listed: dict[str, Any] = here | {"today": AT.date()}
    offers = (_offer(), _offer(begins_on=date(2027, 1, 1)), _offer(ends_on=date(2026, 11, 22)))
    typed = own.typed(_offer())
    prefix = "office" if of_office else "partner"
    return {
        f"{prefix}-offers": (
            "offers",
            OffersPage(partner=partner, offers=offers, may_change=True, **listed),
        ),
        f"{prefix}-offers-none": (
            "offers",
            OffersPage(partner=partner, offers=(), may_change=True, **listed),
        ),
        f"{prefix}-offers-stopped": (
            "offers",
            OffersPage(partner=stopped, offers=offers[:1], may_change=False, **listed),
        ),
        f"{prefix}-offer-new": ("offer", OfferPage(benefit_id=None, typed={}, **here)),
        f"{prefix}-offer": ("offer", OfferPage(benefit_id=NUMBER, typed=typed, **here)),
        **{
            f"{prefix}-offer-{fault.replace('_', '-')}": (
                "offer",
                OfferPage(benefit_id=NUMBER, typed=typed, fault=fault, **here),
            )
            for fault in FAULTS
        },
    }


def _offer(begins_on: date | None = None, ends_on: date | None = None) -> Benefit:
    places = [
        BenefitPlace(town=town, postcode=postcode, province=Province.OOST_VLAANDEREN)
        for postcode, town in (("9000", "Gent"), ("9100", "Sint-Niklaas"))
    ]
    return Benefit(
        id=NUMBER,
        category=Category.BOOKS,
        title={"nl": "5 % korting op alle boeken", "fr": "5 % sur tous les livres"},
        terms={"nl": "Toon je kaart aan de kassa."},
        website="https://specht.example/",
        begins_on=begins_on,
        ends_on=ends_on,
        places=places,
    )
