"""A till with a USB scanner gun that types for a US keyboard while the till listens for AZERTY."""

from app.cards.azerty import SHOWN
from demo.tour.stage import OK_STATIC, Stage

ON_AZERTY = str.maketrans(SHOWN)
ENTER = "\r"


def chapter(stage: Stage, printed: str) -> None:
    """The till sends what it got, garbled, and with Caps Lock on; both are the same code."""
    stage.story.chapter("A scanner gun on an AZERTY till")
    typed = printed.translate(ON_AZERTY)
    with stage.story.step("the gun types another text than the code", expected=True) as step:
        step.actual = typed != printed and typed.startswith("HTTPM==")
        stage.story.artefact(step, "codes/azerty.txt", typed.encode())
    stage.scan("the till sends it as it is", stage.museum, typed + ENTER, OK_STATIC)
    caps_lock = typed.swapcase() + ENTER
    again = OK_STATIC | {"repeat": True}
    stage.scan("Caps Lock on: the same code", stage.museum, caps_lock, again)
