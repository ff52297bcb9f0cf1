"""Way A through the house: a teacher asks for a card and its passes.

`Issuing.issue` is the whole of it, its steps numbered in the order that survives a power cut:

1 the personnel file is asked, no transaction open
2 the entitlement is decided, together with
3 the intent: card, passes and event committed before anything is signed
4 the pass is signed, or its object inserted at Google, no transaction open
5 the result is committed

After a crash between 3 and 5 the row is there and whoever asks next completes it. When the
personnel file is silent, what it last said holds; of somebody it never spoke of nothing is
decided. Hides EPD, rules, rows and wallets from the pages.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import lifecycle, names
from app.cards.activation import confirm
from app.cards.card_year import belgian_day
from app.cards.entitlement import Employment, Entitlement, Interruption, Policy, decide, issue_year
from app.cards.initials import initials_of
from app.cards.insz import Insz
from app.cards.keyring import KeyRing
from app.cards.model import Card, Teacher, WalletPass
from app.cards.names import Name
from app.cards.stopping import require_giving
from app.cards.token import Carrier, KeyState
from app.db import Database
from app.epd import intake
from app.epd.answers import EpdAnswer
from app.epd.client import EpdClient
from app.epd.model import status_of
from app.errors import NotEligible, NotFound, Unavailable
from app.passes import live
from app.passes.apple.passes import ApplePasses, authentication_token
from app.passes.codes import SHOWN, Strip, content_of, totp_key_of, web_strips
from app.passes.google.answer import GoogleRefused
from app.passes.google.passes import GooglePasses

# The file is asked at log-in, a moment before the session begins.
ASKED_JUST_BEFORE = timedelta(minutes=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in, for as long as the session lasts."""

    insz: Insz
    name: Name


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a teacher stands by what the database holds; nobody is asked."""

    card: Card | None
    year: int
    entitlement: Entitlement | None
    employments: tuple[Employment, ...]
    heard_at: datetime | None
    barred: bool
    leaves: tuple[Interruption, ...] = ()

    def silent_since(self, moment: datetime) -> bool:
        """Whether the personnel file has not answered since then."""
        return self.heard_at is None or self.heard_at < moment - ASKED_JUST_BEFORE


class Issuing:
    """The collaborators of issuing; one for the process, safe to share between threads."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        *,
        epd: EpdClient,
        apple: ApplePasses,
        google: GooglePasses,
        policy: Policy,
        code_base: str,
    ) -> None:
        self._database = database
        self._ring = ring
        self._epd = epd
        self._apple = apple
        self._google = google
        self._policy = policy
        self._code_base = code_base

    def welcome(self, person: Person, *, now: datetime) -> tuple[uuid.UUID, Person]:
        """The teacher who logged in, made when new, with what the personnel file says now.

        Returns the person under the number that counts from here on: the log-in may still give
        one that was replaced.
        """
        answer = self._ask(person, now=now)
        teacher, _ = self._database.transact(
            lambda session: self._decided(session, person, answer, now=now)
        )
        if answer is not None and answer.replaced_by is not None:
            person = replace(person, insz=answer.replaced_by)
        return teacher.id, person

    def issue(self, person: Person, *, now: datetime) -> None:
        """Steps 1 to 3: give the person a card; `NotEligible`, or `Unavailable` when unheard of."""
        answer = self._ask(person, now=now)  # 1

        def work(session: Session) -> tuple[Entitlement | None, bool]:
            teacher, entitlement = self._decided(session, person, answer, now=now)  # 2
            barred = teacher.barred_at is not None
            if entitlement and entitlement.entitled and not barred:
                self._grant(session, teacher, entitlement, person.name, now=now)  # 3
            return entitlement, barred

        entitlement, barred = self._database.transact(work)
        if barred:
            raise NotEligible("The card office decided that you get no card. Ask the helpdesk.")
        if entitlement is None and answer is None:
            raise Unavailable(
                "The personnel file does not answer, so nothing could be decided yet.",
                retry_after_s=600,
            )
        if entitlement is None or not entitlement.entitled:
            raise NotEligible("The personnel file gives no right to a teacher card now.")

    def standing(self, teacher_id: uuid.UUID, *, now: datetime) -> Standing:
        """The teacher's newest card, entitlement and employments as known now."""
        with self._database.reading() as session:
            teacher = session.get_one(Teacher, teacher_id)
            newest = select(Card).where(Card.teacher_id == teacher_id).order_by(Card.id.desc())
            card = session.scalars(newest.limit(1)).one_or_none()
            status = status_of(session, teacher_id)
        entitlement = None
        if status is not None:
            entitlement = decide(status, on=belgian_day(now), policy=self._policy)
        return Standing(
            card=card,
            year=card.year if card else belgian_day(now).year,
            entitlement=entitlement,
            employments=status.employments + status.listed_by_institution if status else (),
            heard_at=teacher.heard_at,
            barred=teacher.barred_at is not None,
            leaves=status.interruptions if status else (),
        )

    def add_pass(self, teacher_id: uuid.UUID, carrier: Carrier, *, now: datetime) -> None:
        """Step 3 for one wallet: the card's pass, committed before it is signed or inserted."""
        keys = self._ring.keys

        def work(session: Session) -> None:
            card = card_of(session, teacher_id)
            wallet_pass = lifecycle.add_pass(session, card, carrier, keys=keys, now=now)
            if keys.token[wallet_pass.key_id].state is KeyState.REVOKED:
                lifecycle.rotate(session, wallet_pass, keys=keys, why="key-revoked", now=now)

        self._database.transact(work)

    def apple_pass(self, teacher_id: uuid.UUID, *, now: datetime) -> bytes:
        """Step 4 for Apple: the signed .pkpass; only reads and signs."""
        keys = self._ring.keys
        wallet_pass = self._pass(teacher_id, Carrier.APPLE)
        token = authentication_token(
            keys.secrets["pass"][wallet_pass.pass_secret_id].value,
            self._apple.pass_type_identifier,
            wallet_pass.serial,
        )
        content = content_of(wallet_pass, keys=keys, base=self._code_base)
        return self._apple.make(content, authentication_token=token, now=now)

    def google_link(self, teacher_id: uuid.UUID, *, now: datetime) -> str:
        """Steps 3 to 5 for Google: the object inserted there, and the link that saves it."""
        self.add_pass(teacher_id, Carrier.GOOGLE, now=now)  # 3
        keys = self._ring.keys
        wallet_pass = self._pass(teacher_id, Carrier.GOOGLE)
        content = content_of(wallet_pass, keys=keys, base=self._code_base)
        totp_key = totp_key_of(wallet_pass, keys=keys)
        try:
            self._google.put(content, totp_key=totp_key, now=now)  # 4
        except GoogleRefused as refusal:
            log.exception("google-refused", status=refusal.status, reason=refusal.reason)
            raise Unavailable(
                "Google Wallet does not take this pass now. The card itself is safe and works.",
                retry_after_s=3600,
            ) from refusal
        self._database.transact(  # 5
            lambda session: confirm(
                session,
                wallet_pass.id,
                generation=wallet_pass.generation,
                revision=wallet_pass.revision,
                now=now,
            )
        )
        return self._google.save_link(content.serial, now=now)

    def strips(
        self, teacher_id: uuid.UUID, *, device: str, moving: bool, count: int, now: datetime
    ) -> list[Strip]:
        """The next web codes, for the one device that shows the card; `Conflict` for another."""
        wallet_pass = self._pass(teacher_id, Carrier.WEB)
        pass_id = wallet_pass.id
        with self._database.reading() as session:
            known = live.shows(session, pass_id, device)
        if not known:
            self._database.transact(
                lambda session: live.show(session, pass_id, device, moving=moving, now=now)
            )
            wallet_pass = self._pass(teacher_id, Carrier.WEB)
        keys = self._ring.keys
        return web_strips(wallet_pass, count=count, keys=keys, base=self._code_base, now=now)

    def report_lost(self, teacher_id: uuid.UUID, *, now: datetime) -> None:
        """Revoke the card at once and give a new one in the same transaction."""
        keys = self._ring.keys

        def work(session: Session) -> None:
            fresh = lifecycle.reissue(session, card_of(session, teacher_id), why="lost", now=now)
            lifecycle.add_pass(session, fresh, Carrier.WEB, keys=keys, now=now)

        self._database.transact(work)

    def _ask(self, person: Person, *, now: datetime) -> EpdAnswer | None:
        """What the personnel file says; None when it does not speak (fail static)."""
        try:
            return self._epd.status(person.insz, on=belgian_day(now), now=now)
        except Unavailable as silence:
            log.warning("epd-silent", cause=type(silence.__cause__).__name__)
            return None

    def _decided(
        self, session: Session, person: Person, answer: EpdAnswer | None, *, now: datetime
    ) -> tuple[Teacher, Entitlement | None]:
        """The teacher with the answer kept and the rules applied; None if nothing is known."""
        keys = self._ring.keys
        teacher = intake.teacher_of(session, person.insz, keys=keys, now=now)
        teacher.erased_at = None  # who was forgotten and logs in begins anew
        if answer is not None:
            teacher = intake.hear(session, teacher, answer, keys=keys, now=now)
        return teacher, intake.review(session, teacher, policy=self._policy, now=now)

    def _grant(
        self,
        session: Session,
        teacher: Teacher,
        entitlement: Entitlement,
        name: Name,
        *,
        now: datetime,
    ) -> None:
        keys = self._ring.keys
        require_giving(session)
        card = lifecycle.issue(
            session,
            teacher,
            year=issue_year(entitlement, now=now),
            initials=initials_of(name.given, name.family),
            why=entitlement.reason,
            now=now,
        )
        names.keep(keys, teacher, name)
        lifecycle.add_pass(session, card, Carrier.WEB, keys=keys, now=now)

    def _pass(self, teacher_id: uuid.UUID, carrier: Carrier) -> WalletPass:
        """The pass of the card in force, with what it shows."""
        found = (
            select(WalletPass)
            .join(WalletPass.card)
            .where(
                Card.teacher_id == teacher_id,
                Card.status.in_(lifecycle.IN_FORCE),
                WalletPass.carrier == carrier,
            )
            .options(SHOWN)
        )
        with self._database.reading() as session:
            wallet_pass = session.scalars(found).one_or_none()
        if wallet_pass is None:
            raise NotFound("There is no such pass yet.")
        return wallet_pass


def card_of(session: Session, teacher_id: uuid.UUID) -> Card:
    """The teacher's card in force; their row is locked from here on."""
    teacher = session.get_one(Teacher, teacher_id)
    card = lifecycle.card_in_force(session, teacher)
    if card is None:
        raise NotFound("There is no card yet.")
    return card
