"""A teacher without a phone: a print, and the number by hand."""

from app.passes import qr
from demo.office import print_card
from demo.tour.stage import OK_STATIC, Stage


def chapter(stage: Stage) -> str:
    """Have the print scanned and its number typed; the code on it."""
    stage.story.chapter("Paper and the typed number")
    code, number = print_card(stage.world)
    with stage.story.step("printed and read by a camera", expected=code) as step:
        step.actual = stage.through_a_camera(step, "codes/paper.png", qr.png(code))
    stage.scan("the bookshop scans the print", stage.bookshop, code, OK_STATIC)
    typed = f"{number[:5]}-{number[5:].lower()}"
    without_initials = OK_STATIC | {"holder": None}
    stage.scan("the number typed by hand", stage.museum, typed, without_initials)
    return code
