"""The way back from a scanner gun that types for a US keyboard on a Belgian AZERTY till.

Knows which characters such a till shows for the ones of a code (docs/card-token.md,
section 6). Whether a repair was right is not judged here: the signature decides.
"""

from typing import Final

from app.cards.crockford import UPPER

# What the till shows for each character; all others come through as they are.
SHOWN: Final = dict(zip("1234567890AQZWM:/.-", "&é\"'(§è!çàQAWZ?M=:)", strict=True))

# The same keys with Caps Lock or Shift the other way round: capitals with their accents, and
# on Windows also the comma and the slash.
_BACK = str.maketrans(
    {shown.swapcase(): meant for meant, shown in SHOWN.items()}
    | {shown: meant for meant, shown in SHOWN.items()}
    | {",": "M", "/": "."}
)
_GARBLED_SCHEMES = ("HTTPSM==", "HTTPM==")


def repair(text: str) -> str:
    """Give back what was scanned where `text` begins as our garbled scheme does, else `text`."""
    garbled = text[:8].translate(UPPER).startswith(_GARBLED_SCHEMES)
    return text.translate(_BACK) if garbled else text
