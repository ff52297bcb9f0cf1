"""An iPhone and its Watch: a signed pass that they accept, and shops that scan it."""

from dataclasses import dataclass

from demo import apple_phone
from demo.browser import Browser
from demo.phone import IPhone, Watch
from demo.tour.stage import OK_RECENT, Stage, note, png, refused


@dataclass(frozen=True, slots=True)
class Phones:
    """A teacher's devices, and the code that they show."""

    iphone: IPhone
    watch: Watch
    code: str


def chapter(stage: Stage, teacher: Browser) -> Phones:
    """Install the pass, register for news of it, and have it scanned."""
    stage.story.chapter("Apple Wallet")
    root = stage.world.deployment.credentials.apple.root.read_bytes()
    iphone, watch = IPhone(root_pem=root), Watch(root_pem=root)
    teacher.open("/card")
    with stage.story.step("the button gives a signed .pkpass", expected="ok") as step:
        note(step, teacher.press("/card/apple"))
        path = stage.story.artefact(step, "lerarenkaart.pkpass", teacher.page.content)
        installed = apple_phone.install(path.read_bytes(), root_pem=root)
        step.actual = "ok"
    with stage.story.step("iPhone and Watch register at once", expected=[201, 201]) as step:
        step.actual = watch.mirror(path.read_bytes(), iphone)
        note(step, iphone.answers[-1])
    with stage.story.step("the phone shows it, a camera reads it", expected=True) as step:
        face = png(apple_phone.draw(installed))
        code = stage.through_a_camera(step, "apple-pass.png", face)
        step.actual = code == installed.code
    stage.scan("the museum scans the pass", stage.museum, code, OK_RECENT)
    too_low = refused("grade_too_low") | {"grade": "recent"}
    stage.scan("a shop that wants a live code", stage.bookshop, code, too_low, min_grade="live")
    return Phones(iphone, watch, code)
