"""Every page of the teacher in every state, as sample values."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.cards.entitlement import Employment, EntitlementReason, Interruption, StaffCategory
from app.cards.token import Carrier
from app.identity.handoff import Seen, Step
from app.notices.subscribing import Subscribed
from app.passes import qr
from app.retention.terms import terms
from app.verification.activity import Check
from app.verification.codes import LIFETIME, CodeState, Drawn, Past
from app.verification.verdict import Reason
from app.web.activity_page import ActivityPage
from app.web.card_page import CardPage
from app.web.card_texts import CardState

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
CSRF = "n5XxFQ"
REFERENCE = "0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77"

# A template and its context.
State = tuple[str, dict[str, Any]]


def teacher_states() -> dict[str, State]:
    """By name; the names begin with that of the page."""
    return {**_cards(), **_own_pages(), **_handoffs(), **_webshop_codes(), **_lives()}


def _card(state: CardState, reason: str | None, **more: Any) -> State:
    page: dict[str, Any] = {
        "number": "7KM3PX9Q2D",
        "valid_until": date(2026, 12, 31),
        "appointments": (
            Employment("012345", "311", StaffCategory.TEACHING, date(2024, 9, 1)),
            Employment(
                "067890", "316", StaffCategory.MANAGEMENT, date(2026, 9, 1), date(2027, 6, 30)
            ),
        ),
        "received_at": AT,
        "wallet_first": "apple",
    }
    return "card.html", {
        "page": CardPage(
            state=state,
            reason=reason,
            holder_name="An-Sofie van den Berghe",
            csrf=CSRF,
            year=2026,
            **page | more,
        ),
        "reference": REFERENCE,
    }


def _cards() -> dict[str, State]:
    why = EntitlementReason
    no_card: dict[str, Any] = {"number": None, "valid_until": None}
    nothing: dict[str, Any] = no_card | {
        "appointments": (),
        "received_at": None,
        "wallet_first": None,
    }
    return {
        "card-active": _card(CardState.ACTIVE, why.EMPLOYED),
        "card-computer": _card(CardState.ACTIVE, why.EMPLOYED, wallet_first=None),
        "card-replaced": _card(CardState.ACTIVE, why.EMPLOYED, just_replaced=True),
        "card-google-first": _card(CardState.ACTIVE, None, wallet_first="google"),
        "card-none-yet": _card(CardState.ACTIVE, why.LISTED_BY_INSTITUTION, **no_card),
        "card-grace": _card(CardState.GRACE, why.GRACE, appointments=()),
        "card-summer-bridge": _card(CardState.SUMMER_BRIDGE, why.SUMMER_BRIDGE),
        "card-epd-silent-known": _card(CardState.EPD_UNREACHABLE_KNOWN, why.EMPLOYED),
        "card-epd-silent-new": _card(CardState.EPD_UNREACHABLE_NEW, None, **nothing),
        "card-not-entitled": _card(
            CardState.NOT_ENTITLED,
            why.EXCLUDED_LEAVE,
            **no_card,
            leaves=(Interruption("LOOPBAANONDERBREKING", full=True, begin=date(2026, 9, 1)),),
        ),
        "card-unknown": _card(CardState.UNKNOWN_TO_EPD, None, **no_card, appointments=()),
        "card-suspended": _card(CardState.SUSPENDED, why.NOT_EMPLOYED, appointments=()),
        "card-revoked": _card(CardState.REVOKED, "lost", valid_until=None),
        "card-ended-anew": _card(CardState.ENDED, "year-over", may_begin_anew=True),
        "card-ended": _card(CardState.ENDED, why.DECEASED, appointments=()),
        "card-barred": _card(CardState.BARRED, why.EMPLOYED, **no_card),
    }


def _own_pages() -> dict[str, State]:
    checks = tuple(
        Check(
            at=AT - timedelta(hours=hours),
            partner=partner,
            place="Kassa 1",
            postcode="9000",
            channel=channel,
            carrier=carrier,
            card_number="7KM3PX9Q2D",
            valid=reason is Reason.OK,
            reason=reason,
        )
        for hours, partner, channel, carrier, reason in (
            (1, "Boekhandel De Reiger (demo)", "till", Carrier.WEB, Reason.OK),
            (2, "Museum aan de Stroom (demo)", "box_office", Carrier.APPLE, Reason.ALREADY_USED),
            (30, "Byte & Bord (demo)", "webshop", None, Reason.BAD_SIGNATURE),
        )
    )
    days = timedelta(days=90)
    activity: dict[str, Any] = {"csrf": CSRF, "kept_for": days}
    kept = {term.name: term.kept_for for term in terms(scan_link_days=90)}
    states: dict[str, tuple[str, Any]] = {
        "activity": ("activity", ActivityPage(checks=checks, total=3, **activity)),
        "activity-many": ("activity", ActivityPage(checks=checks, total=120, number=2, **activity)),
        "activity-none": ("activity", ActivityPage(checks=(), total=0, **activity)),
    }
    return {
        name: (f"{template}.html", {"page": page}) for name, (template, page) in states.items()
    } | {
        "paper": ("paper.html", {"printed": False, "csrf": CSRF}),
        "paper-printed": ("paper.html", {"printed": True, "csrf": CSRF}),
        "lost": ("lost.html", {"card_number": "7KM3PX9Q2D", "csrf": CSRF}),
        "privacy": ("privacy.html", {"csrf": None, "kept": kept}),
        "privacy-own": ("privacy.html", {"csrf": CSRF, "kept": kept}),
        "notices": ("notices.html", {"csrf": CSRF, "subscribed": None}),
        "notices-waiting": (
            "notices.html",
            {"csrf": CSRF, "subscribed": Subscribed("an@school.example", confirmed=False)},
        ),
        "notices-on": (
            "notices.html",
            {"csrf": CSRF, "subscribed": Subscribed("an@school.example", confirmed=True)},
        ),
        **{
            f"notice-link-{state}": ("notice_link.html", {"token": CSRF, "state": state})
            for state in ("confirm", "confirmed", "stop", "stopped")
        },
        "erased": ("erased.html", {}),
        "help": ("help.html", {}),
        "accessibility": ("accessibility.html", {"made_on": AT.date()}),
    }


def _webshop_codes() -> dict[str, State]:
    page: dict[str, Any] = {"csrf": CSRF, "drawn": None, "past": None, "shop": None}
    page["shops"] = {UUID(REFERENCE): "Boekhandel De Reiger (demo)"}
    drawn = page | {"drawn": Drawn("W7K3MPX9Q2D", AT + LIFETIME)}

    def past(state: CodeState, used_at: datetime | None = None) -> dict[str, Any]:
        return page | {"past": Past(state, AT + LIFETIME, used_at, None)}

    states = {
        "webshop-code": page,
        "webshop-code-given": drawn,
        "webshop-code-given-one-shop": drawn | {"shop": "Boekhandel De Reiger (demo)"},
        "webshop-code-waiting": past(CodeState.GOOD),
        "webshop-code-used": past(CodeState.USED, AT),
        "webshop-code-expired": past(CodeState.EXPIRED),
    }
    return {name: ("webshop_code.html", shown) for name, shown in states.items()}


def _lives() -> dict[str, State]:
    page: dict[str, Any] = {
        "holder_name": "Łukasz Ørsted",
        "card_number": "7KM3PX9Q2D",
        "initials": "L.O.",
        "csrf": CSRF,
        "nonce": CSRF,
    }
    nobody = dict.fromkeys(page, "") | {"initials": None, "csrf": None}
    return {
        "live": ("live.html", page),
        "live-withheld": ("live.html", page | {"initials": None}),
        "live-offline": ("live.html", nobody),
    }


def _handoffs() -> dict[str, State]:
    link = qr.drawing("https://kaart.example/handoff/" + "n" * 43)
    nothing: dict[str, Any] = {"csrf": CSRF, "drawing": None, "seen": None}

    def seen(step: Step, number: int | None = None) -> dict[str, Any]:
        choices = (12, 47, 83) if number else ()
        return {"seen": Seen(step, "A.B.", number, choices)}

    phone: dict[str, Any] = {"link": "n" * 43}
    return {
        "handoff": ("handoff.html", nothing | {"drawing": link}),
        "handoff-waiting": ("handoff.html", nothing | seen(Step.OFFERED)),
        "handoff-number": ("handoff.html", nothing | seen(Step.OPENED, 47)),
        "handoff-done": ("handoff.html", nothing | seen(Step.CONFIRMED, 47)),
        "handoff-over": ("handoff.html", nothing),
        "handoff-phone": ("handoff_phone.html", phone | seen(Step.OFFERED)),
        "handoff-phone-number": ("handoff_phone.html", phone | seen(Step.OPENED, 47)),
    }
