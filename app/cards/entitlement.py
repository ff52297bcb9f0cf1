"""Who is entitled to a card, decided from employments and a date. Pure.

Knows the rules that docs/entitlement.md says in prose, with the same numbers.
"""

from enum import StrEnum


class CardStatus(StrEnum):
    """Whether a card may be used. Grace and summer bridge are not states: the card is active."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    ENDED = "ended"
