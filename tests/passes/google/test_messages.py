"""What a holder is told on the Google pass: once for each piece of news, never too loud."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.cards.entitlement import CardStatus
from app.errors import Unavailable
from app.passes.content import PassContent
from app.passes.google.client import MESSAGES_LIMIT, GoogleWallet
from app.passes.google.object import generic_class, resource_id
from app.passes.google.passes import CLASS_SUFFIX, GooglePasses
from demo.google_account import ISSUER_ID

KEY = b"12345678901234567890"
Bring = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def passes(connect: Callable[..., GoogleWallet], now: datetime) -> GooglePasses:
    """Our passes at the simulated Google, which finds nobody to call back."""
    wallet, site = connect(requests_per_s=1000), "https://kaart.example"
    design = generic_class(ISSUER_ID, CLASS_SUFFIX, public_url=site, callback_url=None)
    wallet.ensure_class(design, now=now)
    return GooglePasses(wallet, issuer_id=ISSUER_ID, public_url=site)


@pytest.fixture
def bring(passes: GooglePasses, google: Any, content: PassContent, now: datetime) -> Bring:
    """Change the pass, which somebody has saved; then kind and text of all its messages."""
    passes.put(content, totp_key=KEY, now=now)
    google.http.get(passes.save_link(content.serial, now=now)).raise_for_status()
    google.control(requests_per_s=1000)

    def bring(*, at: datetime = now, **changes: object) -> list[tuple[str, str]]:
        passes.patch(replace(content, **changes), totp_key=KEY, now=at)
        return said(google, content)

    return bring


def said(google: Any, content: PassContent) -> list[tuple[str, str]]:
    """Kind and Dutch text of the messages that Google holds."""
    held = google.state()["objects"][resource_id(ISSUER_ID, content.serial)]
    return [(one["messageType"], one["body"]) for one in held["messages"]]


def test_a_new_pass_says_how_it_stands_and_makes_no_sound(
    passes: GooglePasses, google: Any, content: PassContent, now: datetime
) -> None:
    passes.put(content, totp_key=KEY, now=now)
    assert said(google, content) == [("TEXT", "De status van je Lerarenkaart: In gebruik")]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"in_grace": True}, "De status van je Lerarenkaart: Voorlopig in gebruik"),
        ({"status": CardStatus.SUSPENDED}, "De status van je Lerarenkaart: Geschorst"),
        ({"status": CardStatus.REVOKED}, "De status van je Lerarenkaart: Ingetrokken"),
        ({"year": 2027, "in_grace": True}, "De status van je Lerarenkaart: Voorlopig in gebruik"),
        ({"year": 2027}, "Je Lerarenkaart 2027 staat klaar."),
    ],
)
def test_news_sounds_once_however_often_the_pass_is_brought(
    changes: dict[str, Any], text: str, bring: Bring, google: Any
) -> None:
    assert bring(**changes)[1:] == [("TEXT_AND_NOTIFY", text)]
    google.control(legacy_enums=True)
    assert len(bring(**changes)) == 2


def test_a_change_that_is_no_news_makes_no_sound_and_one_call(bring: Bring, google: Any) -> None:
    google.control()
    assert len(bring(holder_name="An Maes")) == 1
    assert set(google.asked()) == {"PATCH"}


def test_nobody_is_told_who_does_not_have_the_pass(
    passes: GooglePasses, google: Any, content: PassContent, now: datetime
) -> None:
    passes.put(content, totp_key=KEY, now=now)
    passes.patch(replace(content, in_grace=True), totp_key=KEY, now=now)
    assert len(said(google, content)) == 1


def test_the_fourth_of_a_day_is_silent_and_the_next_day_sounds_again(
    bring: Bring, google: Any, now: datetime
) -> None:
    for hour in range(1, 6):
        google.moment = now + timedelta(hours=hour)
        messages = bring(in_grace=bool(hour % 2), at=google.moment)
    kinds = [kind for kind, _ in messages]
    assert kinds == ["TEXT", *["TEXT_AND_NOTIFY"] * 3, "TEXT", "TEXT"]
    google.moment = now + timedelta(hours=26)
    messages = bring(at=google.moment)
    assert messages[-1][0] == "TEXT_AND_NOTIFY"


def test_a_full_list_makes_room_for_what_is_new(bring: Bring, now: datetime, google: Any) -> None:
    for day in range(1, MESSAGES_LIMIT + 3):
        google.moment = now + timedelta(days=day)
        messages = bring(in_grace=bool(day % 2), at=google.moment)
    assert len(messages) == MESSAGES_LIMIT
    assert messages[-1][1] == "De status van je Lerarenkaart: In gebruik"


@pytest.mark.parametrize(("fault", "arrived"), [("disconnect", 0), ("lost-reply", 1)])
def test_a_message_that_may_be_lost_is_not_sent_twice(
    fault: str, arrived: int, bring: Bring, google: Any, content: PassContent
) -> None:
    google.control({"kind": fault, "path": "/addMessage"})
    with pytest.raises(Unavailable):
        bring(in_grace=True)
    assert len(said(google, content)) == 1 + arrived
    assert len(bring(in_grace=True)) == 2
