"""For Google Wallet: the one address that Google calls when a pass was saved or removed.

Who calls proves it by the signature in the body; there is no key, cookie or form token. Google
calls again after anything but 200, so that is only said once the news is kept.
"""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from app.api.deps import Now, TheHouse
from app.errors import Unauthenticated
from app.passes.google.ecv2 import Malformed, NotGenuine

router = APIRouter(prefix="/google", tags=["Google Wallet"], include_in_schema=False)

log = structlog.get_logger()


async def whole_body(request: Request) -> bytes:
    """The body as it came, whatever its media type; the envelope has capped it."""
    return await request.body()


@router.post("/callback")
def callback(body: Annotated[bytes, Depends(whole_body)], house: TheHouse, now: Now) -> Response:
    """A pass was saved or removed (signed with ECv2SigningOnly)."""
    try:
        house.google_callbacks.receive(body, now=now)
    except Malformed as fault:
        log.warning("google-callback-refused", why=str(fault))
        raise HTTPException(400) from fault
    except NotGenuine as fault:
        log.warning("google-callback-refused", why=str(fault))
        raise Unauthenticated("This is not signed by Google for us.") from fault
    return Response(status_code=200)
