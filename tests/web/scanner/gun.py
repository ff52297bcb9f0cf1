"""A scanner gun: a keyboard that types faster than anybody."""

from typing import Any

from playwright.sync_api import Page

END_KEYS: dict[str, dict[str, Any]] = {
    "Enter": {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13},
    "Tab": {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
}


def shoot(page: Page, text: str, *, end: str = "Enter", gap_ms: float = 5) -> None:
    """Type as a scanner gun does, `gap_ms` from key to key by the events' own clock.

    Every character is one key, whatever keyboard the browser thinks it has.
    """
    keyboard = page.context.new_cdp_session(page)
    keys = [{"key": character, "text": character} for character in text]
    keys += [END_KEYS[end]] if end else []
    began_s = page.evaluate("Date.now()") / 1000
    for number, key in enumerate(keys):
        moment = {"timestamp": began_s + number * gap_ms / 1000}
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", **key, **moment})
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **key, **moment})
    keyboard.detach()
