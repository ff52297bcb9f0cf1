"""Everything that is kept about one person, as they may take it with them.

Plain JSON values, with the words of the tables. The national number itself is left out: whoever
asks knows it, and a downloaded file is the wrong place for it; that it is kept is said.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, selectinload

from app.cards import names
from app.cards.keyring import Keys
from app.cards.model import Card, Teacher, WalletPass
from app.cards.token import Carrier
from app.epd.model import PersonnelRecord
from app.epd.pull.model import Registration
from app.identity.model import WebSession
from app.notices.model import Notice, Subscription
from app.notices.subscribing import address_of
from app.passes.model import DeviceRegistration, GoogleHolding, LiveDevice
from app.retention.terms import Term
from app.statistics.model import CardFlags
from app.verification.activity import checks_of


def export(
    session: Session, teacher_id: uuid.UUID, *, keys: Keys, terms: Sequence[Term], now: datetime
) -> dict[str, Any]:
    """All of it at this moment; times are RFC 3339 UTC."""
    teacher = session.get_one(Teacher, teacher_id)
    name = names.read(keys, teacher)
    return {
        "made_at": _moment(now),
        "person": {
            "name": name and {"given": name.given, "family": name.family},
            "known_since": _moment(teacher.created_at),
            "gets_no_card_since": _moment(teacher.barred_at),
            "gets_no_card_because": teacher.barred_why,
            "entitled": teacher.entitled,
            "entitlement_reason": teacher.entitlement_reason,
            "personnel_file_last_answered_at": _moment(teacher.heard_at),
            "personnel_file_tells_us_of_changes": bool(
                session.scalar(select(exists().where(Registration.teacher_id == teacher_id)))
            ),
            "looked_at_again_on": teacher.review_on and teacher.review_on.isoformat(),
        },
        "notices": _notices(session, teacher, keys),
        "personnel_records": [_record(row) for row in _records(session, teacher_id)],
        "cards": [_card(session, card) for card in _cards(session, teacher_id)],
        "checks": [
            asdict(check) | {"at": _moment(check.at), "carrier": _carrier(check.carrier)}
            for check in checks_of(session, teacher_id)
        ],
        "counted_as": [
            {
                "year": row.year,
                "home_province": row.home_province,
                "work_province": row.work_province,
                "flags": row.flags,
            }
            for row in session.scalars(
                select(CardFlags).where(CardFlags.teacher_id == teacher_id).order_by(CardFlags.id)
            )
        ],
        "log_ins": [_log_in(row) for row in _sessions(session, teacher_id)],
        "kept_for": {
            term.name: f"PT{int(term.kept_for.total_seconds())}S"
            if term.kept_for
            else "to 31 December of the year after"
            for term in terms
        },
    }


def _notices(session: Session, teacher: Teacher, keys: Keys) -> dict[str, Any] | None:
    wish = session.get(Subscription, teacher.id)
    if wish is None or teacher.address is None:
        return None
    waiting = select(Notice).where(Notice.teacher_id == teacher.id).order_by(Notice.at)
    return {
        "address": address_of(keys, teacher),
        "language": wish.language,
        "asked_at": _moment(wish.asked_at),
        "confirmed_at": _moment(wish.confirmed_at),
        "to_be_sent": [
            {"kind": one.kind, "at": _moment(one.at)} for one in session.scalars(waiting)
        ],
    }


def _records(session: Session, teacher_id: uuid.UUID) -> Sequence[PersonnelRecord]:
    return session.scalars(
        select(PersonnelRecord).where(PersonnelRecord.teacher_id == teacher_id)
    ).all()


def _record(row: PersonnelRecord) -> dict[str, Any]:
    return {
        "source": row.source,
        "national_number_kept": row.insz_encrypted is not None,
        "version": row.version,
        "changed_at": _moment(row.changed_at),
        "received_at": _moment(row.received_at),
        "home_province": row.home_province,
        "status": row.snapshot,
    }


def _cards(session: Session, teacher_id: uuid.UUID) -> Sequence[Card]:
    rows = select(Card).where(Card.teacher_id == teacher_id).order_by(Card.id)
    return session.scalars(rows.options(selectinload(Card.passes), selectinload(Card.events))).all()


def _card(session: Session, card: Card) -> dict[str, Any]:
    return {
        "number": card.number,
        "status": card.status.value,
        "status_reason": card.status_reason,
        "year": card.year,
        "valid_from": _moment(card.valid_from),
        "created_at": _moment(card.created_at),
        "events": [
            {"at": _moment(event.at), "what": event.what, "why": event.why} for event in card.events
        ],
        "passes": [_pass(session, one) for one in card.passes],
    }


def _pass(session: Session, wallet_pass: WalletPass) -> dict[str, Any]:
    devices = select(DeviceRegistration).where(DeviceRegistration.pass_id == wallet_pass.id)
    holding = session.get(GoogleHolding, wallet_pass.id)
    live = session.get(LiveDevice, wallet_pass.id)
    return {
        "carrier": _carrier(wallet_pass.carrier),
        "serial": wallet_pass.serial,
        "generation": wallet_pass.generation,
        "changed_at": _moment(wallet_pass.revised_at),
        "confirmed_at": _moment(wallet_pass.confirmed_at),
        "revoked_at": _moment(wallet_pass.revoked_at),
        "in_google_wallet": holding
        and {"held": holding.held, "saved_at": _moment(holding.saved_at)},
        "shown_live_by": live and {"device": live.thumbprint, "since": _moment(live.since)},
        "devices": [
            {
                "registered_at": _moment(device.registered_at),
                "last_seen_at": _moment(device.last_seen_at),
                "downloaded_at": _moment(device.downloaded_at),
            }
            for device in session.scalars(devices)
        ],
    }


def _sessions(session: Session, teacher_id: uuid.UUID) -> Sequence[WebSession]:
    return session.scalars(select(WebSession).where(WebSession.teacher_id == teacher_id)).all()


def _log_in(row: WebSession) -> dict[str, Any]:
    return {"at": _moment(row.authenticated_at), "last_seen_at": _moment(row.last_seen_at)}


def _carrier(carrier: int | None) -> str:
    return Carrier(carrier).label if carrier else "typed number"


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
