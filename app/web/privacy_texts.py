"""What we keep and how long, in words: one row for every term of `retention`."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.web.texts import Msgid


@dataclass(frozen=True, slots=True)
class Kept:
    """What a term is about, and what happens at its end."""

    what: Msgid
    after: Msgid


KEPT: Mapping[str, Kept] = {
    "log-ins": Kept(
        Msgid("That you are logged in, with your name and number from the log-in"),
        Msgid("Gone when you log out, after 30 minutes without use, and at the latest after this."),
    ),
    "scan-links": Kept(
        Msgid("Which partner checked your card, where and when"),
        Msgid("After that only the count of checks remains, without any card."),
    ),
    "devices": Kept(
        Msgid("On which phones the pass of a card is that is over"),
        Msgid("So long a phone has to fetch that its pass is void."),
    ),
    "notices": Kept(
        Msgid("That a notice by e-mail could not be delivered, if you asked for notices"),
        Msgid("Your address itself goes when you stop them, and at the latest with your card."),
    ),
    "former-holders": Kept(
        Msgid("Your card, your name and what the personnel file said"),
        Msgid("Once you have no right to a card any more."),
    ),
    "applications": Kept(
        Msgid("Who asked for a shop or museum to become a partner, and the answer"),
        Msgid("So long the applicant can read the answer."),
    ),
    "erasures": Kept(
        Msgid("That you asked us to erase your data: a code made of your number, nothing else"),
        Msgid("So that an old message of the personnel file does not bring your data back."),
    ),
}
