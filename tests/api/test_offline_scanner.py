"""The demo's offline scanner, which stands for whoever builds one after docs/offline.md."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import func, select, update

from app.cards.model import WalletPass
from app.cards.numbers import new_webshop_code
from app.cards.token import Carrier
from app.db import Database
from app.verification.model import Scan
from demo.office import set_up_code
from demo.offline_scanner import OfflineScanner
from demo.shop import gist
from tests.api.stage import Clock, Service


class Line(httpx.HTTPTransport):
    """A line to the service on which answers can be spoilt."""

    spoil: Callable[[bytes], bytes] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and pass the answer on as the line leaves it."""
        answer = super().handle_request(request)
        if self.spoil is None:
            return answer
        return httpx.Response(answer.status_code, content=self.spoil(answer.read()))


@pytest.fixture
def line() -> Line:
    """What the scanner is connected by."""
    return Line()


@pytest.fixture
def scanner(service: Service, clock: Clock, line: Line) -> Iterator[OfflineScanner]:
    """A till of the museum that has taken keys and list along."""
    with closing(OfflineScanner(service.address, clock=clock, line=line)) as scanner:
        scanner.enrol(set_up_code(service.world, "museum"))
        scanner.fetch()
        yield scanner


def accepted(grade: str) -> dict[str, Any]:
    return {"valid": True, "reason": "ok", "grade": grade, "holder": "AP"}


def scans(database: Database) -> int | None:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Scan))


def lost(_answer: bytes) -> bytes:
    raise httpx.ReadError("the line broke before the answer came")


def forged(answer: bytes) -> bytes:
    """A list of which the last letter but ten was changed, and everything else as it came."""
    at = len(answer) - 10
    letter = b"A" if answer[at : at + 1] != b"A" else b"B"
    return answer if answer.startswith(b"{") else answer[:at] + letter + answer[at + 1 :]


def refused(reason: str) -> dict[str, Any]:
    return {"valid": False, "reason": reason, "grade": None, "holder": None}


def test_every_carrier_has_the_grade_that_can_be_seen_without_a_network(
    service: Service, scanner: OfflineScanner, clock: Clock
) -> None:
    teacher = service.with_card()
    apple, google = service.apple_code(teacher), service.google_code(teacher)
    assert scanner.check(service.web_codes(teacher)[0]) == accepted("live")
    assert scanner.check(apple) == accepted("recent")
    assert scanner.check(google) == accepted("static")
    assert scanner.check(service.printed()[0]) == accepted("static")
    clock.advance(hours=37)
    scanner.fetch()
    assert scanner.check(apple) == accepted("static")
    assert scanner.check(google.rsplit("/", 2)[0]) == refused("stale_code")


def test_a_code_of_another_moment_another_hand_or_another_house_is_refused(
    service: Service, scanner: OfflineScanner, clock: Clock
) -> None:
    present, *_, last = service.web_codes(service.with_card())
    forged = present[:-20] + ("0" if present[-20] != "0" else "1") + present[-19:]
    assert scanner.check(forged) == refused("bad_signature")
    assert scanner.check(last) == refused("not_yet_valid")
    elsewhere = "HTTPS://KAART.EXAMPLE.EVIL/1" + present.rpartition("/1")[2]
    assert scanner.check(elsewhere) == refused("foreign_code")
    assert scanner.check("WIFI:S:thuis;;") == refused("malformed")
    clock.advance(seconds=91)
    assert scanner.check(present) == refused("expired")


def test_a_code_of_a_revoked_pass_is_refused_once_the_list_names_it(
    service: Service, scanner: OfflineScanner, clock: Clock, database: Database
) -> None:
    apple = service.apple_code(service.with_card())
    revoked = (
        update(WalletPass).where(WalletPass.carrier == Carrier.APPLE).values(revoked_at=clock())
    )
    database.transact(lambda session: session.execute(revoked))
    assert (scanner.refused_codes, scanner.check(apple)["valid"]) == (0, True)
    clock.advance(seconds=61)
    scanner.fetch()
    assert (scanner.refused_codes, scanner.check(apple)) == (1, refused("not_valid"))


def test_a_test_card_is_told_from_a_live_one(service: Service, scanner: OfflineScanner) -> None:
    cards = service.http.get("/api/v1/sandbox/cards").json()["cards"]
    assert scanner.check(cards[0]["live"]) == refused("test_card")


def test_a_code_checked_twice_in_one_purchase_is_one_use(
    service: Service, scanner: OfflineScanner, clock: Clock, database: Database
) -> None:
    code = service.web_codes(service.with_card())[0]
    for _ in range(2):
        assert scanner.check(code) == accepted("live")
        clock.advance(seconds=20)
    told = [gist(scanner.upload_next()) for _ in range(2)]
    assert told == [accepted("live") | {"repeat": repeat} for repeat in (False, True)]
    assert scans(database) == 1


def test_a_list_older_than_a_day_ends_all_judging(
    service: Service, scanner: OfflineScanner, clock: Clock
) -> None:
    apple = service.apple_code(service.with_card())
    clock.advance(hours=24)
    assert scanner.check(apple)["valid"]
    clock.advance(seconds=1)
    with pytest.raises(RuntimeError, match="older than a day"):
        scanner.check(apple)
    assert scanner.waiting == 1
    scanner.fetch()
    assert scanner.check(apple)["valid"]


def test_a_list_that_nobody_signed_changes_nothing(
    service: Service, scanner: OfflineScanner, clock: Clock, line: Line
) -> None:
    apple = service.apple_code(service.with_card())
    clock.advance(hours=1)
    line.spoil = forged
    with pytest.raises(jwt.InvalidSignatureError):
        scanner.fetch()
    assert scanner.check(apple)["valid"]
    clock.advance(hours=23, seconds=1)
    with pytest.raises(RuntimeError, match="older than a day"):
        scanner.check(apple)


def test_a_scanner_without_a_list_judges_nothing(service: Service, clock: Clock) -> None:
    apple = service.apple_code(service.with_card())
    with (
        closing(OfflineScanner(service.address, clock=clock)) as scanner,
        pytest.raises(RuntimeError, match="older than a day"),
    ):
        scanner.check(apple)


def test_a_typed_number_waits_for_a_network(service: Service, scanner: OfflineScanner) -> None:
    service.with_card()
    for typed in (service.printed()[1], new_webshop_code()):
        with pytest.raises(RuntimeError, match="needs the network"):
            scanner.check(typed)
    assert scanner.waiting == 0


def test_what_was_checked_is_uploaded_once_also_when_an_answer_was_lost(
    service: Service,
    scanner: OfflineScanner,
    clock: Clock,
    database: Database,
    line: Line,
) -> None:
    teacher = service.with_card()
    web, apple = service.web_codes(teacher)[0], service.apple_code(teacher)
    scanner.check(web)
    scanner.check(apple)
    clock.advance(hours=3)
    assert scanner.waiting == 2
    line.spoil = lost
    with pytest.raises(httpx.ReadError):
        scanner.upload_next()
    line.spoil = None
    assert (scanner.waiting, scans(database)) == (2, 1)
    again = gist(scanner.upload_next())
    assert (again["valid"], again["repeat"]) == (True, True)
    assert gist(scanner.upload_next()) == accepted("recent") | {"repeat": False}
    assert (scanner.waiting, scans(database)) == (0, 2)
