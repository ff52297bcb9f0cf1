"""The card on paper, read back from the PDF as a printer and a scanner would."""

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import select

from app.cards import lifecycle
from app.cards.model import Card, CardEvent, WalletPass
from app.cards.token import Carrier
from app.db import Database
from demo.browser import Browser
from demo.shop import gist
from tests.api.stage import Clock, Service
from tests.api.test_offline_list import fetched, listed, opened
from tests.api.test_teacher import state_of

MM_A_POINT = 25.4 / 72


def pdf(teacher: Browser, size: str = "a4", language: str = "nl") -> pypdfium2.PdfPage:
    """The one page of the print."""
    answer = teacher.open(f"/card/paper.pdf?size={size}&lang={language}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    document = pypdfium2.PdfDocument(answer.content)
    assert len(document) == 1
    return document[0]


def text(page: pypdfium2.PdfPage) -> str:
    return " ".join(page.get_textpage().get_text_range().split())


def codes(page: pypdfium2.PdfPage) -> list[str]:
    """Every code on the page, drawn at 150 dots an inch as a cheap printer does."""
    found = zxingcpp.read_barcodes(page.render(scale=150 / 72).to_pil())
    return [one.text for one in found]


def print_anew(teacher: Browser) -> str:
    teacher.open("/card/paper")
    teacher.press("/card/paper")
    return codes(pdf(teacher, "card"))[0]


@pytest.mark.parametrize(
    ("size", "side_mm", "number_of_codes"), [("a4", (210, 297), 2), ("card", (85.6, 53.98), 1)]
)
def test_a_print_shows_one_code_that_a_till_accepts(
    service: Service, size: str, side_mm: tuple[float, float], number_of_codes: int
) -> None:
    teacher = service.with_card()
    print_anew(teacher)
    page = pdf(teacher, size)
    assert [round(side * MM_A_POINT, 1) for side in page.get_size()] == [
        round(side, 1) for side in side_mm
    ]
    found = codes(page)
    assert len(found) == number_of_codes
    assert len(set(found)) == 1
    verdict = service.till().scan(found[0]).json()
    assert (verdict["valid"], verdict["carrier"], verdict["grade"]) == (True, "paper", "static")
    shown = text(page)
    for fact in (
        "Lerarenkaart",
        "2026",
        "Annelies Peeters",
        "31 december 2026",
        "identiteitskaart",
    ):
        assert fact in shown


def test_a_print_speaks_the_language_of_its_reader(service: Service) -> None:
    teacher = service.with_card()
    print_anew(teacher)
    told = {language: text(pdf(teacher, "a4", language)) for language in ("nl", "fr", "en", "de")}
    assert "Knip de kaart uit" in told["nl"]
    assert "Découpez la carte" in told["fr"]
    assert "31 décembre 2026" in told["fr"]
    assert "Cut the card out" in told["en"]
    assert "Schneiden Sie die Karte" in told["de"]


def test_a_new_print_ends_the_earlier_ones_and_leaves_the_wallets_alone(
    service: Service, clock: Clock
) -> None:
    teacher = service.with_card()
    apple = service.apple_code(teacher)
    prints = [print_anew(teacher) for _ in range(3)]
    assert len(set(prints)) == 3
    clock.advance(seconds=1)
    museum = service.till()
    assert [gist(museum.scan(code))["reason"] for code in prints] == [
        "superseded",
        "superseded",
        "ok",
    ]
    assert gist(museum.scan(apple))["valid"]
    # A scanner without a network knows it too.
    clock.advance(minutes=2)
    assert listed(opened(service, fetched(service)), [*prints, apple]) == [True, True, False, False]


def test_reading_a_print_again_makes_no_new_one(service: Service, database: Database) -> None:
    teacher = service.with_card()
    before = state_of(database)
    assert teacher.open("/card/paper.pdf").status_code == 404
    assert state_of(database) == before
    print_anew(teacher)
    made = state_of(database)
    first, second = (teacher.open("/card/paper.pdf").content for _ in range(2))
    assert first == second
    assert state_of(database) == made
    with database.reading() as session:
        paper = session.scalars(select(WalletPass).where(WalletPass.carrier == Carrier.PAPER)).one()
        events = session.scalars(select(CardEvent.what).where(CardEvent.why == "paper")).all()
    assert paper.activated_at is not None
    assert sorted(events) == ["activated", "pass-added"]


def test_a_card_that_is_suspended_is_not_printed_and_its_print_is_refused(
    service: Service, database: Database, clock: Clock
) -> None:
    teacher = service.with_card()
    code = print_anew(teacher)
    headers = service.as_teacher(teacher)
    database.transact(
        lambda session: lifecycle.suspend(
            session, session.scalars(select(Card)).one(), why="inquiry", now=clock()
        )
    )
    assert service.http.post("/card/paper", headers=headers).status_code == 409
    for path in ("/card/paper", "/card/paper.pdf"):
        assert service.http.get(path, headers=headers).status_code == 404
    assert gist(service.till().scan(code))["reason"] == "not_valid"


def test_a_lost_card_takes_its_print_with_it(service: Service) -> None:
    teacher = service.with_card()
    code = print_anew(teacher)
    teacher.open("/card/lost")
    teacher.press("/card/report-lost")
    assert gist(service.till().scan(code))["reason"] == "not_valid"
    # The new card has no print yet.
    assert teacher.open("/card/paper.pdf").status_code == 404
