"""For the card office: what runs out, what is not delivered, who looks, and the switches.

One person of security stops the giving of cards; a token key takes two.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from app.api import office_switches as switches
from app.api.office_desk import AtDesk, Viewing, at_desk
from app.api.office_switches import KeyId
from app.cards import keyring, stopping
from app.identity.roles import Role
from app.notices.outbox import given_up
from app.office import key_revocations
from app.office.looks import looks
from app.office.waiting import Answer
from app.passes import parked
from app.web.office_partner_texts import Key, LooksPage, WatchPage

router = APIRouter(prefix="/office", tags=["card office"], include_in_schema=False)

Switching = Annotated[AtDesk, at_desk(Role.SECURITY, acting=True, step_up=True)]
Words = Annotated[str, Form(max_length=400)]
HERE = "/office/watch"


def state(desk: AtDesk) -> WatchPage:
    """Keys and certificates, what was given up, and whether cards are given."""
    with desk.house.database.reading() as session:
        return WatchPage(
            expiries=desk.house.certificates.expiries(),
            now=desk.now,
            parked=tuple(parked.parked(session)),
            unsent=tuple(given_up(session)),
            stop=stopping.stopped(session),
            keys=tuple(Key.read(row) for row in keyring.listing(desk.house.ring.directory)),
            revocations=tuple(key_revocations.waiting(session, now=desk.now)),
            helps=desk.official.may(Role.SUPPORT),
            switches=desk.official.may(Role.SECURITY),
        )


@router.get("/watch")
def watch(desk: Viewing) -> HTMLResponse:
    """What needs somebody's eye."""
    return desk.page("office_watch.html", state(desk))


@router.post("/watch/deliver")
def deliver_again(
    desk: Annotated[AtDesk, at_desk(Role.SUPPORT, acting=True)],
) -> RedirectResponse:
    """Try again every pass that was given up."""

    def work(session: Session) -> None:
        count = parked.release(session)
        desk.desk.note(session, "delivery.replay", "passes:all", now=desk.now, count=count)

    desk.transact(work)
    return RedirectResponse(HERE, 303)


@router.post("/watch/stop-issuing")
def stop_issuing(desk: Switching, why: Words) -> RedirectResponse:
    """Give no first cards."""
    switches.stop_issuing(desk, why)
    return RedirectResponse(HERE, 303)


@router.post("/watch/go-on-issuing")
def go_on_issuing(desk: Switching) -> RedirectResponse:
    """Give cards again."""
    switches.go_on_issuing(desk)
    return RedirectResponse(HERE, 303)


@router.post("/watch/keys/{key_id}/revoke")
def propose_revocation(desk: Switching, key_id: KeyId, why: Words) -> RedirectResponse:
    """Propose that a token key is refused for good."""
    switches.propose_revocation(desk, key_id, why)
    return RedirectResponse(HERE, 303)


@router.post("/watch/revocations/{number}/{answer}")
def decide_revocation(
    desk: Switching, number: uuid.UUID, answer: Answer, why: Words
) -> RedirectResponse:
    """Say yes or no to what a colleague proposed."""
    switches.decide_revocation(desk, number, approve=answer is Answer.APPROVE, why=why)
    return RedirectResponse(HERE, 303)


@router.get("/looks")
def who_looks(desk: Annotated[AtDesk, at_desk(Role.SECURITY)]) -> HTMLResponse:
    """How often each official looked at people in the last 30 days."""
    with desk.house.database.reading() as session:
        value = LooksPage(tuple(looks(session, now=desk.now)))
    return desk.page("office_looks.html", value)
