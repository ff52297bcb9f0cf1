"""Four languages: complete catalogues, sentences with their places filled, the right language."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import app
from app.passes.content import LANGUAGES
from app.web.texts import TRANSLATIONS_DIRECTORY, Msgid, Texts, choose_language

TRANSLATED = ("nl", "fr", "de")
PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


def catalogue(language: str) -> Catalog:
    with (TRANSLATIONS_DIRECTORY / f"{language}.po").open("rb") as po:
        return read_po(po, locale=language)


@pytest.fixture(scope="module")
def sentences() -> set[str]:
    """Every sentence in code and templates, found as the extraction command finds them."""
    with (TRANSLATIONS_DIRECTORY / "mapping.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]  # Babel's
    directory = Path(app.__file__).parent
    keywords = {"_": None, "Msgid": None}
    return {
        message
        for _, _, message, _, _ in extract_from_dir(directory, methods, options, keywords)
        if isinstance(message, str)
    }


def translations(language: str) -> Iterator[tuple[str, str]]:
    for message in catalogue(language):
        if message.id:
            assert isinstance(message.id, str)
            assert isinstance(message.string, str)
            yield message.id, message.string


def test_extraction_sees_code_and_templates(sentences: set[str]) -> None:
    assert "Valid card. Compare the initials with an identity card." in sentences
    assert "Skip to the content" in sentences


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_and_no_other_is(language: str, sentences: set[str]) -> None:
    assert {msgid for msgid, text in translations(language) if text.strip()} == sentences


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_guessed_or_left_over(language: str) -> None:
    messages = catalogue(language)
    assert [message.id for message in messages if message.id and message.fuzzy] == []
    assert list(messages.obsolete) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_the_same_places(language: str) -> None:
    different = [
        msgid
        for msgid, text in translations(language)
        if sorted(PLACE.findall(msgid)) != sorted(PLACE.findall(text))
    ]
    assert different == []


def test_a_sentence_is_given_in_four_languages(texts: Texts) -> None:
    four = texts.in_four(Msgid("Your teacher card is valid until %(until)s."), until="31/12")
    assert four == {
        "nl": "Je Lerarenkaart is geldig tot en met 31/12.",
        "fr": "Votre carte d’enseignant est valable jusqu’au 31/12 inclus.",  # noqa: RUF001 - French
        "en": "Your teacher card is valid until 31/12.",
        "de": "Ihr Lehrkräfteausweis ist bis einschließlich 31/12 gültig.",
    }


def test_a_place_without_a_value_is_an_error(texts: Texts) -> None:
    with pytest.raises(KeyError):
        texts.get("nl")(Msgid("Your teacher card is valid until %(until)s."))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("nl", "1 juli 2027, 00:30:00"),
        ("fr", "1 juillet 2027, 00:30:00"),
        ("en", "1 July 2027, 00:30:00"),
        ("de", "1. Juli 2027, 00:30:00"),
    ],
)
def test_a_moment_is_told_on_the_clock_of_brussels(
    texts: Texts, language: str, expected: str
) -> None:
    assert texts.get(language).moment(datetime(2027, 6, 30, 22, 30, tzinfo=UTC)) == expected


def test_days_are_written_out(texts: Texts) -> None:
    assert [texts.get(code).day(date(2026, 12, 31)) for code in LANGUAGES] == [
        "31 december 2026",
        "31 décembre 2026",
        "31 December 2026",
        "31. Dezember 2026",
    ]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("nl", ["1 seconde", "2 minuten"]),
        ("fr", ["1 seconde", "2 minutes"]),
        ("en", ["1 second", "2 minutes"]),
        ("de", ["1 Sekunde", "2 Minuten"]),
    ],
)
def test_a_length_of_time_is_counted_in_its_unit(
    texts: Texts, language: str, expected: list[str]
) -> None:
    durations = [texts.get(language).duration(duration_s) for duration_s in (1, 120)]
    assert [duration.replace("\N{NO-BREAK SPACE}", " ") for duration in durations] == expected


@pytest.mark.parametrize(
    ("header", "wanted", "expected"),
    [
        ("", None, "nl"),
        ("fr-BE,fr;q=0.9,nl;q=0.8", None, "fr"),
        ("nl;q=0.3, DE-de;q=0.7", None, "de"),
        ("es, pt;q=0.9", None, "nl"),
        ("es, en-GB;q=0.4", None, "en"),
        ("fr;q=0, en;q=0.1", None, "en"),
        ("fr;q=much, ;;, en;level=1, de ; q=0.2", None, "de"),
        ("fr", "de", "de"),
        ("fr", "tlh", "fr"),
        ("fr", "", "fr"),
    ],
)
def test_the_language_asked_for_wins_and_dutch_is_the_rest(
    header: str, wanted: str | None, expected: str
) -> None:
    assert choose_language(header, wanted) == expected


@given(st.text(), st.none() | st.text())
def test_any_header_gives_one_of_the_four(header: str, wanted: str | None) -> None:
    assert choose_language(header, wanted) in LANGUAGES
