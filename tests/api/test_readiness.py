"""What `/readyz` tells whoever watches about passes on their way to phones."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes import progress
from app.passes.model import PassDelivery
from tests.api.stage import Service


def deliveries(service: Service) -> dict[str, Any]:
    answer = service.http.get("/readyz")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["checks"]["deliveries"]
    return found


IN_LINE = {"lagging": 0, "parked": 0, "delivered": 0, "per_s": None, "left_s": 0}
NEVER_REFUSED = {"refused_since": None}


def test_a_pass_that_lags_is_told_with_its_age_until_it_is_in_line_or_given_up(
    service: Service, database: Database
) -> None:
    teacher = service.with_card()
    service.google_code(teacher)
    assert deliveries(service) == {
        "ok": True,
        "lagging": 0,
        "oldest_s": 0,
        "parked": 0,
        "parked_oldest_s": 0,
        "wallets": dict.fromkeys(("apple", "google"), IN_LINE | NEVER_REFUSED),
    }
    teacher.open("/card/lost")
    teacher.press("/card/report-lost")
    service.clock.advance(seconds=90)
    lagging = deliveries(service)
    # Two changes of a pass are at least a second apart, in the second of its making too.
    assert (lagging["lagging"], lagging["oldest_s"]) == (1, 89)
    # Nothing has come through yet, so nobody can say how long it takes.
    waits = {"lagging": 1, "left_s": None}
    assert lagging["wallets"]["google"] == IN_LINE | NEVER_REFUSED | waits
    assert lagging["wallets"]["apple"] == IN_LINE | NEVER_REFUSED
    given_up(service, database)
    parked = deliveries(service)
    assert (parked["lagging"], parked["parked"], parked["parked_oldest_s"]) == (1, 1, 89)
    assert parked["wallets"]["google"]["parked"] == 1


def given_up(service: Service, database: Database) -> None:
    def work(session: Any) -> None:
        google = select(WalletPass.id).where(WalletPass.carrier == Carrier.GOOGLE)
        lags = google.where(WalletPass.pushed_revision < WalletPass.revision)
        row = {
            "pass_id": session.scalars(lags).one(),
            "parked_reason": "400 invalid",
            "parked_at": service.clock(),
        }
        session.execute(insert(PassDelivery).values(row))

    database.transact(work)


def test_the_end_of_a_change_for_many_is_foretold_and_a_refusal_of_us_stands_out(
    service: Service, database: Database
) -> None:
    teacher = service.with_card()
    service.google_code(teacher)
    teacher.open("/card/lost")
    teacher.press("/card/report-lost")

    def note(*, delivered: int, refused: bool) -> None:
        now = service.clock()
        database.transact(
            lambda session: progress.note(
                session,
                Carrier.GOOGLE,
                delivered=delivered,
                refused=refused,
                begun_at=now - timedelta(seconds=10),
                ended_at=now,
            )
        )

    note(delivered=5, refused=False)
    google = deliveries(service)["wallets"]["google"]
    assert (google["delivered"], google["per_s"], google["left_s"]) == (5, 0.5, 2)
    note(delivered=0, refused=True)
    google = deliveries(service)["wallets"]["google"]
    assert google["refused_since"] == "2026-11-24T10:00:00Z"
