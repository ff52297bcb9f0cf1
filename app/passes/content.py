"""What every pass shows, whatever the wallet: one value, its labels in four languages.

Pure. Knows which facts of a card may stand on a phone; hides them from each wallet's own
grammar (`apple`, `google`, `paper`). Dutch is the default language.
"""

from dataclasses import dataclass
from datetime import datetime

from app.cards.entitlement import CardStatus

LANGUAGES = ("nl", "fr", "en", "de")


@dataclass(frozen=True, slots=True)
class PassContent:
    """The facts of one pass. Moments are aware UTC; `code` is LK1 text, on Google without its tail."""

    serial: str
    card_number: str
    holder_name: str
    year: int
    valid_from: datetime
    valid_until: datetime
    status: CardStatus
    code: str
    revision: int
