"""The teacher's page as one value: what is true of this person's card today, and why.

Knows which words and which buttons a state gets. Hides nothing and decides nothing: the state
comes from the route, the words from `card_texts`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.cards.entitlement import Employment, Interruption
from app.web.card_texts import ENTITLED, STATES, WHY, CardState, StateText
from app.web.texts import Msgid

Wallet = Literal["apple", "google"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPage:
    """What `card.html` shows.

    `number` is None without a card; `valid_until` is the last day of the card, or of the grace
    or the summer bridge; `reason` is the `EntitlementReason`, or why the card was suspended,
    revoked or ended; `received_at` is when the personnel file last answered about this person,
    None when it never did; `wallet_first` is the wallet of the phone that asks; `just_replaced`
    says that the card took the place of a lost one a moment ago.
    """

    state: CardState
    holder_name: str
    csrf: str
    year: int
    reason: str | None = None
    number: str | None = None
    valid_until: date | None = None
    appointments: tuple[Employment, ...] = ()
    leaves: tuple[Interruption, ...] = ()
    received_at: datetime | None = None
    wallet_first: Wallet | None = None
    just_replaced: bool = False
    # The card of before is over, and the rules give this person another one.
    may_begin_anew: bool = False

    @property
    def text(self) -> StateText:
        """The state in words."""
        return (ENTITLED if self.may_get_card else STATES)[self.state]

    @property
    def why(self) -> Msgid | None:
        """The sentence for the reason; None for one that only the card office can explain."""
        return WHY.get(self.reason or "")

    @property
    def may_get_card(self) -> bool:
        """Whether the button that makes a card is offered."""
        return self.number is None and self.state in ENTITLED

    @property
    def usable(self) -> bool:
        """Whether there is a card that shops accept."""
        return self.number is not None and self.state in ENTITLED

    @property
    def wallets(self) -> tuple[Wallet, ...]:
        """Both wallets, the one of this phone first."""
        return ("google", "apple") if self.wallet_first == "google" else ("apple", "google")


def grouped(number: str) -> str:
    """A card number in groups of five, with a space that does not break at a line's end."""
    return "\N{NO-BREAK SPACE}".join(number[i : i + 5] for i in range(0, len(number), 5))
