"""A lost phone: the next scan refuses, every pass turns void, and a new card is there."""

from demo import apple_phone
from demo.browser import Browser
from demo.phone import IPhone
from demo.tour.apple_wallet import Phones
from demo.tour.google_wallet import pass_object
from demo.tour.stage import OK_LIVE, Stage, note, png, refused, strip, until


def chapter(stage: Stage, teacher: Browser, phones: Phones) -> None:
    """Report it, and look at what the shops and the phones make of it."""
    stage.story.chapter("The phone is lost")
    old = strip(teacher)
    pushes = stage.world.apns
    devices = (phones.iphone, phones.watch)
    heard = {one: pushes.taken(one.push_token) for one in devices}
    teacher.open("/card/lost")
    with stage.story.step("reported as lost", expected=True) as step:
        note(step, teacher.press("/card/report-lost"))
        step.actual = teacher.page.is_success
    stage.scan("the old code at once", stage.bookshop, old, refused("not_valid"))
    with stage.story.step("a push reaches iPhone and Watch", expected=[True, True]) as step:
        step.actual = [
            pushes.wait_for_push(device.push_token, after=count) for device, count in heard.items()
        ]
    for device, name in zip(devices, ("iPhone", "Watch"), strict=True):
        _fetches_a_void_pass(stage, device, name)
    _loses_its_google_pass(stage)
    stage.scan("the new card's code", stage.bookshop, strip(teacher), OK_LIVE)


def _fetches_a_void_pass(stage: Stage, device: IPhone, name: str) -> None:
    void = {"voided": True, "code": None}
    with stage.story.step(f"the {name} fetches its pass anew: void", expected=void) as step:
        (serial,) = device.pushed()
        note(step, device.answers[-1])
        now_there = device.passes[serial].installed
        step.actual = {"voided": now_there.content.get("voided"), "code": now_there.code}
        stage.story.artefact(step, f"void-on-{name}.png", png(apple_phone.draw(now_there)))
    with stage.story.step(f"the {name} asks again: nothing is new", expected=204) as step:
        device.pushed()
        step.actual = note(step, device.answers[-1])


def _loses_its_google_pass(stage: Stage) -> None:
    """The object is inactive, nameless, and has nothing for a phone to show."""
    gone = {"state": "INACTIVE", "named": False, "code": None}
    name = str(stage.world.person("permanent").family_name)

    def standing() -> dict[str, object]:
        held = pass_object(stage)
        code = held.get("rotatingBarcode")
        return {"state": held["state"], "named": name in str(held), "code": code}

    with stage.story.step("Google's pass is inactive, without name or code", expected=gone) as step:
        step.actual = until(standing, gone)
