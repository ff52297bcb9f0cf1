"""From the computer to the phone: for the one who sees both screens, and for nobody else."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
from sqlalchemy import select

from app.db import Database
from app.identity import handoff
from app.identity.model import Handoff, WebSession
from app.identity.secret_text import fingerprint
from demo.browser import Browser
from tests.api.stage import Clock, Service

PAGE = {"accept": "text/html", "accept-language": "nl"}


class Phone:
    """A browser without a session that opened a link."""

    def __init__(self, service: Service, link: str) -> None:
        self.http = httpx.Client(base_url=service.address, headers=PAGE, timeout=30.0)
        self.link = link
        self.page = self.http.get(link)

    def close(self) -> None:
        """Close the window."""
        self.http.close()

    def ask(self) -> "Phone":
        """Press the button of the page, and go where it leads."""
        self.page = self.http.post(self.link)
        if self.page.status_code == 303:
            self.page = self.http.get(self.page.headers["location"])
        return self

    @property
    def number(self) -> str:
        """What it shows."""
        found = re.search(r'class="big-number">(\d\d)<', self.page.text)
        assert found is not None, self.page.text
        return found[1]

    def finish(self) -> httpx.Response:
        """Press the last button."""
        return self.http.post(f"{self.link}/finish")


Phones = Callable[[str], Phone]


def link_of(service: Service, database: Database, computer: Browser) -> str:
    """The link of a handoff from this computer, made anew since only its hash is stored."""
    token = computer.page.request.headers["cookie"].partition("sid=")[2].partition(";")[0]
    computer.open("/card")
    computer.press("/card/handoff")
    assert computer.page.status_code == 200
    link = database.transact(
        lambda session: handoff.offer(session, token, initials="A.P.", now=service.clock())
    )
    return f"/handoff/{link}"


@pytest.fixture
def phones(service: Service) -> Iterator[Phones]:
    """Open a link on a phone; all are closed afterwards."""
    with ExitStack() as open_:
        yield lambda link: open_.enter_context(closing(Phone(service, link)))


@pytest.fixture
def computer(service: Service) -> Browser:
    return service.with_card()


@pytest.fixture
def link(service: Service, database: Database, computer: Browser) -> str:
    computer.open("/card")
    return link_of(service, database, computer)


def pick(computer: Browser, number: str) -> httpx.Response:
    computer.open("/card/handoff")
    return computer.press("/card/handoff/confirm", number=number)


def test_the_phone_gets_a_session_of_its_own_once_the_number_was_picked(
    phones: Phones, database: Database, computer: Browser, link: str
) -> None:
    phone = phones(link)
    assert "A.P." in phone.page.text
    number = phone.ask().number
    assert phone.finish().headers["location"] == link  # not confirmed: it waits on
    choices = computer.open("/card/handoff").text
    assert f'value="{number}"' in choices
    pick(computer, number)
    assert "Je telefoon gaat verder" in computer.page.text
    assert phone.finish().headers["location"] == "/card"
    assert "Annelies Peeters" in phone.http.get("/card").text
    assert computer.open("/card").status_code == 200
    with database.reading() as session:
        sessions = session.scalars(select(WebSession).order_by(WebSession.id)).all()
        assert len({one.token_hash for one in sessions}) == 2
        # Handing on lengthens no log-in.
        assert len({one.created_at for one in sessions}) == 1
        assert session.scalars(select(Handoff)).all() == []


def test_the_link_stands_on_the_page_as_a_drawing_only(
    database: Database, computer: Browser
) -> None:
    computer.open("/card")
    page = computer.press("/card/handoff").text
    size = re.search(r'viewBox="0 0 (\d+) \1"', page)
    assert size is not None
    with database.reading() as session:
        assert session.scalars(select(Handoff)).one().link_hash != fingerprint("")
    assert "/handoff/" not in re.sub(r'"/card/handoff[^"]*"', "", page)


def test_a_wrong_number_ends_it(phones: Phones, computer: Browser, link: str) -> None:
    phone = phones(link).ask()
    wrong = str((int(phone.number) + 1) % 90 + 10)
    pick(computer, wrong)
    assert "Er is niets bezig" in computer.page.text
    assert phone.finish().status_code == 404
    assert phone.ask().page.status_code == 404


def test_stopping_ends_it(phones: Phones, computer: Browser, link: str) -> None:
    phone = phones(link).ask()
    pick(computer, "0")
    assert phone.finish().status_code == 404


def test_a_second_phone_hears_that_the_link_is_over(
    phones: Phones, computer: Browser, link: str
) -> None:
    first = phones(link).ask()
    thief = phones(link)
    assert thief.page.status_code == 404
    assert thief.ask().page.status_code == 404
    pick(computer, first.number)
    assert thief.finish().status_code == 404
    assert first.finish().status_code == 303
    assert first.finish().status_code == 404  # once


def test_looking_uses_nothing_up(phones: Phones, link: str) -> None:
    for _ in range(3):
        assert phones(link).page.status_code == 200
    assert phones(link).ask().number


def test_a_link_is_over_after_five_minutes(
    phones: Phones, computer: Browser, link: str, clock: Clock
) -> None:
    phone = phones(link).ask()
    clock.advance(minutes=5, seconds=1)
    assert phone.finish().status_code == 404
    assert "Er is niets bezig" in computer.open("/card/handoff").text


def test_another_site_can_neither_bind_nor_finish(phones: Phones, link: str) -> None:
    phone = phones(link)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert phone.http.post(link, headers=headers).status_code == 403
        assert phone.http.post(f"{link}/finish", headers=headers).status_code == 403


def test_a_computer_that_logged_out_or_made_a_new_link_lets_nobody_in(
    phones: Phones, computer: Browser, link: str
) -> None:
    phone = phones(link).ask()
    computer.open("/card")
    computer.press("/card/handoff")
    assert phone.finish().status_code == 404


def test_somebody_else_cannot_confirm(service: Service, phones: Phones, link: str) -> None:
    phone = phones(link).ask()
    rik = service.as_teacher(service.logged_in("grace"))
    answer = service.http.post("/card/handoff/confirm", headers=rik, data={"number": phone.number})
    assert answer.status_code == 409
    assert phone.finish().headers["location"] == link
