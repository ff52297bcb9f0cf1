"""The card office's pages about partners and the service in every state, as sample values."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.cards.keyring import KINDS
from app.cards.model import IssueStop
from app.cards.token import KeyState
from app.notices.outbox import GivenUp
from app.office.looks import Looks
from app.office.model import KeyRevocation
from app.partners import Partner
from app.passes import qr
from app.passes.parked import Parked
from app.verification.model import Till, TillKey
from app.verification.partners import Listed, TillKeys
from app.web.office_partner_texts import (
    Key,
    LooksPage,
    NewSecretPage,
    PartnerPage,
    PartnersPage,
    WatchPage,
)

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
NUMBER = UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77")


def partner_pages() -> dict[str, tuple[str, Any]]:
    """The template and its value, by the name of the state."""
    partner = Partner(id=NUMBER, name="Museum aan de Stroom (demo)", category="museum")
    stopped = Partner(
        id=NUMBER,
        name="Byte & Bord (demo)",
        category="shop",
        stopped_at=AT,
        stopped_why="Keys were sold on.",
    )
    linked = Partner(
        id=NUMBER, name="Boekhandel De Specht", category="books", enterprise="0999999922"
    )
    watch: dict[str, Any] = {
        "helps": True,
        "switches": True,
        "now": AT,
        "keys": _keys(),
        "revocations": (),
    }
    proposed = KeyRevocation(
        id=NUMBER,
        key_id=1,
        why="The backup was stolen.",
        proposed_by="P1",
        proposer_name="Bart Claes",
        proposed_at=AT,
    )
    expiries = {
        "Pass Type ID certificate": AT + timedelta(days=12),
        "WWDR certificate": AT + timedelta(days=1200),
    }
    given_up = (Parked("7KM3PX9Q2D", "google", "NOT_FOUND", AT),)
    return {
        "office-partners": ("office_partners", PartnersPage(_listed())),
        "office-partners-none": ("office_partners", PartnersPage(())),
        "office-partner": (
            "office_partner",
            PartnerPage(partner=partner, tills=tills(), helps=True, links=True, switches=True),
        ),
        "office-partner-stopped": (
            "office_partner",
            PartnerPage(partner=stopped, tills=(), helps=False, links=False, switches=True),
        ),
        "office-partner-linked": (
            "office_partner",
            PartnerPage(partner=linked, tills=(), helps=True, links=True, switches=False),
        ),
        "office-secret-code": (
            "office_secret",
            NewSecretPage(
                back="/office/partners",
                till="Kassa 1",
                secret="E7KM3PX9Q2D4TZR",  # noqa: S106 - a sample
                drawing=qr.drawing("https://kaart.example/scanner#enrol=E7KM3PX9Q2D4TZR"),
                lives=timedelta(hours=24),
            ),
        ),
        "office-secret-key": (
            "office_secret",
            NewSecretPage(
                back="/office/partners",
                till="Kassa 1",
                secret=f"lk_live_Ab3dE6gH9jK2_{'aB3d' * 10}xyz_1a2B3c",
            ),
        ),
        "office-watch": (
            "office_watch",
            WatchPage(
                expiries=expiries,
                parked=given_up,
                unsent=(GivenUp("550", 3, AT),),
                stop=None,
                **watch,
            ),
        ),
        "office-watch-stopped": (
            "office_watch",
            WatchPage(
                expiries=expiries,
                parked=(),
                unsent=(),
                stop=IssueStop(id=1, since=AT, why="a fault in the personnel file"),
                **watch | {"revocations": (proposed,)},
            ),
        ),
        "office-watch-viewer": (
            "office_watch",
            WatchPage(
                expiries=expiries,
                parked=given_up,
                unsent=(),
                stop=None,
                **watch | {"helps": False, "switches": False},
            ),
        ),
        "office-looks": ("office_looks", LooksPage((Looks("P0123456789abcdef", 41, 38, 2),))),
    }


def _keys() -> tuple[Key, ...]:
    states = (KeyState.REVOKED, KeyState.VERIFY_ONLY, KeyState.TEST, KeyState.ACTIVE)
    days = (900, 400, 400, 35)
    tokens = tuple(
        Key(kind="token", id=number, state=state, created_at=AT - timedelta(days=age))
        for number, (state, age) in enumerate(zip(states, days, strict=True), 1)
    )
    others = tuple(
        Key(kind=kind, id=1, state=KeyState.ACTIVE, created_at=AT - timedelta(days=900))
        for kind in KINDS
        if kind != "token"
    )
    return tokens + others


def _listed() -> tuple[Listed, ...]:
    return (
        Listed(NUMBER, "Boekhandel De Reiger (demo)", "shop", AT, None, 2, 3),
        Listed(NUMBER, "Byte & Bord (demo)", "shop", AT, AT, 1, 0),
    )


def tills() -> tuple[TillKeys, ...]:
    """A till with keys of each kind, and one without."""
    keys = tuple(
        TillKey(id=key, till_id=NUMBER, test=test, created_at=AT, revoked_at=revoked)
        for key, test, revoked in (
            ("Ab3dE6gH9jK2", False, None),
            ("Zb3dE6gH9jK2", True, None),
            ("Qb3dE6gH9jK2", False, AT),
        )
    )
    return (
        TillKeys(Till(id=NUMBER, name="Kassa 1", postcode="2000"), keys),
        TillKeys(
            Till(id=UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c78"), name="Shop", postcode=None), ()
        ),
    )
