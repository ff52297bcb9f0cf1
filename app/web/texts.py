"""What people read, in nl, fr, en and de: gettext catalogues, dates as CLDR writes them.

An English sentence is its own key (`Msgid`); `translations/{nl,fr,de}.po` hold the rest and
are read once. A sentence that a catalogue lacks would appear in English: a test extracts
every sentence from code and templates and fails on the first one that is missing.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import NewType, Self

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from app.passes.content import LANGUAGES

# An English sentence that stands in every catalogue. The call is also what extraction looks for.
Msgid = NewType("Msgid", str)

DEFAULT_LANGUAGE = "nl"
TRANSLATIONS_DIRECTORY = Path(__file__).parent / "translations"

_SOURCE_LANGUAGE = "en"
_TERRITORY = "BE"
_TIMEZONE = get_timezone("Europe/Brussels")
# Longer than any browser sends; the rest of a header made to be slow is not read.
_ACCEPT_LANGUAGE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Language:
    """One language; calling it with a sentence gives that sentence in it."""

    code: str
    locale: Locale
    catalogue: gettext.NullTranslations

    def __call__(self, msgid: Msgid, /, **placeholders: object) -> str:
        """The sentence with its `%(name)s` places filled; KeyError when one is not given."""
        return self.catalogue.gettext(msgid) % placeholders

    def day(self, on: date) -> str:
        """A date in full: 23 november 2026."""
        return format_date(on, "long", locale=self.locale)

    def count(self, number: int) -> str:
        """A whole number with the language's own separators."""
        return format_decimal(number, locale=self.locale)

    def distance(self, distance_km: float) -> str:
        """A length in whole kilometres, at least one: 12 km."""
        whole = max(1, round(distance_km))
        return format_unit(whole, "length-kilometer", length="short", locale=self.locale)

    def duration(self, length: int | timedelta) -> str:
        """A length of time (seconds, or a timedelta) in a fitting unit: 2 minuten, 90 dagen."""
        length = length if isinstance(length, timedelta) else timedelta(seconds=length)
        if length < timedelta(days=2):
            return format_timedelta(length, locale=self.locale, threshold=1)
        # In days, however many: no larger unit reaches this threshold.
        threshold = length.days + 1
        return format_timedelta(length, granularity="day", threshold=threshold, locale=self.locale)

    def percent(self, share: float) -> str:
        """A share from 0 to 1 with one decimal: 11,5 %."""
        return format_percent(share, format="#,##0.0 %", locale=self.locale)

    def clock(self, at: datetime) -> str:
        """The hours and minutes of an aware moment in Brussels: 15:05."""
        return format_time(at.astimezone(_TIMEZONE), "short", locale=self.locale)

    def moment(self, at: datetime) -> str:
        """An aware moment on the clock of Brussels, to the second: 23 november 2026, 15:05:09."""
        local = at.astimezone(_TIMEZONE)
        return f"{self.day(local.date())}, {format_time(local, 'medium', locale=self.locale)}"


@dataclass(frozen=True, slots=True)
class Texts:
    """The four languages, read from the catalogues beside this file."""

    languages: Mapping[str, Language]

    @classmethod
    def load(cls) -> Self:
        """Read the catalogues; an unreadable one stops the start."""
        return cls({code: _language(code) for code in LANGUAGES})

    def get(self, language: str) -> Language:
        """One of `LANGUAGES`, as `choose_language` gives it; KeyError otherwise."""
        return self.languages[language]

    def in_four(self, msgid: Msgid, /, **placeholders: object) -> dict[str, str]:
        """The sentence by language code: the `end_user_message` of a JSON answer."""
        return {code: say(msgid, **placeholders) for code, say in self.languages.items()}


def choose_language(accept_language: str, wanted: str | None) -> str:
    """The language asked for by name, else the best of an Accept-Language header, else Dutch.

    Lenient: whatever cannot be read in the header (RFC 9110 section 12.5.4) is passed over.
    """
    if wanted in LANGUAGES:
        return wanted
    return negotiate_locale(_by_preference(accept_language), LANGUAGES, "-") or DEFAULT_LANGUAGE


def _by_preference(accept_language: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for item in accept_language[:_ACCEPT_LANGUAGE_CHARACTERS].split(","):
        tag, _, parameter = item.partition(";")
        weight = _weight(parameter)
        if weight > 0:
            ranked.append((weight, tag.strip().lower()))
    # Stable: of equals, the one named first.
    return [tag for _, tag in sorted(ranked, key=lambda item: -item[0])]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name == "q" else 0.0
    except ValueError:
        return 0.0


def _language(code: str) -> Language:
    return Language(code, Locale(code, _TERRITORY), _catalogue(code))


def _catalogue(code: str) -> gettext.NullTranslations:
    if code == _SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    with (TRANSLATIONS_DIRECTORY / f"{code}.po").open("rb") as po:
        catalogue = read_po(po, locale=code, abort_invalid=True)
    mo = BytesIO()
    write_mo(mo, catalogue)
    mo.seek(0)
    return gettext.GNUTranslations(mo)
