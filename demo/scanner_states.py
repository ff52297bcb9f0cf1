"""The states of the scanner page, whose own code draws them from sample values.

`scanner_states.js` knows what each of these names shows.
"""

from pathlib import Path
from typing import Any

from app.passes import qr
from app.web.scanner_texts import WORDS
from app.web.sheet import test_texts

SCRIPT = Path(__file__).with_suffix(".js")
SCRIPT_ADDRESS = "/demo/scanner_states.js"
CODE_BASE = "HTTPS://KAART.EXAMPLE"
NAMES = (
    "enrol",
    "enrol-refused",
    "ready",
    "camera",
    "camera-refused",
    "checking",
    "valid",
    "valid-look",
    "valid-no-initials",
    "not-valid",
    "already-used",
    "foreign-code",
    "test-card",
    "practice",
    "offline",
    "offline-valid",
    "offline-copy",
    "offline-number",
    "offline-too-long",
    "shift",
    "settings",
)


def scanner_states() -> dict[str, tuple[str, dict[str, Any]]]:
    """The page in every state, and the sheet for a scanner gun."""
    shown = {"script": SCRIPT_ADDRESS, "code_base": CODE_BASE, "words": WORDS}
    tests = [(text, qr.modules(text)) for text in test_texts(CODE_BASE)]
    return {
        **{f"scanner-{name}": ("scanner.html", shown) for name in NAMES},
        "sheet": ("sheet.html", {"tests": tests, "address": "https://kaart.example/scanner"}),
    }
