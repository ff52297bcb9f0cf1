"""Where a teacher stands, as the card page's one value.

Translates a `Standing` into the page's states; the words of each state are in `app.web`.
"""

from datetime import date, datetime, timedelta

from app.api.visitors import Visitor
from app.cards.card_year import belgian_day, card_year
from app.cards.entitlement import AT_WORK, TRANSITIONS, CardStatus, EntitlementReason
from app.issuing import Standing
from app.web.card_page import CardPage, Wallet
from app.web.card_texts import CardState

# How long the page says that a card is new.
NEWS = timedelta(minutes=30)
ENTITLED_STATES = {
    EntitlementReason.GRACE: CardState.GRACE,
    EntitlementReason.SUMMER_BRIDGE: CardState.SUMMER_BRIDGE,
}
STATUS_STATES = {
    CardStatus.SUSPENDED: CardState.SUSPENDED,
    CardStatus.REVOKED: CardState.REVOKED,
    CardStatus.ENDED: CardState.ENDED,
}


def card_page(
    standing: Standing,
    *,
    visitor: Visitor,
    wallet_first: Wallet | None,
    now: datetime,
) -> CardPage:
    """What `card.html` shows this teacher."""
    card, entitlement = standing.card, standing.entitlement
    reason = entitlement.reason.value if entitlement else None
    if card and card.status is not CardStatus.ACTIVE:
        reason = card.status_reason
    return CardPage(
        state=_state(standing, silent=standing.silent_since(visitor.logged_in_at)),
        holder_name=str(visitor.person.name),
        csrf=visitor.csrf,
        year=standing.year,
        reason=reason,
        number=card.number if card else None,
        valid_until=_valid_until(standing),
        appointments=standing.employments,
        leaves=standing.leaves,
        received_at=standing.heard_at,
        wallet_first=wallet_first,
        just_replaced=bool(
            card and card.status_reason == "reissued" and now - card.created_at < NEWS
        ),
        may_begin_anew=bool(
            card
            and not TRANSITIONS[card.status]
            and entitlement
            and entitlement.entitled
            and not standing.barred
        ),
    )


def _state(standing: Standing, *, silent: bool) -> CardState:
    card, entitlement = standing.card, standing.entitlement
    if card and card.status in STATUS_STATES:
        return STATUS_STATES[card.status]
    if standing.barred:
        return CardState.BARRED
    if entitlement is None:
        return CardState.EPD_UNREACHABLE_NEW if silent else CardState.UNKNOWN_TO_EPD
    if silent and entitlement.entitled:
        return CardState.EPD_UNREACHABLE_KNOWN
    if not entitlement.entitled:
        return CardState.NOT_ENTITLED
    return ENTITLED_STATES.get(entitlement.reason, CardState.ACTIVE)


def _valid_until(standing: Standing) -> date | None:
    """The end of the card year, or an earlier end of grace or summer bridge."""
    entitlement = standing.entitlement
    if entitlement is None or not entitlement.entitled:
        return None
    year_end = belgian_day(card_year(standing.year).valid_until)
    if entitlement.reason in AT_WORK or entitlement.until is None:
        return year_end
    return min(year_end, entitlement.until)
