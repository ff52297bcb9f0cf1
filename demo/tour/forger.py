"""What a forger, a stranger and a broken scanner present."""

from demo.browser import Browser
from demo.shop import Till
from demo.tour.stage import Stage, note, refused, strip


def chapter(stage: Stage, teacher: Browser) -> None:
    """Changed, foreign, halved, something else, without a key, and far too long."""
    stage.story.chapter("What else ends up under a scanner")
    code, museum = strip(teacher), stage.museum
    changed = code[:-20] + ("0" if code[-20] != "0" else "1") + code[-19:]
    foreign = "HTTPS://LERARENKAART.EVIL.EXAMPLE" + code[code.rindex("/") :]
    stage.scan("one character changed", museum, changed, refused("bad_signature"))
    stage.scan("a look-alike address", museum, foreign, refused("foreign_code"))
    stage.scan("half a code", museum, code[:100], refused("malformed"))
    stage.scan("some other QR code", museum, "WIFI:S:thuis;;", refused("malformed"))
    with stage.story.step("a key with a typing error", expected=401) as step:
        stranger = Till(stage.world.addresses.service, "?", "lk_live_stranger")
        step.actual = note(step, stranger.scan(code))
    with stage.story.step("a megabyte of code", expected=413) as step:
        step.actual = note(step, museum.scan("A" * 1_000_000))
