"""A scanner gun: a keyboard that types faster than anybody."""

from typing import Any

from playwright.sync_api import Page

END_KEYS: dict[str, dict[str, Any]] = {
    "Enter": {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13},
    "Tab": {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
}
# A key per character, whatever keyboard the browser thinks it has, each with its moment.
TYPE = """([text, beganMs, gapMs]) => {
  [...text].forEach((key, number) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    const value = beganMs + number * gapMs - performance.timeOrigin;
    Object.defineProperty(event, "timeStamp", { value });
    document.activeElement.dispatchEvent(event);
  });
}"""


def shoot(page: Page, text: str, *, end: str = "Enter", gap_ms: float = 5) -> None:
    """Type as a scanner gun does, `gap_ms` from key to key; the key at the end is a real one."""
    began_ms = page.evaluate("performance.timeOrigin + performance.now()")
    page.evaluate(TYPE, [text, began_ms, gap_ms])
    if end:
        moment = {"timestamp": (began_ms + len(text) * gap_ms) / 1000}
        keyboard = page.context.new_cdp_session(page)
        for kind in ("keyDown", "keyUp"):
            keyboard.send("Input.dispatchKeyEvent", {"type": kind, **END_KEYS[end], **moment})
        keyboard.detach()
