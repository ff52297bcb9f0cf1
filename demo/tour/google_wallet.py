"""An Android phone: an object at Google whose digits turn on the phone, and shops that scan it."""

from datetime import timedelta
from typing import Any

import httpx

from demo import google_phone
from demo.browser import Browser
from demo.tour.stage import OK_LIVE, Stage, note, png, refused, until


def chapter(stage: Stage, teacher: Browser) -> None:
    """Save the pass, and have its turning code and two screenshots scanned."""
    stage.story.chapter("Google Wallet")
    teacher.open("/card")
    with stage.story.step("the button leads to Google's save link", expected=True) as step:
        note(step, teacher.press("/card/google"))
        step.request = step.request.split("/gp/v/save/")[0] + "/gp/v/save/…"
        step.actual = "/gp/v/save/" in str(teacher.page.url) and teacher.page.is_success
    with stage.story.step("Google calls: the pass was saved", expected=[200]) as step:
        step.actual = until(lambda: _at_google(stage, "callback_answers"), [200])
    held = pass_object(stage)
    now = stage.world.clock()
    shown = google_phone.shown_text(held, now=now)
    with stage.story.step("the phone turns the digits, a camera reads", expected=shown) as step:
        face = png(google_phone.screen(shown))
        step.actual = stage.through_a_camera(step, "google-pass.png", face)
    stage.scan("the museum scans it", stage.museum, shown, OK_LIVE)
    stage.scan("a screenshot at the bookshop", stage.bookshop, shown, refused("already_used"))
    old = google_phone.shown_text(held, now=now - timedelta(minutes=3))
    stage.scan("a screenshot of 3 minutes ago", stage.bookshop, old, refused("stale_code"))


def pass_object(stage: Stage) -> dict[str, Any]:
    """The newest object as Google holds it."""
    objects: list[dict[str, Any]] = list(_at_google(stage, "objects").values())
    return objects[-1]


def _at_google(stage: Stage, what: str) -> Any:
    return httpx.get(f"{stage.world.addresses.google}/_state").json()[what]
