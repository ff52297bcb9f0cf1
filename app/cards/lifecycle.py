"""The only verbs that change a card's status or a pass's code.

Each verb takes an open session, appends a `CardEvent` and raises the revision of every pass that
a phone should fetch anew; none commits. The teacher's row is locked first, so that verbs for one
person follow each other. With the last card goes what its holder told us. `entitlement` has the
table of transitions; callers decide when they are due.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.cards import own_key
from app.cards.card_year import CardYear, belgian_day, card_year, next_turn
from app.cards.entitlement import TRANSITIONS, CardStatus, Entitlement, EntitlementReason
from app.cards.keyring import Keys
from app.cards.model import Card, CardEvent, Teacher, WalletPass
from app.cards.numbers import new_card_number
from app.cards.token import HOUR_S, Carrier
from app.db import insert_once, uuid7
from app.errors import Conflict, NotEligible

IN_FORCE = (CardStatus.ACTIVE, CardStatus.SUSPENDED)
# Which status a card has from an event on; other events change none.
BECOMES = {
    "issued": CardStatus.ACTIVE,
    "resumed": CardStatus.ACTIVE,
    "suspended": CardStatus.SUSPENDED,
    "revoked": CardStatus.REVOKED,
    "ended": CardStatus.ENDED,
}
# What a holder may want to hear of; and why a card is issued that follows a lost one.
NOTABLE = frozenset({"grace", "suspended", "resumed", "extended"})
REISSUED = "reissued"


def card_in_force(session: Session, teacher: Teacher) -> Card | None:
    """The teacher's active or suspended card; the teacher's row is locked from here on."""
    _lock(session, [teacher.id])
    found = select(Card).where(Card.teacher_id == teacher.id, Card.status.in_(IN_FORCE))
    return session.scalars(found).one_or_none()


def issue(
    session: Session, teacher: Teacher, *, year: CardYear, initials: int, why: str, now: datetime
) -> Card:
    """Give the teacher a card for a card year, or return the one in force: asking twice is safe.

    `NotEligible` for who is barred.
    """
    card = card_in_force(session, teacher)
    if card is not None:
        return card
    # Read under the lock: the teacher at hand may be from before somebody barred them.
    if session.scalar(select(Teacher.barred_at).where(Teacher.id == teacher.id)) is not None:
        raise NotEligible("The card office decided that this person gets no card.")
    card = Card(
        teacher_id=teacher.id,
        number=new_card_number(),
        status=CardStatus.ACTIVE,
        status_reason=why,
        initials=initials,
        valid_from=max(now, year.valid_from),
        year=year.year,
        created_at=now,
    )
    session.add(card)
    session.flush()
    _look_again(teacher, card, now)
    _record(session, card, "issued", why, now)
    return card


def add_pass(
    session: Session, card: Card, carrier: Carrier, *, keys: Keys, now: datetime
) -> WalletPass:
    """The card's pass on a carrier, made when there is none yet."""
    session.execute(select(Card.id).where(Card.id == card.id).with_for_update())
    new = insert_once(
        session,
        WalletPass,
        {
            "id": uuid7(),
            "card_id": card.id,
            "carrier": carrier,
            "pass_number": secrets.randbits(63),
            "serial": secrets.token_hex(16),
            "key_id": keys.signing_for(test=card.test).id,
            "pass_secret_id": keys.active("pass").id,
            "generation": 1,
            "code_issued_at": _whole_hour(now),
            "revision": 1,
            "revised_at": now,
            "pushed_revision": 0,
        },
    )
    if new:
        _record(session, card, "pass-added", carrier.label, now)
    found = select(WalletPass).where(WalletPass.card_id == card.id, WalletPass.carrier == carrier)
    return session.scalars(found).one()


def refresh(
    session: Session,
    teacher: Teacher,
    entitlement: Entitlement,
    *,
    year: CardYear,
    now: datetime,
) -> None:
    """Bring the teacher's card into line with what the rules say now.

    An entitlement extends the card to the present card year and lifts a suspension that the
    lack of one had caused; a suspension by a person stays. Without one the card is withheld, and
    ends with its year. `year` is the card year for which a card would be issued now.
    """
    refresh_all(session, {teacher: (entitlement, year)}, now=now)


def refresh_all(
    session: Session,
    judged: Mapping[Teacher, tuple[Entitlement, CardYear]],
    *,
    now: datetime,
) -> None:
    """`refresh` for many teachers at the price of two queries; their rows are locked in one order.

    What becomes of one never depends on the others.
    """
    by_id = {teacher.id: teacher for teacher in judged}
    _lock(session, by_id)
    were_in_grace = {teacher.id for teacher in judged if teacher.in_grace}
    for teacher, (entitlement, _) in judged.items():
        teacher.entitled = entitlement.entitled
        teacher.entitlement_reason = entitlement.reason
        teacher.review_on = entitlement.review_on
    found = (
        select(Card)
        .where(Card.teacher_id.in_(by_id), Card.status.in_(IN_FORCE))
        .options(selectinload(Card.passes))
    )
    for card in session.scalars(found).all():
        teacher = by_id[card.teacher_id]
        _align(session, card, *judged[teacher], now=now)
        turned = teacher.in_grace != (teacher.id in were_in_grace)
        if turned and card.status is CardStatus.ACTIVE:
            _turn_grace(session, card, judged[teacher][0], now)
        if card.status in IN_FORCE:
            _look_again(teacher, card, now)


def _turn_grace(session: Session, card: Card, entitlement: Entitlement, now: datetime) -> None:
    """Grace begins, up to a last day, or is over because there is work again."""
    if card.teacher.in_grace:
        _record(session, card, "grace", str(entitlement.until), now)
    else:
        _record(session, card, "grace-over", entitlement.reason, now)
    _revise(card, now)


