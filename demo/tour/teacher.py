"""A teacher: logs in, gets a card with one press, logs out; and those who get an honest no."""

from demo.browser import Browser
from demo.tour.stage import Stage, note


def log_in(stage: Stage, key: str, *, sees: str) -> Browser:
    """Log somebody in through the simulated identity provider."""
    person = stage.world.person(key)
    stage.story.chapter(f"{person.given_name} {person.family_name}: {person.label['nl']}")
    browser = Browser(stage.world.addresses.service)
    with stage.story.step("the card page leads to the log-in", expected=True) as step:
        note(step, browser.open("/card"))
        step.actual = str(browser.page.url).startswith(stage.world.addresses.identity_provider)
    with stage.story.step(f"logged in, and the page says: {sees}", expected=sees) as step:
        note(step, browser.press("auth/choice", person=key, decision="log-in"))
        step.actual = browser.status
        stage.story.artefact(step, f"pages/{key}.html", browser.page.content)
    return browser


def get_card(stage: Stage, teacher: Browser, *, sees: str) -> None:
    """One press of a button."""
    with stage.story.step(f"one press gives the card: {sees}", expected=sees) as step:
        note(step, teacher.press("/card"))
        step.actual = teacher.status


def log_out(stage: Stage, teacher: Browser) -> None:
    """Here and at the provider."""
    teacher.open("/card")
    with stage.story.step("logged out", expected=True) as step:
        note(step, teacher.press("/logout"))
        there = f"{stage.world.addresses.service}/logged-out"
        step.actual = str(teacher.page.url).startswith(there)


def others(stage: Stage) -> None:
    """Everybody else has an honest page."""
    log_in(stage, "on-leave", sees="Nu geen recht op een kaart")
    log_in(stage, "unknown", sees="Nog niet in het personeelsdossier")
    in_grace = log_in(stage, "grace", sees="Klaar voor jou")
    get_card(stage, in_grace, sees="Voorlopig geldig")
