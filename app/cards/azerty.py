"""What a scanner gun on a US keyboard types at a Belgian AZERTY till, and the way back. Pure.

The map over digits, A-Z and `:/.-` can be reversed; the way back also knows the same keys in
the other state of Shift or Caps Lock (docs/card-token.md, section 6).
"""

FORWARD = dict(zip("1234567890", "&é\"'(§è!çà", strict=True)) | {
    "A": "Q",
    "Q": "A",
    "W": "Z",
    "Z": "W",
    "M": "?",
    ":": "M",
    "/": "=",
    ".": ":",
    "-": ")",
}
OTHER_STATE = {"É": "2", "È": "7", "Ç": "9", "À": "0", ",": "M", "/": ".", "m": ":"}
LOWER = {after.lower(): before for before, after in FORWARD.items() if after.isalpha()}
BACK = str.maketrans(LOWER | {after: before for before, after in FORWARD.items()} | OTHER_STATE)
# What `HTTPS://` and `HTTP://` become.
BEGINNINGS = ("HTTPSM==", "HTTPM==")


def repaired(text: str) -> str:
    """The text as it was meant, if it begins as a garbled link; any other text unchanged."""
    if not text[: len(BEGINNINGS[0])].upper().startswith(BEGINNINGS):
        return text
    return text.translate(BACK)