def _align(
    session: Session, card: Card, entitlement: Entitlement, year: CardYear, *, now: datetime
) -> None:
    if not entitlement.entitled:
        _withhold(session, card, entitlement.reason, year, now)
        return
    if card.status is CardStatus.SUSPENDED and card.status_reason in set(EntitlementReason):
        _change(session, card, CardStatus.ACTIVE, what="resumed", why=entitlement.reason, now=now)
    if card.year < year.year:
        card.year = year.year
        _record(session, card, "extended", str(year.year), now)
        _revise(card, now)


def _lock(session: Session, teacher_ids: Iterable[UUID]) -> None:
    """Lock rows in the order of their numbers, so that two batches never wait for each other."""
    rows = select(Teacher.id).where(Teacher.id.in_(list(teacher_ids))).order_by(Teacher.id)
    session.execute(rows.with_for_update())


def _withhold(
    session: Session, card: Card, reason: EntitlementReason, year: CardYear, now: datetime
) -> None:
    if reason is EntitlementReason.DECEASED:
        end(session, card, why=reason, now=now)
    elif card.year < year.year:
        end(session, card, why="year-over", now=now)
    elif card.status is CardStatus.ACTIVE:
        _change(session, card, CardStatus.SUSPENDED, what="suspended", why=reason, now=now)


def _look_again(teacher: Teacher, card: Card, now: datetime) -> None:
    """Have time come back to this teacher when the calendar says so, if the rules do not before."""
    turn = next_turn(card.year, on=belgian_day(now))
    teacher.review_on = min(turn, teacher.review_on or turn)


def suspend(session: Session, card: Card, *, why: str, now: datetime) -> None:
    """Withhold the card for a while; only a person's `resume` lifts it again."""
    _change(session, card, CardStatus.SUSPENDED, what="suspended", why=why, now=now)


def resume(session: Session, card: Card, *, why: str, now: datetime) -> None:
    """Lift a suspension."""
    _change(session, card, CardStatus.ACTIVE, what="resumed", why=why, now=now)


def revoke(session: Session, card: Card, *, why: str, now: datetime) -> None:
    """End the card for good; the next scan of any of its codes is refused."""
    _change(session, card, CardStatus.REVOKED, what="revoked", why=why, now=now)
    own_key.drop(card.teacher)


def bar(session: Session, teacher: Teacher, *, why: str, now: datetime) -> None:
    """Give this person no card from now on, and revoke the one in force; only `lift` undoes it."""
    card = card_in_force(session, teacher)
    if card is not None:
        revoke(session, card, why=why, now=now)
    teacher.barred_at, teacher.barred_why = now, why


def lift(teacher: Teacher) -> None:
    """Let the rules alone decide again; what was revoked stays revoked."""
    teacher.barred_at = teacher.barred_why = None


def end(session: Session, card: Card, *, why: str, now: datetime) -> None:
    """Close a card whose time is over."""
    _change(session, card, CardStatus.ENDED, what="ended", why=why, now=now)
    own_key.drop(card.teacher)


def reissue(session: Session, card: Card, *, why: str, now: datetime) -> Card:
    """Revoke a lost or copied card and give the same teacher a new one, at once.

    A suspension goes over to the new card: whoever may not use the old one gains nothing.
    """
    withheld = card.status_reason if card.status is CardStatus.SUSPENDED else None
    _change(session, card, CardStatus.REVOKED, what="revoked", why=why, now=now)
    session.flush()
    fresh = issue(
        session,
        card.teacher,
        year=card_year(card.year),
        initials=card.initials,
        why=REISSUED,
        now=now,
    )
    if withheld is not None:
        suspend(session, fresh, why=withheld, now=now)
    return fresh


def rotate(
    session: Session, wallet_pass: WalletPass, *, keys: Keys, why: str, now: datetime
) -> None:
    """Give one pass the code of its next generation, under the present token key."""
    wallet_pass.generation += 1
    wallet_pass.key_id = keys.signing_for(test=wallet_pass.card.test).id
    wallet_pass.code_issued_at = _whole_hour(now)
    wallet_pass.rotation_due_at = None
    _record(session, wallet_pass.card, "rotated", why, now)
    _raise_revision(wallet_pass, now)


def _change(
    session: Session, card: Card, status: CardStatus, *, what: str, why: str, now: datetime
) -> None:
    if status not in TRANSITIONS[card.status]:
        raise Conflict(f"A card that is {card.status} cannot become {status}.")
    card.status = status
    card.status_reason = why
    _record(session, card, what, why, now)
    if status not in IN_FORCE:
        for wallet_pass in card.passes:
            wallet_pass.revoked_at = wallet_pass.revoked_at or now
    _revise(card, now)


def _record(session: Session, card: Card, what: str, why: str, now: datetime) -> None:
    untold = what in NOTABLE or why == REISSUED
    session.add(CardEvent(card_id=card.id, what=what, why=why, at=now, untold=untold))


def _revise(card: Card, now: datetime) -> None:
    for wallet_pass in card.passes:
        _raise_revision(wallet_pass, now)


def _raise_revision(wallet_pass: WalletPass, now: datetime) -> None:
    wallet_pass.revision += 1
    # Last-Modified counts whole seconds: two changes in one second would look like one.
    wallet_pass.revised_at = max(now, wallet_pass.revised_at + timedelta(seconds=1))


def _whole_hour(now: datetime) -> int:
    return int(now.timestamp()) // HOUR_S * HOUR_S
