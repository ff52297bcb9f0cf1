"""From the row of a pass to what it carries: code texts, content, the key of its digits.

Knows which lifetime and which key each carrier's code has; hides minting from wallets,
paper and the web card. A wallet's or paper's code is constant until its next generation
and can be made again at any time; a web code is new every 30 seconds. No session is needed
here, so that none is open while somebody signs: a pass comes loaded with `SHOWN`.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import joinedload

from app.cards import names
from app.cards.card_year import card_year
from app.cards.keyring import Keys
from app.cards.model import Card, WalletPass
from app.cards.token import (
    HOUR_S,
    WALLET_LIFETIME_S,
    WEB_LIFETIME_S,
    WEB_STRIP_S,
    Carrier,
    code,
    mint,
)
from app.passes.content import PassContent

# In the place of a card number on the pass of somebody who was forgotten.
NO_NUMBER = "–"  # noqa: RUF001 - a dash
# What is read of a pass here, for the query that loads it.
SHOWN = joinedload(WalletPass.card).joinedload(Card.teacher)


@dataclass(frozen=True, slots=True)
class Strip:
    """One web code and the Unix seconds between which it is shown."""

    code: str
    shown_from: int
    shown_until: int


def wallet_code(wallet_pass: WalletPass, *, keys: Keys, base: str) -> str:
    """The code of a pass's present generation; on Google the phone adds the tail."""
    card = wallet_pass.card
    body = mint(
        keys.token[wallet_pass.key_id],
        carrier=Carrier(wallet_pass.carrier),
        pass_number=wallet_pass.pass_number,
        counter=wallet_pass.generation,
        issued_at=wallet_pass.code_issued_at,
        lifetime_s=_lifetime_s(wallet_pass),
        initials=card.initials,
        test=card.test,
    )
    return code(base, body)


def web_strips(
    wallet_pass: WalletPass, *, count: int, keys: Keys, base: str, now: datetime
) -> list[Strip]:
    """The web codes from this half minute on, under the present key."""
    card = wallet_pass.card
    key = keys.signing_for(test=card.test)
    first = int(now.timestamp()) // WEB_STRIP_S * WEB_STRIP_S
    starts = range(first, first + count * WEB_STRIP_S, WEB_STRIP_S)
    bodies = (
        mint(
            key,
            carrier=Carrier.WEB,
            pass_number=wallet_pass.pass_number,
            issued_at=start,
            lifetime_s=WEB_LIFETIME_S,
            initials=card.initials,
            test=card.test,
        )
        for start in starts
    )
    return [
        Strip(code(base, body), start, start + WEB_STRIP_S)
        for start, body in zip(starts, bodies, strict=True)
    ]


def totp_key_of(wallet_pass: WalletPass, *, keys: Keys) -> bytes:
    """The key of the rotating digits (Google) of a pass's present generation."""
    key = keys.token[wallet_pass.key_id]
    return key.totp_key(wallet_pass.pass_number, wallet_pass.generation)


def content_of(wallet_pass: WalletPass, *, keys: Keys, base: str) -> PassContent:
    """What the pass shows now; without a kept name none, of who was forgotten no number either."""
    card = wallet_pass.card
    name = names.read(keys, card.teacher)
    return PassContent(
        serial=wallet_pass.serial,
        card_number=NO_NUMBER if card.teacher.erased_at else card.number,
        holder_name=str(name) if name else "",
        year=card.year,
        valid_from=card.valid_from,
        valid_until=card_year(card.year).valid_until,
        status=card.status,
        in_grace=card.teacher.in_grace,
        code=wallet_code(wallet_pass, keys=keys, base=base),
        revision=wallet_pass.revision,
    )


def _lifetime_s(wallet_pass: WalletPass) -> int:
    if wallet_pass.carrier != Carrier.PAPER:
        return WALLET_LIFETIME_S
    # Paper lasts to the end of the card year, in whole hours rounded up.
    left_s = (
        int(card_year(wallet_pass.card.year).valid_until.timestamp()) - wallet_pass.code_issued_at
    )
    return -(-left_s // HOUR_S) * HOUR_S
