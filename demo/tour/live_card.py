"""Two tills and the live web card: accepted once, and never twice."""

from app.passes import qr
from demo.browser import Browser
from demo.tour.stage import OK_LIVE, Stage, refused, strip


def chapter(stage: Stage, teacher: Browser) -> None:
    """Show it, ask again, and show a copy elsewhere."""
    stage.story.chapter("The live web card")
    code = strip(teacher)
    with stage.story.step("drawn as a QR and read by a camera", expected=code) as step:
        step.actual = stage.through_a_camera(step, "codes/web.png", qr.png(code))
    again = OK_LIVE | {"repeat": True}
    stage.scan("the museum scans it", stage.museum, code, OK_LIVE)
    stage.scan("the till asks again: a repeat", stage.museum, code, again)
    stage.scan("a bookshop gets a copy", stage.bookshop, code, refused("already_used"))
    stage.scan("the sandbox does not know it", stage.sandbox, code, refused("unknown_card"))
