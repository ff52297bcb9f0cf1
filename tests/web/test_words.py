"""What the pages say and offer in every state of the domain."""

import pytest

from app.cards.entitlement import EntitlementReason, StaffCategory
from app.cards.token import Carrier
from app.identity.refusal import Remedy
from app.verification.verdict import Grade, Reason
from app.web.card_page import CardPage
from app.web.card_texts import CATEGORIES, STATES, WHY, CardState
from app.web.pages import Pages
from app.web.problem_texts import LOGIN_FAILURES, PROBLEMS
from app.web.texts import Texts
from app.web.verdict_texts import CARRIERS, GRADES, VERDICT_MESSAGES, verdict_message
from tests.web.document import Document


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("card-active", ["/card/apple", "/card/google"]),
        ("card-computer", ["/card/handoff", "/card/apple", "/card/google"]),
        ("card-google-first", ["/card/google", "/card/apple"]),
        ("card-grace", ["/card/apple", "/card/google"]),
        ("card-summer-bridge", ["/card/apple", "/card/google"]),
        ("card-epd-silent-known", ["/card/apple", "/card/google"]),
        ("card-none-yet", ["/card"]),
        ("card-epd-silent-new", []),
        ("card-not-entitled", []),
        ("card-unknown", []),
        ("card-suspended", []),
        ("card-revoked", []),
        ("card-ended", []),
        ("card-ended-anew", ["/card"]),
        ("card-barred", []),
    ],
)
def test_a_state_offers_its_own_buttons(
    documents: dict[tuple[str, str], Document], state: str, actions: list[str]
) -> None:
    document = documents[state, "nl"]
    assert [form["action"] for form in document.all("form")] == ["/logout", *actions]
    live = [link for link in document.all("a") if link["href"] == "/card/live"]
    assert bool(live) == ("/card/apple" in actions)


def test_the_wallet_of_the_phone_stands_out(documents: dict[tuple[str, str], Document]) -> None:
    def marked(state: str) -> list[str]:
        buttons = documents[state, "en"].all("button")
        texts = documents[state, "en"].text("button")
        return [
            text
            for text, button in zip(texts, buttons, strict=True)
            if "primary" in (button["class"] or "")
        ]

    assert marked("card-active") == ["Add to Apple Wallet"]
    assert marked("card-google-first") == ["Add to Google Wallet"]


def test_every_word_of_the_domain_has_a_sentence() -> None:
    assert set(VERDICT_MESSAGES) == set(Reason)
    assert set(GRADES) == set(Grade)
    assert set(CARRIERS) == {carrier.label for carrier in Carrier}
    assert set(CATEGORIES) == set(StaffCategory)
    assert set(WHY) > set(EntitlementReason)
    assert set(STATES) == set(CardState)
    assert set(LOGIN_FAILURES) == set(Remedy)


def test_a_reason_that_the_page_does_not_know_stays_unsaid(pages: Pages) -> None:
    page = CardPage(
        state=CardState.SUSPENDED,
        holder_name="An",
        csrf="x",
        year=2026,
        number="7KM3PX9Q2D",
        reason="a note for the office only",
    )
    assert "note for the office" not in pages.render("card.html", "en", page=page, reference="1")


def test_a_card_that_is_not_valid_gives_no_cause_away(texts: Texts) -> None:
    four = texts.in_four(verdict_message(Reason.NOT_VALID))
    causes = (
        "school",
        "leave",
        "teach",
        "suspend",
        "revoke",
        "withdraw",
        "lost",
        "stolen",
        "ended",
    )
    assert not any(cause in four["en"].lower() for cause in causes)
    assert four["nl"] == "Deze kaart is niet geldig. De houder leest meer op de eigen kaartpagina."


def test_a_verdict_says_valid_or_not_in_words(
    documents: dict[tuple[str, str], Document],
) -> None:
    assert "Geldig" in documents["verdict-ok", "nl"].text("p")
    assert "Niet geldig" in documents["verdict-stale_code", "nl"].text("p")


def test_every_kind_of_problem_is_listed_with_its_address(
    documents: dict[tuple[str, str], Document],
) -> None:
    addresses = {link["href"] for link in documents["problems", "nl"].all("a")}
    assert {f"/problems/{kind}" for kind in PROBLEMS} <= addresses
