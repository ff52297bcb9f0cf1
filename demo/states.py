"""Every page in every state, as sample values, and `/demo/states` to look at them."""

from datetime import date
from html import escape
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse

from app.api.deps import page
from app.benefits.model import Category
from app.benefits.offers import Offer
from app.benefits.search import Found, Place
from app.cards.initials import initials_of
from app.cards.token import Carrier
from app.errors import NotFound
from app.passes import qr
from app.provinces import Province
from app.statistics.charts import charts
from app.statistics.figures import Report
from app.statistics.model import Basis
from app.statistics.tables import tables
from app.verification.verdict import Grade, Reason, Verdict
from app.web.benefit_texts import BenefitsPage
from app.web.problem_texts import LOGIN_FAILURES, PROBLEMS
from app.web.verdict_texts import VERDICT_MESSAGES, VerdictPage
from demo import figures, office_states, scanner_states, teacher_states
from demo.benefits import demo_offers
from demo.partner_states import partner_states
from demo.roster_states import roster_states
from demo.teacher_states import AT, REFERENCE, State

TEST_CARDS = {reason: qr.symbol(f"HTTPS://KAART.EXAMPLE/{reason.upper()}") for reason in Reason}

router = APIRouter(prefix="/demo", tags=["demo"], include_in_schema=False)


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
    return {
        "welcome": ("welcome.html", {"api_documentation": "/api/documentation"}),
        **teacher_states.teacher_states(),
        **_benefits(),
        **_verdicts(),
        "sandbox": ("sandbox.html", {"cards": TEST_CARDS, "messages": VERDICT_MESSAGES}),
        "sandbox-card": ("sandbox_card.html", {"part": "ok", "initials": "T.K.", "csrf": ""}),
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
        **partner_states(),
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
