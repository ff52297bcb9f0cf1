"""Notices by e-mail: the teacher's own page, and the two links of a mail, which need no log-in.

A link that is opened changes nothing, so that a mail program that looks ahead uses nothing up;
the button behind it does, and so does the one press of RFC 8058.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.deps import Now, TheHouse, language, page
from app.api.limits import address as network
from app.api.visitors import ActingVisitor, TheVisitor
from app.errors import NotFound
from app.notices import subscribing

# As browsers judge a field for an e-mail address (HTML Living Standard, 4.10.5.1.5).
LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
ADDRESS = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{LABEL}(?:\.{LABEL})*$"
MAX_ADDRESS = 254

router = APIRouter(tags=["teacher"], include_in_schema=False)
links = APIRouter(prefix="/notices", tags=["anyone"], include_in_schema=False)

Address = Annotated[str, Form(max_length=MAX_ADDRESS, pattern=ADDRESS)]
Token = Annotated[str, Path(max_length=400)]


@router.get("/card/notices")
def own(request: Request, house: TheHouse, visitor: TheVisitor) -> HTMLResponse:
    """Whether this teacher hears of their card by mail, and where."""
    _require_offered(house.notices_offered)
    with house.database.reading() as session:
        found = subscribing.subscribed(session, visitor.teacher_id, keys=house.ring.keys)
    return page(request, "notices.html", csrf=visitor.csrf, subscribed=found)


@router.post("/card/notices")
def ask_for(
    request: Request, house: TheHouse, visitor: ActingVisitor, now: Now, address: Address
) -> RedirectResponse:
    """Send one mail to the address, which says how to confirm it."""
    _require_offered(house.notices_offered)
    house.limits.count("notices", str(visitor.teacher_id))
    keys, wanted = house.ring.keys, language(request)
    house.database.transact(
        lambda session: subscribing.subscribe(
            session, visitor.teacher_id, address, language=wanted, keys=keys, now=now
        )
    )
    return RedirectResponse("/card/notices", 303)


@router.post("/card/notices/stop")
def stop(house: TheHouse, visitor: ActingVisitor) -> RedirectResponse:
    """Forget the address."""
    house.database.transact(lambda s: subscribing.unsubscribe(s, visitor.teacher_id))
    return RedirectResponse("/card/notices", 303)


@links.get("/confirm/{token}")
def ask_to_confirm(request: Request, house: TheHouse, now: Now, token: Token) -> HTMLResponse:
    """The button that confirms an address."""
    house.limits.count("notice-link", network(request))
    with house.database.reading() as session:
        wish = subscribing.wish_of(session, token, keys=house.ring.keys, now=now)
    if wish is None:
        raise NotFound(subscribing.LINK_OVER)
    return page(request, "notice_link.html", token=token, state="confirm")


@links.post("/confirm/{token}")
def confirm(request: Request, house: TheHouse, now: Now, token: Token) -> HTMLResponse:
    """Whoever reads this mailbox wants the notices."""
    house.limits.count("notice-link", network(request))
    keys = house.ring.keys
    house.database.transact(lambda s: subscribing.confirm(s, token, keys=keys, now=now))
    return page(request, "notice_link.html", token=token, state="confirmed")


@links.get("/stop/{token}")
def ask_to_stop(request: Request, house: TheHouse, token: Token) -> HTMLResponse:
    """The button that ends the notices."""
    house.limits.count("notice-link", network(request))
    return page(request, "notice_link.html", token=token, state="stop")


@links.post("/stop/{token}")
def stop_by_link(request: Request, house: TheHouse, token: Token) -> HTMLResponse:
    """End them: from the button, or from a mail program (RFC 8058, which allows no redirect)."""
    house.limits.count("notice-link", network(request))
    keys = house.ring.keys
    house.database.transact(lambda session: subscribing.stop(session, token, keys=keys))
    return page(request, "notice_link.html", token=token, state="stopped")


def _require_offered(offered: bool) -> None:  # noqa: FBT001 - the only thing it asks
    if not offered:
        raise NotFound("Notices by e-mail are not offered here.")
