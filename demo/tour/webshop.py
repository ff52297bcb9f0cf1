"""A webshop: nobody can scan, so the teacher draws a code at home, which is good once."""

import re

from demo.browser import Browser
from demo.tour.stage import OK_LIVE, Stage, note, refused

PAGE = "/card/webshop-codes"
CODE = re.compile(r'id="code">(.*?)</p>')
TAG = re.compile(r"<[^>]+>")


def chapter(stage: Stage, teacher: Browser) -> None:
    """Draw a code, type it at the checkout, and try it once more elsewhere."""
    stage.story.chapter("A webshop")
    with stage.story.step("the teacher draws a code of 11 characters", expected=11) as step:
        teacher.open(PAGE)
        note(step, teacher.press(PAGE))
        found = CODE.search(teacher.page.text)
        code = TAG.sub("", found[1]) if found else ""
        step.actual = len(code)
    typed = f" {code[:4].lower()}-{code[4:]}\n"
    unseen = OK_LIVE | {"holder": None}
    stage.scan("typed at the checkout", stage.bookshop, typed, unseen, channel="webshop")
    used = refused("already_used")
    stage.scan("the same code at another shop", stage.museum, code, used, channel="webshop")
    with stage.story.step("the teacher sees what became of it", expected="Gebruikt") as step:
        note(step, teacher.open(PAGE))
        step.actual = teacher.status
