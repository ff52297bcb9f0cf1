"""The card office's switches, as its pages and its JSON pull them: each with its entry on record.

A partner, or the giving of first cards, takes one person of security; a token key takes two.
"""

import uuid
from typing import Annotated

from fastapi import Path
from sqlalchemy.orm import Session

from app.api.office_desk import AtDesk
from app.audit import object_of
from app.cards import stopping
from app.cards.keyring import MAX_TOKEN_KEY_ID
from app.errors import Conflict
from app.office import key_revocations
from app.office.cases import said
from app.office.proposals import MAX_WHY
from app.verification import partners

KeyId = Annotated[int, Path(ge=1, le=MAX_TOKEN_KEY_ID)]


def stop_partner(desk: AtDesk, partner_id: uuid.UUID, why: str) -> None:
    """Refuse everything of a partner from the next request on; its people are told why."""
    _require_reason(why)

    def work(session: Session) -> None:
        partner = partners.partner_of(session, partner_id)
        partners.stop_partner(partner, why=why.strip(), now=desk.now)
        on = object_of("partner", partner_id)
        desk.desk.note(session, "partner.stop", on, purpose=why.strip(), now=desk.now)

    desk.transact(work)


def admit_partner(desk: AtDesk, partner_id: uuid.UUID) -> None:
    """Take a partner back."""

    def work(session: Session) -> None:
        partners.admit_partner(partners.partner_of(session, partner_id))
        desk.desk.note(session, "partner.admit", object_of("partner", partner_id), now=desk.now)

    desk.transact(work)


def stop_issuing(desk: AtDesk, why: str) -> None:
    """Give no first cards, in every process, from the next request on."""
    _require_reason(why)

    def work(session: Session) -> None:
        stopping.stop(session, why=why.strip(), now=desk.now)
        desk.desk.note(session, "issuing.stop", "switch:issuing", purpose=why.strip(), now=desk.now)

    desk.transact(work)


def go_on_issuing(desk: AtDesk) -> None:
    """Give cards again."""

    def work(session: Session) -> None:
        stopping.go_on(session)
        desk.desk.note(session, "issuing.go-on", "switch:issuing", now=desk.now)

    desk.transact(work)


def propose_revocation(desk: AtDesk, key_id: int, why: str) -> None:
    """Propose that a token key is refused for good."""
    keys, name = desk.house.ring.keys, desk.official.name
    desk.transact(
        lambda session: key_revocations.propose(
            session, key_id, why, keys=keys, desk=desk.desk, name=name, now=desk.now
        )
    )


def decide_revocation(desk: AtDesk, number: uuid.UUID, *, approve: bool, why: str) -> None:
    """Say yes or no to what a colleague proposed; a yes counts from the very next check."""
    desk.transact(
        lambda session: key_revocations.decide(
            session, number, approve=approve, why=why, desk=desk.desk, now=desk.now
        )
    )
    key_revocations.carry_out(desk.house.database, desk.house.ring, now=desk.now)


def _require_reason(why: str) -> None:
    if not said(why, MAX_WHY):
        raise Conflict("Give a reason of at most 200 characters, without a national number.")
