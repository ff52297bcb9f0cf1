"""From the log-in to a verified code, in a real browser against the real service, in each language."""

import pytest

from app.web.texts import Texts

pytestmark = pytest.mark.browser

# Every way on from the card page, by the address that its link leads to.
WAYS = ("/card/activity", "/card/lost", "/benefits", "/privacy", "/help", "/accessibility")


@pytest.fixture(scope="session")
def texts() -> Texts:
    return Texts.load()
