"""A museum in a cellar: it takes its list along, checks without a network, and tells us later."""

from contextlib import closing

from demo.office import print_card, set_up_code
from demo.offline_scanner import OfflineScanner
from demo.shop import gist
from demo.tour.stage import OK_STATIC, Stage, note, refused

# What can be seen without a network: no use elsewhere, and no newer code.
OFFLINE_OK = {"valid": True, "reason": "ok", "grade": "static", "holder": "AP"}
OFFLINE_REFUSED = {"valid": False, "reason": "not_valid", "grade": None, "holder": None}


def chapter(stage: Stage, *, lost: str) -> None:
    """The new print of a teacher, and the print of the card that was reported lost."""
    stage.story.chapter("A museum without a network")
    code, _ = print_card(stage.world)
    scanner = OfflineScanner(stage.world.addresses.service, clock=stage.world.clock)
    with closing(scanner):
        with stage.story.step("a set-up code makes the device a till", expected=201) as step:
            step.actual = note(step, scanner.enrol(set_up_code(stage.world, "museum")))
        with stage.story.step("it takes the keys and the list along", expected=True) as step:
            note(step, scanner.fetch())
            step.actual = scanner.refused_codes > 0
        checks = (
            ("the teacher's print", code, OFFLINE_OK, OK_STATIC),
            ("the print of the lost card", lost, OFFLINE_REFUSED, refused("not_valid")),
        )
        for title, text, expected, _ in checks:
            with stage.story.step(f"no network, {title}", expected=expected) as step:
                step.actual = scanner.check(text)
        for title, _, _, expected in checks:
            with stage.story.step(f"uploaded later, {title}", expected=expected) as step:
                answer = scanner.upload_next()
                note(step, answer)
                step.actual = gist(answer)
        with stage.story.step("everything was uploaded", expected=0) as step:
            step.actual = scanner.waiting
