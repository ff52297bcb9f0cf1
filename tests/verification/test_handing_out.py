"""Keys that an office hands out: two at a till, so that one can replace the other."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import Conflict
from app.verification import partners

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def test_a_till_has_two_keys_and_a_third_when_one_was_revoked(database: Database) -> None:
    def open_shop(session: Session) -> None:
        shop = partners.add_partner(session, "Shop", category="shop", now=NOW)
        partners.add_till(session, shop, "1", now=NOW)

    def hand_out(session: Session, *, test: bool = False) -> str:
        till = partners.till_named(session, partners.partner_named(session, "Shop").id, "1")
        return partners.hand_out_key(session, till, test=test, now=NOW)

    database.transact(open_shop)
    first, _ = (database.transact(hand_out) for _ in range(2))
    with pytest.raises(Conflict, match=first.split("_")[2]):
        database.transact(hand_out)
    # The sandbox has keys of its own.
    assert database.transact(lambda session: hand_out(session, test=True)).startswith("lk_test_")
    key_id = first.split("_")[2]
    database.transact(lambda session: partners.revoke_key(session, key_id, now=NOW))
    assert database.transact(hand_out).startswith("lk_live_")
