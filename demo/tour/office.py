"""The part of the tour that the card office plays: a card withheld, a person excluded, two people.

Officials use pages as teachers do; what they press is what the page of their desk offers.
"""

import re

from demo.browser import Browser
from demo.office import print_card
from demo.tour.stage import OK_STATIC, Stage, refused

STRONG = "urn:be:vlaanderen:authmech:eid"


class OfficeTour:
    """Officials at work in one world, and the museum that scans what they decide about."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world = stage.world
        self._story = stage.story

    def walk(self, teacher: Browser) -> None:
        """Suspended and back by one desk, excluded by another, let in again by two people."""
        self._story.chapter("The card office")
        code, _ = print_card(self._world)
        museum = self._stage.museum
        support, issuer = self._official("support"), self._official("issuer")
        self._act(support, "suspend", "stolen", sees="Geschorst")
        self._stage.scan("the suspended card at once", museum, code, refused("not_valid"))
        self._act(issuer, "resume", "request", sees="Geldig")
        self._stage.scan("the card is valid again", museum, code, OK_STATIC)
        self._act(issuer, "bar", "misuse", sees="Ingetrokken")
        self._card(teacher, "the excluded teacher gets no card", sees="Ingetrokken")
        record = self._record(issuer)
        issuer.open(f"{record}/propose/lift")
        issuer.press("/propose/lift", why="proven innocent")
        with self._story.step("who proposes to lift it cannot approve", expected=False) as step:
            self._waiting(issuer)
            step.actual = any(form.action.endswith("/approve") for form in issuer.forms)
        second = self._official("issuer-second")
        with self._story.step("a second person lifts the exclusion", expected=200) as step:
            step.request = self._waiting(second)
            step.status = step.actual = second.press("/approve", why="seen").status_code
        self._card(teacher, "the teacher gets a new card", sees="Geldig")

    def _official(self, key: str) -> Browser:
        browser = Browser(self._world.addresses.service)
        with self._story.step(f"{key} logs in with eID", expected="/office") as step:
            browser.open("/login?for=office&to=/office")
            browser.press("auth/choice", person=key, acr=STRONG, decision="log-in")
            step.actual = browser.page.url.path
        return browser

    def _record(self, official: Browser) -> str:
        official.open("/office")
        number = self._world.person("permanent").insz
        official.press(
            "/office/cases", number=number, purpose="holder-asks", reference="the demonstration"
        )
        return official.page.url.path

    def _act(self, official: Browser, act: str, why: str, *, sees: str) -> None:
        with self._story.step(f"the office: {act}, {why}: {sees}", expected=sees) as step:
            record = self._record(official)
            official.open(f"{record}/{act}")
            official.press(f"/{act}", why=why)
            step.status, step.actual = official.page.status_code, official.status
            self._story.artefact(step, f"pages/office-{act}.html", official.page.content)

    def _waiting(self, official: Browser) -> str:
        """Open what waits for a second person; its address."""
        official.open("/office/waiting")
        found = re.search(r'href="(/office/waiting/lift/[0-9a-f-]+)"', official.page.text)
        assert found is not None  # noqa: S101 - it was proposed a moment ago
        official.open(found[1])
        return found[1]

    def _card(self, teacher: Browser, title: str, *, sees: str) -> None:
        with self._story.step(title, expected=sees) as step:
            teacher.open("/card")
            if "auth" in str(teacher.page.url):
                teacher.press("auth/choice", person="permanent", decision="log-in")
            if any(form.action == "/card" for form in teacher.forms):
                teacher.press("/card")
            step.actual = teacher.status
