"""For the card office: what runs out, what is not delivered, who looks, and the switches.

One person of security stops the giving of cards; a token key takes two.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from app.api.office_desk import AtDesk, Viewing, at_desk
from app.cards import stopping
from app.cards.keyring import MAX_TOKEN_KEY_ID
from app.errors import Conflict
from app.identity.roles import Role
from app.notices.outbox import given_up
from app.office import key_revocations
from app.office.cases import said
from app.office.looks import looks
from app.office.proposals import MAX_WHY
from app.office.waiting import Answer
from app.passes import parked
from app.web.office_partner_texts import Key, LooksPage, WatchPage

router = APIRouter(prefix="/office", tags=["card office"], include_in_schema=False)

Switching = Annotated[AtDesk, at_desk(Role.SECURITY, acting=True, step_up=True)]
Words = Annotated[str, Form(max_length=400)]
KeyId = Annotated[int, Path(ge=1, le=MAX_TOKEN_KEY_ID)]


@router.get("/watch")
def watch(desk: Viewing) -> HTMLResponse:
    """Certificates, passes that were given up, and whether cards are given."""
    with desk.house.database.reading() as session:
        value = WatchPage(
            expiries=desk.house.certificates.expiries(),
            now=desk.now,
            parked=tuple(parked.parked(session)),
            unsent=tuple(given_up(session)),
            stop=stopping.stopped(session),
            keys=tuple(Key.read(row) for row in desk.house.ring.listing()),
            revocations=tuple(key_revocations.waiting(session, now=desk.now)),
            helps=desk.official.may(Role.SUPPORT),
            switches=desk.official.may(Role.SECURITY),
        )
    return desk.page("office_watch.html", value)


@router.post("/watch/deliver")
def deliver_again(
    desk: Annotated[AtDesk, at_desk(Role.SUPPORT, acting=True)],
) -> RedirectResponse:
    """Try again every pass that was given up."""

    def work(session: Session) -> None:
        count = parked.release(session)
        desk.desk.note(session, "delivery.replay", "passes:all", now=desk.now, count=count)

    desk.transact(work)
    return RedirectResponse("/office/watch", 303)


@router.post("/watch/stop-issuing")
def stop_issuing(desk: Switching, why: Words) -> RedirectResponse:
    """Give no first cards, in every process, from the next request on."""
    if not said(why, MAX_WHY):
        raise Conflict("Give a reason of at most 200 characters, without a national number.")

    def work(session: Session) -> None:
        stopping.stop(session, why=why.strip(), now=desk.now)
        desk.desk.note(session, "issuing.stop", "switch:issuing", purpose=why.strip(), now=desk.now)

    desk.transact(work)
    return RedirectResponse("/office/watch", 303)


@router.post("/watch/go-on-issuing")
def go_on_issuing(desk: Switching) -> RedirectResponse:
    """Give cards again."""

    def work(session: Session) -> None:
        stopping.go_on(session)
        desk.desk.note(session, "issuing.go-on", "switch:issuing", now=desk.now)

    desk.transact(work)
    return RedirectResponse("/office/watch", 303)


@router.post("/watch/keys/{key_id}/revoke")
def propose_revocation(desk: Switching, key_id: KeyId, why: Words) -> RedirectResponse:
    """Propose that a token key is refused for good."""
    keys, name = desk.house.ring.keys, desk.official.name
    desk.transact(
        lambda session: key_revocations.propose(
            session, key_id, why, keys=keys, desk=desk.desk, name=name, now=desk.now
        )
    )
    return RedirectResponse("/office/watch", 303)


@router.post("/watch/revocations/{number}/{answer}")
def decide_revocation(
    desk: Switching, number: uuid.UUID, answer: Answer, why: Words
) -> RedirectResponse:
    """Say yes or no to what a colleague proposed; a yes counts from the very next check."""
    approve = answer is Answer.APPROVE
    desk.transact(
        lambda session: key_revocations.decide(
            session, number, approve=approve, why=why, desk=desk.desk, now=desk.now
        )
    )
    key_revocations.carry_out(desk.house.database, desk.house.ring, now=desk.now)
    return RedirectResponse("/office/watch", 303)


@router.get("/looks")
def who_looks(desk: Annotated[AtDesk, at_desk(Role.SECURITY)]) -> HTMLResponse:
    """How often each official looked at people in the last 30 days."""
    with desk.house.database.reading() as session:
        value = LooksPage(tuple(looks(session, now=desk.now)))
    return desk.page("office_looks.html", value)
