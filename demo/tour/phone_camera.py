"""A shop with nothing but a phone: its camera opens the code, and a page says how the card stands.

Looking uses nothing up, so the same code still counts at a till afterwards. With a set-up code from
the card office the same phone becomes a till, and what it scans counts.
"""

import re
from contextlib import closing

import httpx

from app.passes import qr
from demo.browser import Browser
from demo.office import set_up_code
from demo.shop import Till
from demo.tour.stage import OK_RECENT, Stage, note, strip

WORD = re.compile(r'<p class="word">([^<]+)</p>')
DUTCH = {"accept": "text/html", "accept-language": "nl-BE"}


def chapter(stage: Stage, teacher: Browser) -> None:
    """Look twice at a live code, and once at a forged one."""
    stage.story.chapter("A shop with nothing but a phone")
    code = strip(teacher)
    with stage.story.step("the camera reads the card", expected=code) as step:
        step.actual = stage.through_a_camera(step, "codes/camera.png", qr.png(code))
    _look(stage, "the link opens a page", code, "Geldig", file="opened")
    _look(stage, "looking again uses nothing up", code, "Geldig", file="again")
    forged = code[:-20] + ("0" if code[-20] != "0" else "1") + code[-19:]
    _look(stage, "one character changed", forged, "Niet geldig", file="forged")


def becomes_a_till(stage: Stage, code: str) -> None:
    """The phone opens the scanner page, takes a set-up code, and scans an Apple pass."""
    stage.story.chapter("The same phone becomes a till")
    service = stage.world.addresses.service
    with stage.story.step("the scanner page opens", expected=200) as step:
        step.actual = note(step, httpx.get(f"{service}/scanner", headers=DUTCH))
    with stage.story.step("a set-up code makes it a till", expected=201) as step:
        asked = {"code": set_up_code(stage.world, "bookshop")}
        answer = httpx.post(f"{service}/api/v1/tills/enrol", json=asked)
        step.actual = note(step, answer)
        phone = Till(service, "phone", answer.json()["till_key"])
    with closing(phone):
        stage.scan("it scans the teacher's pass", phone, code, OK_RECENT, channel="scanner")


def _look(stage: Stage, title: str, code: str, word: str, *, file: str) -> None:
    with stage.story.step(f"{title}: {word}", expected=word) as step:
        page = httpx.get(_as_link(code), headers=DUTCH)
        note(step, page)
        found = WORD.search(page.text)
        step.actual = found and found[1]
        stage.story.artefact(step, f"pages/camera-{file}.html", page.content)


def _as_link(code: str) -> str:
    scheme, rest = code.split("://")
    host, path = rest.split("/", 1)
    return f"{scheme.lower()}://{host.lower()}/{path}"
