"""What every chapter plays on: the world, the story it adds to, two shops and a scan as a step.

Hides how a step is filled in from an answer, and how long the worker may take.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import httpx
from PIL import Image

from demo.browser import Browser
from demo.scanner import read_code
from demo.shop import Till, gist
from demo.story import Step, Story
from demo.world import World

PATIENCE_S = 30.0
OK_LIVE = {"valid": True, "reason": "ok", "grade": "live", "repeat": False, "holder": "AP"}
OK_RECENT = OK_LIVE | {"grade": "recent"}
OK_STATIC = OK_LIVE | {"grade": "static"}


def refused(reason: str) -> dict[str, object]:
    """The gist of a refusal; every one has the same shape."""
    return {"valid": False, "reason": reason, "grade": None, "repeat": False, "holder": None}


@dataclass(frozen=True, slots=True)
class Stage:
    """One world and the shops in it."""

    world: World
    story: Story
    museum: Till
    bookshop: Till
    sandbox: Till

    def scan(
        self, title: str, till: Till, text: str, expected: dict[str, object], **asked: str
    ) -> httpx.Response:
        """A step: a till asks, and the gist of the verdict is as expected."""
        with self.story.step(f"{title}: {expected['reason']}", expected=expected) as step:
            answer = till.scan(text, **asked)
            note(step, answer)
            step.actual = gist(answer)
        return answer

    def through_a_camera(self, step: Step, name: str, picture: bytes) -> str:
        """What a camera reads from a picture, which is kept."""
        path = self.story.artefact(step, name, picture)
        return read_code(Image.open(path)) or ""


def on_stage(world: World, story: Story) -> Stage:
    """The stage of a world, its shops open."""
    service, shops = world.addresses.service, world.deployment.shops
    return Stage(
        world,
        story,
        museum=Till(service, shops["museum"].name, shops["museum"].live_key),
        bookshop=Till(service, shops["bookshop"].name, shops["bookshop"].live_key),
        sandbox=Till(service, "sandbox", shops["museum"].test_key),
    )


def strip(teacher: Browser) -> str:
    """The code that a teacher's live card shows now."""
    teacher.open("/card/live")
    answer = teacher.fetch("/card/strips").json()
    code: str = answer["strips"][0]["code"]
    return code


def until(look: Callable[[], object], expected: object) -> object:
    """What is there once it is as expected, or after half a minute: the worker needs its moment."""
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def note(step: Step, answer: httpx.Response) -> int:
    """Write down what was asked and the status of the answer, which is returned."""
    step.request = f"{answer.request.method} {answer.request.url.copy_with(query=None)}"
    step.status = answer.status_code
    return answer.status_code


def png(image: Image.Image) -> bytes:
    """A picture as a file."""
    file = BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
