"""The pages of the card office in every state, as sample values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.cards.entitlement import CardStatus
from app.cards.token import Carrier
from app.epd.grants import LONGEST
from app.identity.roles import Capacity, Official, Role
from app.office.acts import ACTS
from app.office.cases import Purpose
from app.office.dossier import Carried, Dossier, Event, OneCard, Phone
from app.office.proposals import Kind
from app.office.waiting import Applying, Subject, Waiting
from app.web.office_texts import (
    ActPage,
    OfficePage,
    PersonPage,
)
from app.web.second_person_texts import DecidePage, ProposePage, WaitingPage
from demo.offer_states import offer_pages
from demo.office_partner_states import partner_pages

AT = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
CASE = UUID("0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77")
CSRF = "n5XxFQ"
OFFICIAL = Official(
    subject="P0123456789abcdef",
    name="Hilde Coppens",
    capacity=Capacity.GOVERNMENT,
    organisation="OVO000001",
    organisation_name="Kaartdienst (demo)",
    roles=frozenset({Role.ISSUER}),
    acr="",
)


def office_states() -> dict[str, tuple[str, dict[str, Any]]]:
    """A template and its context, by the name of the state."""
    person, none = _person(), _person(cards=(), name=None, acts=())
    barred = _person(
        barred_at=AT,
        barred_why="misuse",
        entitled=False,
        reason="not_employed",
        acts=(),
        proposals=(Kind.LIFT,),
        cards=(replace(person.cards[0], status=CardStatus.REVOKED, reason="misuse"),),
    )
    states: dict[str, tuple[str, Any]] = {
        "office": ("office", OfficePage()),
        "office-nobody": (
            "office",
            OfficePage(fault="nobody", purpose=Purpose.HOLDER_ASKS, reference="ticket 12"),
        ),
        "office-person": ("office_person", _record(person)),
        "office-person-viewer": ("office_person", _record(replace(person, acts=()), helps=False)),
        "office-person-barred": ("office_person", _record(barred)),
        "office-person-none": ("office_person", _record(replace(none, erased_at=AT))),
        "office-act": ("office_act", _act("bar", person)),
        "office-act-late": ("office_act", _act("resume", person)),
        "office-propose": ("office_propose", _propose(replace(none, proposals=(Kind.GRANT,)))),
        "office-propose-late": ("office_propose", _propose(person)),
        "office-waiting": ("office_waiting", WaitingPage(_waiting())),
        "office-waiting-none": ("office_waiting", WaitingPage(())),
        **{
            f"office-decide-{one.subject}": ("office_decide", DecidePage(one)) for one in _waiting()
        },
    }
    states |= partner_pages() | offer_pages(of_office=True)
    return {
        name: (f"{template}.html", {"page": value, "official": OFFICIAL, "csrf": CSRF})
        for name, (template, value) in states.items()
    }


def _record(person: Dossier, *, helps: bool = True) -> PersonPage:
    return PersonPage(
        case_id=CASE,
        purpose="holder-asks: ticket 12",
        open_until=AT + timedelta(minutes=30),
        person=person,
        helps=helps,
        prints=helps,
    )


def _act(name: str, person: Dossier) -> ActPage:
    return ActPage(case_id=CASE, act=name, whys=ACTS[name].whys, person=person)


def _propose(person: Dossier) -> ProposePage:
    today = AT.date()
    return ProposePage(
        case_id=CASE, kind=Kind.GRANT, person=person, today=today, latest=today + LONGEST
    )


def _waiting() -> tuple[Waiting, ...]:
    by: dict[str, Any] = {"by": "Hilde Coppens", "why": "started at the school last week"}
    return (
        Waiting(
            subject=Subject.GRANT,
            id=CASE,
            since=AT,
            mine=False,
            until=AT.date() + LONGEST,
            yes=1,
            **by,
        ),
        Waiting(subject=Subject.LIFT, id=CASE, since=AT, mine=True, yes=1, **by),
        Waiting(
            subject=Subject.RUN,
            id=CASE,
            since=AT,
            mine=False,
            source="EPD",
            persons=9120,
            of=201400,
        ),
        Waiting(
            subject=Subject.ROSTER,
            id=CASE,
            since=AT,
            mine=False,
            source="012345",
            persons=2140,
            of=2150,
        ),
        Waiting(
            subject=Subject.PARTNER,
            id=CASE,
            since=AT,
            mine=False,
            by="Sofie Mertens",
            source="0999999922",
            applying=Applying(
                name="Boekhandel De Specht (demo)",
                category="books",
                channel="till",
                email="winkel@specht.example",
                offer="5 % op alle boeken, ook op schoolboeken.",
                places=(("9000", "Veldstraat"), ("2000", "Meir")),
            ),
        ),
    )


def _person(**more: Any) -> Dossier:
    shown: dict[str, Any] = {
        "name": "An-Sofie van den Berghe",
        "known_since": AT - timedelta(days=400),
        "heard_at": AT - timedelta(hours=3),
        "entitled": True,
        "reason": "employed",
        "erased_at": None,
        "barred_at": None,
        "barred_why": None,
        "cards": (_card(),),
        "acts": ("suspend", "reissue", "revoke", "bar", "deliver"),
        "proposals": (),
        "waiting": (),
    }
    return Dossier(**shown | more)


def _card() -> OneCard:
    phone = Phone(registered_at=AT - timedelta(days=80), last_seen_at=AT, newest=False)
    web = Carried(
        carrier=Carrier.WEB,
        changed_at=AT - timedelta(days=80),
        confirmed_at=None,
        behind=False,
        attempts=0,
        next_attempt_at=None,
        given_up=None,
        in_google_wallet=None,
        phones=(),
    )
    return OneCard(
        number="7KM3PX9Q2D",
        status=CardStatus.ACTIVE,
        reason="employed",
        year=2026,
        created_at=AT - timedelta(days=80),
        events=tuple(
            Event(at=AT - timedelta(days=days), what=what, why=why)
            for days, what, why in (
                (1, "rotated", "period"),
                (79, "activated", "apple"),
                (80, "pass-added", "web"),
                (80, "issued", "employed"),
            )
        ),
        passes=(
            web,
            replace(web, carrier=Carrier.APPLE, behind=True, attempts=4, phones=(phone, phone)),
            replace(
                web,
                carrier=Carrier.GOOGLE,
                behind=True,
                given_up="NOT_FOUND",
                in_google_wallet=True,
            ),
        ),
    )
