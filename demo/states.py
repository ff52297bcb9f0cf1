"""Every page in every state, as sample values, and `/demo/states` to look at them."""

from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse

from app.api.deps import page
from app.benefits.model import Category
from app.benefits.offers import Offer
from app.benefits.search import Found, Place
from app.cards.entitlement import Employment, EntitlementReason, Interruption, StaffCategory
from app.cards.initials import initials_of
from app.cards.token import Carrier
from app.errors import NotFound
from app.identity.handoff import Seen, Step
from app.notices.subscribing import Subscribed
from app.passes import qr
from app.provinces import Province
from app.retention.terms import terms
from app.statistics.charts import charts
from app.statistics.figures import Report
from app.statistics.model import Basis
from app.statistics.tables import tables
from app.verification.activity import Check
from app.verification.verdict import Grade, Reason, Verdict
from app.web.activity_page import ActivityPage
from app.web.benefit_texts import BenefitsPage
from app.web.card_page import CardPage
from app.web.card_texts import CardState
from app.web.problem_texts import LOGIN_FAILURES, PROBLEMS
from app.web.verdict_texts import VERDICT_MESSAGES, VerdictPage
from demo import figures, office_states, scanner_states
from demo.benefits import demo_offers
from demo.roster_states import roster_states

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
CSRF = "n5XxFQ"
REFERENCE = "0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77"

TEST_CARDS = {reason: qr.symbol(f"HTTPS://KAART.EXAMPLE/{reason.upper()}") for reason in Reason}

router = APIRouter(prefix="/demo", tags=["demo"], include_in_schema=False)

# A template and its context.
State = tuple[str, dict[str, Any]]


@router.get("/states")
def index() -> HTMLResponse:
    """A link to every state of every page."""
    links = (
        f'<li><a href="/demo/states/{escape(name)}">{escape(name)}</a></li>'
        for name in every_state()
    )
    title = "Every page in every state"
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><main><h1>{title}</h1><ul>{''.join(links)}</ul></main></body></html>"
    )


@router.get("/states/{name}")
def state(name: str, request: Request) -> HTMLResponse:
    """One page in one state."""
    if name not in every_state():
        raise NotFound("There is no such state.")
    template, context = every_state()[name]
    return page(request, template, **context)


@router.get("/scanner_states.js")
def scanner_script() -> FileResponse:
    """What draws the states of the scanner."""
    return FileResponse(scanner_states.SCRIPT, media_type="text/javascript")


def every_state() -> dict[str, State]:
    """All of them by name; the names begin with that of the page."""
    error = {"problem": PROBLEMS["unavailable"], "reference": REFERENCE}
    live = {
        "holder_name": "Łukasz Ørsted",
        "card_number": "7KM3PX9Q2D",
        "csrf": CSRF,
        "nonce": CSRF,
    }
    return {
        "welcome": ("welcome.html", {"api_documentation": "/api/documentation"}),
        **_cards(),
        **_benefits(),
        **_own_pages(),
        **_verdicts(),
        "live": ("live.html", live | {"initials": "L.O."}),
        "sandbox": ("sandbox.html", {"cards": TEST_CARDS, "messages": VERDICT_MESSAGES}),
        "sandbox-card": ("sandbox_card.html", {"part": "ok", "initials": "T.K.", "csrf": ""}),
        "live-withheld": ("live.html", live | {"initials": None}),
        "problems": ("problems.html", {"problems": PROBLEMS}),
        **{
            f"problem-{kind}": ("problem.html", {"kind": kind, "problem": problem})
            for kind, problem in PROBLEMS.items()
        },
        "error": ("error.html", error | {"retry_after_s": None}),
        "error-retry": ("error.html", error | {"retry_after_s": 600}),
        **{
            f"login-{remedy}": (
                "login_failed.html",
                {"failure": failure, "log_in": "/login", "reference": REFERENCE},
            )
            for remedy, failure in LOGIN_FAILURES.items()
        },
        "logged-out": ("logged_out.html", {}),
        **roster_states(),
        **scanner_states.scanner_states(),
        **office_states.office_states(),
        "statistics": ("statistics.html", _statistics(figures.sample())),
        "statistics-empty": ("statistics.html", _statistics(figures.nothing())),
    }


def _statistics(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "tables": tables(report),
        "charts": charts(report),
        "query": "from=2021",
        "bases": list(Basis),
    }


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
        **_handoffs(),
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


def _benefits() -> dict[str, State]:
    found = tuple(_found(offer) for offer in demo_offers(AT.date()))
    near_ghent: dict[str, Any] = {"words": "gratis", "near": "9000", "category": Category.MUSEUM}
    states: dict[str, dict[str, Any]] = {
        "benefits": {"total": len(found), "found": found},
        "benefits-near": {"total": 1, "found": (_found(demo_offers(AT.date())[1], 12.4),)}
        | near_ghent,
        "benefits-page": {"total": 1240, "found": found[:2], "number": 2},
        "benefits-nothing": {"total": 0, "found": (), "near": "2799", "near_known": False},
    }
    return {
        name: ("benefits.html", {"page": BenefitsPage(**shown)}) for name, shown in states.items()
    }


def _found(offer: Offer, distance_km: float | None = None) -> Found:
    return Found(
        id=UUID(REFERENCE),
        partner=offer.partner,
        category=offer.category,
        title=offer.title.model_dump(exclude_none=True),
        terms=offer.terms.model_dump(exclude_none=True),
        website=str(offer.website) if offer.website else None,
        ends_on=offer.ends_on,
        places=tuple(
            Place(place.town, place.postcode, Province.OOST_VLAANDEREN, distance_km)
            for place in offer.places
        ),
    )


def _verdict(reason: Reason, **more: Any) -> State:
    verdict = Verdict(valid=reason is Reason.OK, reason=reason, cause="", checked_at=AT, **more)
    return "verdict.html", {"page": VerdictPage(verdict)}


def _verdicts() -> dict[str, State]:
    web: dict[str, Any] = {"carrier": Carrier.WEB, "grade": Grade.LIVE}
    google: dict[str, Any] = {"carrier": Carrier.GOOGLE, "grade": Grade.RECENT}
    paper: dict[str, Any] = {"carrier": Carrier.PAPER, "grade": Grade.STATIC}
    year_end = date(2026, 12, 31)
    return {
        **{f"verdict-{reason}": _verdict(reason) for reason in Reason},
        "verdict-ok": _verdict(
            Reason.OK,
            **web,
            expires_on=year_end,
            initials=initials_of("An-Sofie", "van den Berghe"),
        ),
        "verdict-advice": _verdict(
            Reason.OK, **paper, expires_on=year_end, advice=("check_id",), test=True
        ),
        "verdict-already_used": _verdict(Reason.ALREADY_USED, **web),
        "verdict-test_card": _verdict(Reason.TEST_CARD, **google, test=True),
    }
