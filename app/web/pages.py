"""HTML from templates, in one of four languages; nothing of HTTP.

Knows where templates and static files are and how an address names one version of them all.
Every value is escaped, translations included, and a value that a template asks for and does not
get is an error. No page holds inline code or style or fetches from elsewhere, so that the
policy `default-src 'none'` with `'self'` for scripts, styles, images, requests and forms fits.
"""

from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.web.activity_page import CHANNELS, SHOWN_ON
from app.web.benefit_texts import BENEFIT_CATEGORIES, PROVINCES
from app.web.card_page import grouped
from app.web.card_texts import CATEGORIES
from app.web.offer_texts import OFFER_WORDS
from app.web.office_partner_texts import WATCH_WORDS
from app.web.office_texts import OFFICE_WORDS
from app.web.partner_texts import PARTNER_WORDS
from app.web.privacy_texts import KEPT
from app.web.roster_texts import ENTRY_STATES, ROSTER_STATES
from app.web.second_person_texts import SECOND_PERSON_WORDS
from app.web.statistics_texts import labels
from app.web.texts import Language, Msgid, Texts

STATIC_DIRECTORY = Path(__file__).parent / "static"
TEMPLATES_DIRECTORY = Path(__file__).parent / "templates"

# Each language in its own words, in the order of the footer.
LANGUAGE_NAMES = {"nl": "Nederlands", "fr": "Français", "en": "English", "de": "Deutsch"}

# What the head of every page leads to.
MAIN_LINKS = {
    "/card": Msgid("My card"),
    "/benefits": Msgid("Benefits"),
    "/help": Msgid("Help"),
}
# And its foot.
SMALL_LINKS = {
    "/privacy": Msgid("Your data"),
    "/accessibility": Msgid("Accessibility"),
    "/statistics": Msgid("The teacher card in figures"),
    "/help": Msgid("Help"),
}


class Pages:
    """All pages; `render` is safe to call from several threads."""

    def __init__(
        self,
        texts: Texts,
        *,
        environment_name: str,
        notices_offered: bool = False,
        static_directory: Path = STATIC_DIRECTORY,
    ) -> None:
        """Look once at what is in the static directory; `demo` shows a banner."""
        files = sorted(path for path in static_directory.rglob("*") if path.is_file())
        self._assets = {path.relative_to(static_directory).as_posix() for path in files}
        self.static_path = f"/static/{_fingerprint(files)}"
        self._environments = {
            code: self._environment(
                language, demo=environment_name == "demo", notices_offered=notices_offered
            )
            for code, language in texts.languages.items()
        }

    def render(self, template: str, language: str, /, **context: object) -> str:
        """One page as HTML; `language` as `choose_language` gives it."""
        return self._environments[language].get_template(template).render(context)

    def asset(self, name: str) -> str:
        """The address of a static file: another one as soon as any of them changes."""
        if name not in self._assets:
            raise LookupError(name)
        return f"{self.static_path}/{name}"

    def assets(self, *beginnings: str) -> list[str]:
        """The addresses of all static files whose names begin so."""
        return [self.asset(name) for name in sorted(self._assets) if name.startswith(beginnings)]

    def _environment(self, language: Language, *, demo: bool, notices_offered: bool) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES_DIRECTORY),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            clock=language.clock,
            count=language.count,
            day=language.day,
            distance=language.distance,
            moment=language.moment,
            duration=language.duration,
            grouped=grouped,
            percent=language.percent,
        )
        environment.globals.update(
            {
                "_": language,
                "asset": self.asset,
                "badges": self._badges(language.code),
                "benefit_categories": BENEFIT_CATEGORIES,
                "categories": CATEGORIES,
                "entry_states": ENTRY_STATES,
                "roster_states": ROSTER_STATES,
                "channels": CHANNELS,
                "demo": demo,
                "labels": labels(language),
                "language": language.code,
                "language_names": LANGUAGE_NAMES,
                "kept_texts": KEPT,
                "notices_offered": notices_offered,
                "main_links": MAIN_LINKS,
                **OFFICE_WORDS,
                **OFFER_WORDS,
                **PARTNER_WORDS,
                **SECOND_PERSON_WORDS,
                **WATCH_WORDS,
                "provinces": PROVINCES,
                "shown_on": SHOWN_ON,
                "small_links": SMALL_LINKS,
            }
        )
        return environment

    def _badges(self, language: str) -> dict[str, str]:
        names = {wallet: f"badges/{wallet}-{language}.svg" for wallet in ("apple", "google")}
        return {wallet: name for wallet, name in names.items() if name in self._assets}


def _fingerprint(files: list[Path]) -> str:
    digest = sha256()
    for path in files:
        digest.update(path.name.encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
