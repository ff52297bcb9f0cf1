"""Teachers who are logged in: what their browser sends, without the log-in itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.api.visitors import seal_person
from app.cards import lifecycle
from app.cards.card_year import belgian_day
from app.cards.insz import Insz
from app.cards.model import Card, WalletPass
from app.cards.names import Name
from app.cards.teachers import know
from app.cards.token import Carrier
from app.identity import sessions
from app.issuing import Person as Visitor
from bench.torture.site import Site
from bench.torture.till import Answer, Till
from demo.population import Person, cast, synthetic_insz
from demo.world import wall_clock

FIRST_BIRTHDAY = date(1980, 1, 1)


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with a session, which may ask through any connection."""

    cookie: Mapping[str, str]
    form: bytes

    def open(self, line: Till, path: str) -> Answer:
        """Look at a page."""
        return line.ask("GET", path, headers=self.cookie)

    def press(self, line: Till, path: str) -> Answer:
        """Press the one button of a form."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        return line.ask("POST", path, self.form, {**self.cookie, **form})


def teachers(count: int) -> list[Person]:
    """Permanently appointed teachers with numbers of nobody."""
    permanent = next(one for one in cast(belgian_day(wall_clock())) if one.key == "permanent")
    assert permanent.record is not None  # noqa: S101 - she is on file; this tells the checker
    born = (FIRST_BIRTHDAY + timedelta(days) for days in range(count))
    return [
        replace(permanent, insz=number, record=permanent.record | {"insz": number})
        for number in (synthetic_insz(day, 990) for day in born)
    ]


def log_in(place: Site, person: Person, *, last_seen: datetime | None = None) -> Browser:
    """A browser that the person logged in with, and last used at this moment."""
    pepper = place.ring.keys.active("pepper")
    visitor = Visitor(Insz(person.insz), Name(person.given_name, person.family_name))
    now = wall_clock()

    def work(session: Session) -> str:
        teacher = know(session, visitor.insz.pseudonym(pepper.value), pepper_id=pepper.id, now=now)
        return sessions.begin_session(
            session,
            teacher_id=teacher.id,
            authenticated_at=now,
            now=last_seen or now,
            sealed_person=seal_person(place.ring, visitor),
        )

    token = place.database.transact(work)
    form = urlencode({"csrf": sessions.csrf_token(token)}).encode()
    return Browser({"cookie": f"sid={token}"}, form)


def in_force(place: Site) -> Counter[str | Carrier]:
    """How many cards are in force, and how many passes they have on each carrier."""
    with place.database.reading() as session:
        wanted = Card.status.in_(lifecycle.IN_FORCE)
        cards = session.scalars(select(func.count()).where(wanted)).one()
        carriers = session.scalars(select(WalletPass.carrier).join(Card).where(wanted))
        return Counter({"cards": cards}) + Counter(Carrier(carrier) for carrier in carriers)
