"""Google in trouble: the teacher reads an honest page, and the next try begins where it stopped."""

from typing import Any

import pytest
from sqlalchemy import select

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from demo.shop import gist
from tests.api.stage import Service

HOUR, LATER = "3600", "120"
OBJECT, CLASS, TOKEN = "genericObject", "genericClass", "/token"
# What Google does, to which request, and when our page says to try again.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    # In the order in which a process asks: a token, the object; the class when it is missing.
    "no token": ({"kind": "400", "path": TOKEN}, "60"),
    "no token for now": ({"kind": "503", "path": TOKEN, "retry_after": LATER}, LATER),
    "a bad class": ({"kind": "400", "path": CLASS}, HOUR),
    "no permission": ({"kind": "permission-403"}, HOUR),
    "no access": ({"kind": "401", "times": 9}, "60"),
    "a bad object": ({"kind": "400", "path": OBJECT}, HOUR),
    "no such class": ({"kind": "404", "path": OBJECT, "times": 2}, HOUR),
    "quota": ({"kind": "quota-403", "path": OBJECT, "retry_after": LATER}, LATER),
    "too many requests": ({"kind": "429", "path": OBJECT, "retry_after": LATER}, LATER),
    "an error": ({"kind": "500", "path": OBJECT, "retry_after": LATER}, LATER),
    "maintenance": ({"kind": "503", "path": OBJECT, "retry_after": LATER}, LATER),
}
OVERCOME: dict[str, dict[str, Any]] = {
    "there already": {"kind": "409", "path": OBJECT, "method": "POST"},
    "a token that ended early": {"kind": "401"},
    "a line cut": {"kind": "disconnect"},
    "an answer lost": {"kind": "lost-reply", "path": OBJECT},
    "half an answer": {"kind": "half-reply", "path": OBJECT},
}


def google_passes(database: Database) -> list[tuple[str, int | None]]:
    """Serial and confirmed generation of every Google pass that we know of."""
    with database.reading() as session:
        found = session.scalars(select(WalletPass).where(WalletPass.carrier == Carrier.GOOGLE))
        return [(one.serial, one.confirmed_generation) for one in found]


def test_when_google_refuses_the_page_is_honest_and_the_next_try_goes_on(
    service: Service, database: Database
) -> None:
    headers = service.as_teacher(service.with_card()) | {"accept": "text/html"}
    for name, (fault, retry_after) in FAULTS.items():
        # Another test may have brought the class already; an object that finds none asks for it.
        missing = [{"kind": "404", "path": OBJECT}] if fault.get("path") == CLASS else []
        service.script("google", faults=[*missing, fault])
        answer = service.http.post("/card/google", headers=headers)
        assert (name, answer.status_code) == (name, 503)
        assert (name, answer.headers["retry-after"]) == (name, retry_after)
        assert "Nu even niet mogelijk" in answer.text
        assert not [word for word in ("google", "quota", "permission") if word in answer.text]
    # One pass was meant all the time, and Google has confirmed nothing of it.
    ((serial, generation),) = google_passes(database)
    assert generation is None
    service.script("google")
    assert service.http.post("/card/google", headers=headers).status_code == 303
    assert google_passes(database) == [(serial, 1)]
    assert service.google_objects()[-1]["id"].endswith(serial)


def test_a_hiccup_of_google_goes_unnoticed(service: Service, database: Database) -> None:
    people = ("permanent", "grace", "diacritics", "clb", "partial-leave")
    for key, fault in zip(people, OVERCOME.values(), strict=True):
        headers = service.as_teacher(service.with_card(key))
        service.script("google", faults=[fault])
        answer = service.http.post("/card/google", headers=headers)
        assert (fault["kind"], answer.status_code) == (fault["kind"], 303)
    assert [generation for _, generation in google_passes(database)] == [1] * len(OVERCOME)


def test_a_card_works_while_google_does_not(service: Service) -> None:
    teacher = service.with_card()
    service.script("google", faults=[{"kind": "400", "times": 9}])
    assert teacher.press("/card/google").status_code == 503
    assert gist(service.till().scan(service.web_codes(teacher)[0]))["valid"]
    teacher.open("/card")
    assert teacher.press("/card/apple").is_success


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it takes the whole patience
def test_when_google_says_nothing_the_teacher_hears_so_within_ten_seconds(
    service: Service, database: Database
) -> None:
    headers = service.as_teacher(service.with_card()) | {"accept": "text/html"}
    service.script("google", faults=[{"kind": "silence", "times": 99}])
    answer = service.http.post("/card/google", headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.elapsed.total_seconds() < 10
    assert [generation for _, generation in google_passes(database)] == [None]
