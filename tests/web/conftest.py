"""The pages, a site that serves them, and a browser to look at them with."""

import os
import shutil
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.passes.content import LANGUAGES
from app.web.pages import Pages
from app.web.texts import Texts
from demo.states import State, every_state
from tests.web.document import Document
from tests.web.site import Site, running

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses its sandbox to root, and only our own pages are opened
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def texts() -> Texts:
    return Texts.load()


@pytest.fixture(scope="session")
def pages(texts: Texts) -> Pages:
    return Pages(texts, environment_name="demo")


@pytest.fixture(scope="session")
def states() -> dict[str, State]:
    """Name of a state -> template and context."""
    return every_state()


@pytest.fixture(scope="session")
def documents(pages: Pages, states: dict[str, State]) -> dict[tuple[str, str], Document]:
    """Every state in every language, parsed."""
    return {
        (name, language): Document(pages.render(template, language, **context))
        for name, (template, context) in states.items()
        for language in LANGUAGES
    }


@pytest.fixture(scope="session")
def serving(pages: Pages, states: dict[str, State]) -> Iterator[Site]:
    with running(Site(pages, states)) as site:
        yield site


@pytest.fixture
def site(serving: Site) -> Site:
    """The running site, its strips as after a fresh start."""
    serving.strips = lambda: {"server_time": 0, "strips": []}
    serving.strips_status = HTTPStatus.OK
    for told in (serving.tokens, serving.proofs, serving.bodies):
        told.clear()
    return serving


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts Chromium, with more arguments than every test gives it; it closes by itself."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("NO BROWSER: install Chromium or name it in CHROMIUM")
    with sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(
            executable_path=path, args=[*CHROMIUM_ARGUMENTS, *arguments]
        )


@pytest.fixture(scope="session")
def chromium(launch: Callable[..., Browser]) -> Iterator[Browser]:
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A fresh window on the site that fails the test on any refused or broken code."""
    complaints: list[str] = []
    context = chromium.new_context(
        base_url=site.address,
        viewport={"width": 900, "height": 900},
        service_workers="block",  # what they keep is tested with the service itself
        reduced_motion="reduce",  # or colours are measured half-way through a transition
    )
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.extend([line.text] * (line.type == "error")))
    yield page
    context.close()
    unexpected = [line for line in complaints if "Failed to load resource" not in line]
    assert unexpected == []
