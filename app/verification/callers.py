"""Who asks: the till behind a key or an access token, one query for any number of them."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import fence
from app.errors import Forbidden, Unauthenticated
from app.partners import Partner
from app.verification.model import Till, TillKey
from app.verification.tills import Credential, PresentedKey, TokenAtTill
from app.verification.verdict import Caller

NO_PARTNERS: Mapping[Any, uuid.UUID | None] = MappingProxyType({})

# Made once and run by the connection: making it anew for each batch was a fifth of a check.
CALLERS = (
    select(
        TillKey.id,
        TillKey.secret_sha256,
        TillKey.test,
        TillKey.revoked_at,
        Till.id.label("till_id"),
        Till.partner_id,
        Till.latitude,
        Till.longitude,
        fence.raised_at().label("fenced_at"),
    )
    .join(Till, TillKey.till_id == Till.id)
    .join(Partner, Till.partner_id == Partner.id)
    .where(Partner.stopped_at.is_(None), TillKey.id.in_(bindparam("keys", expanding=True)))
)


def callers(session: Session, keys: Iterable[PresentedKey]) -> dict[Credential, Caller]:
    """The till behind each key; a key that is unknown, wrong, revoked or stopped has none.

    `Unavailable` while nothing that the tables say of cards may count (`fence`).
    """
    wanted = list(keys)
    found = session.connection().execute(CALLERS, {"keys": {key.id for key in wanted}})
    stored = {row.id: row for row in found}
    for one in stored.values():
        fence.refuse_behind(one.fenced_at)
    return {
        key: Caller(row.partner_id, row.till_id, key.test, row.latitude, row.longitude)
        for key in wanted
        if (row := stored.get(key.id)) is not None
        and key.opens(row.secret_sha256, test=row.test, revoked_at=row.revoked_at)
    }


def callers_by_token(
    session: Session, asking: Collection[TokenAtTill], partners: Mapping[Any, uuid.UUID | None]
) -> dict[Credential, Caller | Forbidden]:
    """The till that each token names, if it is one of the partner whose token it is.

    A token that is not in `partners` counts no more, and has no caller. `Unavailable` behind the
    fence, as with keys.
    """
    tills = select(
        Till.id,
        Till.partner_id,
        Till.latitude,
        Till.longitude,
        fence.raised_at().label("fenced_at"),
    ).join(Partner)
    tills = tills.where(Till.id.in_({one.till_id for one in asking}), Partner.stopped_at.is_(None))
    stored = {row.id: row for row in session.execute(tills)}
    found: dict[Credential, Caller | Forbidden] = {}
    for one in asking:
        row, partner_id = stored.get(one.till_id), partners.get(one.token)
        if row is not None:
            fence.refuse_behind(row.fenced_at)
        if row is not None and row.partner_id == partner_id:
            found[one] = Caller(
                row.partner_id, row.id, test=False, latitude=row.latitude, longitude=row.longitude
            )
        elif one.token in partners:
            found[one] = Forbidden("This access token may not verify cards at that till.")
    return found


def caller_of(
    session: Session,
    credential: Credential,
    partners: Mapping[Any, uuid.UUID | None] = NO_PARTNERS,
) -> Caller:
    """The till behind one key or token; `Unauthenticated` or `Forbidden` when there is none."""
    caller = (
        callers(session, [credential])
        if isinstance(credential, PresentedKey)
        else callers_by_token(session, [credential], partners)
    ).get(credential)
    if caller is None:
        raise Unauthenticated("This till key or access token is not valid.")
    if isinstance(caller, Forbidden):
        raise caller
    return caller


def require_open(session: Session, partner_id: uuid.UUID | None) -> uuid.UUID:
    """The partner of a token that names no till, if it takes part now; `Forbidden` otherwise.

    `Unavailable` behind the fence, as with keys.
    """
    found = select(fence.raised_at().label("fenced_at"))
    found = found.where(Partner.id == partner_id, Partner.stopped_at.is_(None))
    row = session.execute(found).one_or_none()
    if partner_id is None or row is None:
        raise Forbidden("This access token may not ask about the checks of a partner.")
    fence.refuse_behind(row.fenced_at)
    return partner_id
