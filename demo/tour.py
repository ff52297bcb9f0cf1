"""The tour: the main job once over HTTP, from log-in to revocation, step by step.

Every step says what is expected before it is done. Pictures are drawn as a phone would and
read back with a camera's decoder, so that a step holds only if the real thing works.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from app.passes import qr
from demo import apple_phone, google_phone
from demo.browser import Browser
from demo.office import print_card
from demo.phone import IPhone, Watch
from demo.scanner import read_code
from demo.shop import Till, gist
from demo.story import Step, Story
from demo.tour_epd import push
from demo.tour_mail import MailTour
from demo.tour_office import OfficeTour
from demo.world import World

PATIENCE_S = 30.0
OK_LIVE = {"valid": True, "reason": "ok", "grade": "live", "repeat": False, "holder": "AP"}


def refused(reason: str) -> dict[str, object]:
    """The gist of a refusal; every one has the same shape."""
    return {"valid": False, "reason": reason, "grade": None, "repeat": False, "holder": None}


class Tour:
    """One walk through one world."""

    def __init__(self, world: World, story: Story) -> None:
        self._world = world
        self._story = story
        service, shops = world.addresses.service, world.deployment.shops
        self._museum = Till(service, shops["museum"].name, shops["museum"].live_key)
        self._bookshop = Till(service, shops["bookshop"].name, shops["bookshop"].live_key)
        self._sandbox = Till(service, "sandbox", shops["museum"].test_key)
        root = world.deployment.credentials.apple.root.read_bytes()
        self._iphone, self._watch = IPhone(root_pem=root), Watch(root_pem=root)

    def walk(self) -> None:
        """The whole main job."""
        teacher = self.log_in("permanent", sees="Klaar voor jou")
        self.get_card(teacher, sees="Geldig")
        self.web_code(teacher)
        self.apple(teacher)
        self.google(teacher)
        self.paper_and_typed()
        self.lies(teacher)
        mailbox = MailTour(self._world, self._story)
        mailbox.subscribe(teacher)
        self.lost_phone(teacher)
        mailbox.arrives("Je Lerarenkaart is vervangen", file="mail/replaced.eml")
        self.pushed()
        OfficeTour(self._world, self._story, self._scanned_static).walk(teacher)
        self.log_out(teacher)
        self.others()
        self.silence()

    def log_in(self, key: str, *, sees: str) -> Browser:
        """Log somebody in through the simulated identity provider."""
        person = self._world.person(key)
        self._story.chapter(f"{person.given_name} {person.family_name}: {person.label['nl']}")
        browser = Browser(self._world.addresses.service)
        with self._story.step("the card page leads to the log-in", expected=True) as step:
            _note(step, browser.open("/card"))
            step.actual = str(browser.page.url).startswith(self._world.addresses.identity_provider)
        with self._story.step(f"logged in, and the page says: {sees}", expected=sees) as step:
            _note(step, browser.press("auth/choice", person=key, decision="log-in"))
            step.actual = browser.status
            self._story.artefact(step, f"pages/{key}.html", browser.page.content)
        return browser

    def get_card(self, teacher: Browser, *, sees: str) -> None:
        """One press of a button."""
        with self._story.step(f"one press gives the card: {sees}", expected=sees) as step:
            _note(step, teacher.press("/card"))
            step.actual = teacher.status

    def web_code(self, teacher: Browser) -> None:
        """The live web card: shown, accepted once, and never twice."""
        self._story.chapter("The live web card")
        code = self._strip(teacher)
        with self._story.step("drawn as a QR and read by a camera", expected=code) as step:
            step.actual = self._through_a_camera(step, "codes/web.png", qr.png(code))
        self._scan("the museum scans it", self._museum, code, OK_LIVE)
        self._scan("the till asks again: a repeat", self._museum, code, OK_LIVE | {"repeat": True})
        self._scan("a bookshop gets a copy", self._bookshop, code, refused("already_used"))
        self._scan("the sandbox does not know it", self._sandbox, code, refused("unknown_card"))
        with self._story.step("an ordinary camera opens the link", expected=200) as step:
            step.actual = _note(step, httpx.get(_as_link(code), headers={"accept": "text/html"}))

    def apple(self, teacher: Browser) -> None:
        """Apple Wallet: a signed pass that a phone accepts, and its Watch with it."""
        self._story.chapter("Apple Wallet")
        teacher.open("/card")
        with self._story.step("the button gives a signed .pkpass", expected="ok") as step:
            _note(step, teacher.press("/card/apple"))
            path = self._story.artefact(step, "lerarenkaart.pkpass", teacher.page.content)
            root = self._world.deployment.credentials.apple.root.read_bytes()
            installed = apple_phone.install(path.read_bytes(), root_pem=root)
            step.actual = "ok"
        with self._story.step("iPhone and Watch register at once", expected=[201, 201]) as step:
            step.actual = self._watch.mirror(path.read_bytes(), self._iphone)
            _note(step, self._iphone.answers[-1])
        with self._story.step("the phone shows it, a camera reads it", expected=True) as step:
            face = _png(apple_phone.draw(installed))
            code = self._through_a_camera(step, "apple-pass.png", face)
            step.actual = code == installed.code
        recent = OK_LIVE | {"grade": "recent"}
        self._scan("the museum scans the pass", self._museum, code, recent)
        too_low = refused("grade_too_low") | {"grade": "recent"}
        self._scan("a shop that wants a live code", self._bookshop, code, too_low, min_grade="live")

    def google(self, teacher: Browser) -> None:
        """Google Wallet: an object whose digits turn on the phone."""
        self._story.chapter("Google Wallet")
        teacher.open("/card")
        with self._story.step("the button leads to Google's save link", expected=True) as step:
            _note(step, teacher.press("/card/google"))
            step.request = step.request.split("/gp/v/save/")[0] + "/gp/v/save/…"
            step.actual = "/gp/v/save/" in str(teacher.page.url) and teacher.page.is_success
        with self._story.step("Google calls: the pass was saved", expected=[200]) as step:
            step.actual = self._google_until("callback_answers", [200])
        pass_object = self._google_object()
        now = self._world.clock()
        shown = google_phone.shown_text(pass_object, now=now)
        with self._story.step("the phone turns the digits, a camera reads", expected=shown) as step:
            face = _png(google_phone.screen(shown))
            step.actual = self._through_a_camera(step, "google-pass.png", face)
        self._scan("the museum scans it", self._museum, shown, OK_LIVE)
        self._scan("a screenshot at the bookshop", self._bookshop, shown, refused("already_used"))
        old = google_phone.shown_text(pass_object, now=now - timedelta(minutes=3))
        self._scan("a screenshot of 3 minutes ago", self._bookshop, old, refused("stale_code"))

    def paper_and_typed(self) -> None:
        """A print, and the number by hand."""
        self._story.chapter("Paper and the typed number")
        code, number = print_card(self._world)
        with self._story.step("printed and read by a camera", expected=code) as step:
            step.actual = self._through_a_camera(step, "codes/paper.png", qr.png(code))
        static = OK_LIVE | {"grade": "static"}
        self._scan("the bookshop scans the print", self._bookshop, code, static)
        typed = f"{number[:5]}-{number[5:].lower()}"
        without_initials = static | {"holder": None}
        self._scan("the number typed by hand", self._museum, typed, without_initials)

    def lies(self, teacher: Browser) -> None:
        """What a forger, a wrong keyboard and a broken scanner present."""
        self._story.chapter("What else ends up under a scanner")
        code = self._strip(teacher)
        changed = code[:-20] + ("0" if code[-20] != "0" else "1") + code[-19:]
        foreign = "HTTPS://LERARENKAART.EVIL.EXAMPLE" + code[code.rindex("/") :]
        self._scan("one character changed", self._museum, changed, refused("bad_signature"))
        self._scan("a look-alike address", self._museum, foreign, refused("foreign_code"))
        self._scan("half a code", self._museum, code[:100], refused("malformed"))
        self._scan("some other QR code", self._museum, "WIFI:S:thuis;;", refused("malformed"))
        with self._story.step("a key with a typing error", expected=401) as step:
            stranger = Till(self._world.addresses.service, "?", "lk_live_stranger")
            step.actual = _note(step, stranger.scan(code))
        with self._story.step("a megabyte of code", expected=413) as step:
            step.actual = _note(step, self._museum.scan("A" * 1_000_000))

    def lost_phone(self, teacher: Browser) -> None:
        """Reported lost: the next scan refuses, the pass turns void, and a new card is there."""
        self._story.chapter("The phone is lost")
        old = self._strip(teacher)
        pushes = self._world.apns
        heard = {one: pushes.taken(one.push_token) for one in (self._iphone, self._watch)}
        teacher.open("/card/lost")
        with self._story.step("reported as lost", expected=True) as step:
            _note(step, teacher.press("/card/report-lost"))
            step.actual = teacher.page.is_success
        self._scan("the old code at once", self._bookshop, old, refused("not_valid"))
        with self._story.step("a push reaches iPhone and Watch", expected=[True, True]) as step:
            step.actual = [
                pushes.wait_for_push(device.push_token, after=count)
                for device, count in heard.items()
            ]
        for device, name in ((self._iphone, "iPhone"), (self._watch, "Watch")):
            self._fetches_a_void_pass(device, name)
        self._loses_its_google_pass()
        self._scan("the new card's code", self._bookshop, self._strip(teacher), OK_LIVE)

    def _fetches_a_void_pass(self, device: IPhone, name: str) -> None:
        void = {"voided": True, "code": None}
        with self._story.step(f"the {name} fetches its pass anew: void", expected=void) as step:
            (serial,) = device.pushed()
            _note(step, device.answers[-1])
            now_there = device.passes[serial].installed
            step.actual = {"voided": now_there.content.get("voided"), "code": now_there.code}
            self._story.artefact(step, f"void-on-{name}.png", _png(apple_phone.draw(now_there)))
        with self._story.step(f"the {name} asks again: nothing is new", expected=204) as step:
            device.pushed()
            step.actual = _note(step, device.answers[-1])

    def pushed(self) -> None:
        """The personnel file pushes a change: the card follows, without the teacher."""
        self._story.chapter("The personnel file pushes a career break, and its end")
        code, _ = print_card(self._world)
        file = self._world.person("permanent").record
        assert file is not None  # noqa: S101 - `permanent` has one
        away = (self._world.person("on-leave").record or {})["dienstonderbrekingen"]
        story, epd, version = self._story, self._world.addresses.epd, file["versie"]
        away_now = {"versie": version + 1, "dienstonderbrekingen": away}
        push(story, epd, file | away_now, "the break")
        self._scan("the card is withheld", self._museum, code, refused("not_valid"))
        push(story, epd, file | {"versie": version + 2}, "its end")
        self._scan("the card is back", self._museum, code, OK_LIVE | {"grade": "static"})

    def _loses_its_google_pass(self) -> None:
        """The object is inactive, nameless, and has nothing for a phone to show."""
        gone = {"state": "INACTIVE", "named": False, "code": None}
        with self._story.step(
            "Google's pass is inactive, without name or code", expected=gone
        ) as step:
            name = str(self._world.person("permanent").family_name)

            def standing() -> dict[str, object]:
                now_there = self._google_object()
                code = now_there.get("rotatingBarcode")
                return {"state": now_there["state"], "named": name in str(now_there), "code": code}

            step.actual = _until(standing, gone)

    def log_out(self, teacher: Browser) -> None:
        """Here and at the provider."""
        teacher.open("/card")
        with self._story.step("logged out", expected=True) as step:
            _note(step, teacher.press("/logout"))
            step.actual = str(teacher.page.url).startswith(
                f"{self._world.addresses.service}/logged-out"
            )

    def others(self) -> None:
        """Everybody else has an honest page."""
        self.log_in("on-leave", sees="Nu geen recht op een kaart")
        self.log_in("unknown", sees="Nog niet in het personeelsdossier")
        in_grace = self.log_in("grace", sees="Klaar voor jou")
        self.get_card(in_grace, sees="Voorlopig geldig")

    def silence(self) -> None:
        """The personnel file goes down: known teachers keep their card, new ones hear it."""
        self._story.chapter("The personnel file is down")
        down = {"kind": "down", "times": 10_000}
        httpx.post(f"{self._world.addresses.epd}/_control", json={"faults": [down]})
        self.log_in("permanent", sees="Geldig")
        self.log_in("clb", sees="Nog niet bekend")
        httpx.post(f"{self._world.addresses.epd}/_control", json={"faults": []})

    def summer(self) -> None:
        """On a day in July: the bridge between two assignments."""
        teacher = self.log_in("summer", sees="Klaar voor jou")
        self.get_card(teacher, sees="Geldig tijdens de zomer")
        code = self._strip(teacher)
        self._scan("the museum scans it in July", self._museum, code, OK_LIVE | {"holder": "JM"})

    def _strip(self, teacher: Browser) -> str:
        teacher.open("/card/live")
        answer = teacher.fetch("/card/strips").json()
        code: str = answer["strips"][0]["code"]
        return code

    def _scanned_static(self, title: str, code: str, reason: str) -> None:
        expected = OK_LIVE | {"grade": "static"} if reason == "ok" else refused(reason)
        self._scan(title, self._museum, code, expected)

    def _scan(
        self, title: str, till: Till, text: str, expected: dict[str, object], **asked: str
    ) -> None:
        with self._story.step(f"{title}: {expected['reason']}", expected=expected) as step:
            answer = till.scan(text, **asked)
            _note(step, answer)
            step.actual = gist(answer)

    def _through_a_camera(self, step: Step, name: str, picture: bytes) -> str:
        path = self._story.artefact(step, name, picture)
        return read_code(Image.open(path)) or ""

    def _google_object(self) -> dict[str, object]:
        objects: list[dict[str, object]] = list(self._at_google("objects").values())
        return objects[-1]

    def _google_until(self, what: str, expected: object) -> object:
        return _until(lambda: self._at_google(what), expected)

    def _at_google(self, what: str) -> Any:
        return httpx.get(f"{self._world.addresses.google}/_state").json()[what]


def _until(look: Callable[[], object], expected: object) -> object:
    """What is there once it is as expected, or after half a minute: the worker needs its moment."""
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def _note(step: Step, answer: httpx.Response) -> int:
    step.request = f"{answer.request.method} {answer.request.url.copy_with(query=None)}"
    step.status = answer.status_code
    return answer.status_code


def _as_link(code: str) -> str:
    scheme, rest = code.split("://")
    host, path = rest.split("/", 1)
    return f"{scheme.lower()}://{host.lower()}/{path}"


def _png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
