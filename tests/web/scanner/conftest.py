"""The scanner in real Chromium against the real service, in a process of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.world import World, world
from tests.web.scanner.shop import Holder, Shop

# Checks of a browser that shares its machine with other tests take their time.
expect.set_options(timeout=30_000)

# What only warns of a network that the test took away, or of an answer that the test wants.
EXPECTED = ("Failed to load resource", "net::ERR_INTERNET_DISCONNECTED")
KEEP_TILL = """async (till) => {
  const styles = document.querySelector('link[href$="scanner.css"]').href;
  const store = await import(new URL("store.js", styles));
  await store.keep("till", till);
}"""


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests of the scanner; each test brings customers of its own."""
    with world(tmp_path_factory.mktemp("scanner") / "world") as here:
        yield here


@pytest.fixture(scope="session")
def lost_card(here: World) -> Holder:
    """A card that was reported lost before the service made its first offline list."""
    holder = Shop(here, here.deployment.shops["museum"].name).customer()
    holder.revoke()
    return holder


@pytest.fixture
def shop(here: World, lost_card: Holder) -> Shop:
    return Shop(here, lost_card.shop.name)


@pytest.fixture
def open_window(here: World, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens fresh windows on the service; any broken or refused script fails the test."""
    complaints: list[str] = []

    def attend(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.extend([line.text] * (line.type == "error")))

    with ExitStack() as open_:

        def begin(browser: Browser = chromium, **more: object) -> Page:
            context: BrowserContext = browser.new_context(  # type: ignore[arg-type]
                base_url=here.addresses.service,
                locale="en-GB",
                viewport={"width": 390, "height": 844},
                reduced_motion="reduce",
                **more,
            )
            open_.callback(context.close)
            context.on("page", attend)
            return context.new_page()

        yield begin
    assert [line for line in complaints if not line.startswith(EXPECTED)] == []


@pytest.fixture
def as_till(shop: Shop) -> Callable[..., Page]:
    """Makes a window a till of the shop, by a key that it could have been enrolled with."""

    def begin(page: Page, *, test: bool = False) -> Page:
        page.goto("/scanner?lang=en")
        expect(page.get_by_label("Set-up code")).to_be_visible()
        till = {"key": shop.new_key(test=test), "till": "1", "partner": shop.name, "test": test}
        page.evaluate(KEEP_TILL, till)
        page.reload()
        expect(page.locator("#connection")).to_contain_text("up to date")
        return page

    return begin


@pytest.fixture
def film_of(launch: Callable[..., Browser]) -> Iterator[Callable[[Path], Browser]]:
    """Starts a browser whose camera plays a video and may be used without asking."""
    with ExitStack() as open_:

        def begin(video: Path) -> Browser:
            browser = launch(
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={video}",
            )
            open_.callback(browser.close)
            return browser

        yield begin
