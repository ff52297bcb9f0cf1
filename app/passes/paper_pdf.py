"""The card on paper as a PDF: one sheet of A4, or a page as large as a bank card.

Knows lengths, fonts and the words of a print; hides the library that writes it. The code is
drawn as a shape, black on white, so that any printer renders it sharp. The fonts go with the
file: a name has its letters on every screen and printer.
"""

from datetime import date, datetime
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from reportlab.lib.colors import Color, HexColor, black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from app.passes import qr
from app.passes.content import LABELS, LANGUAGES, PassContent

MEDIA_TYPE = "application/pdf"
CARD = (85.6 * mm, 53.98 * mm)  # ISO/IEC 7810, ID-1
MARGIN = 20 * mm
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
LEADING = 1.3  # of the size of the letters
YELLOW, INK, QUIET = HexColor("#FFE615"), HexColor("#333332"), HexColor("#687483")
BRUSSELS = ZoneInfo("Europe/Brussels")
FONTS = Path(__file__).parent / "fonts"


class Size(StrEnum):
    """What the paper is cut to."""

    A4 = "a4"
    CARD = "card"


def _in_languages(*texts: str) -> dict[str, str]:
    return dict(zip(LANGUAGES, texts, strict=True))


WORDS = {
    "cut": _in_languages(
        "Knip de kaart uit langs de lijn, of toon dit blad.",
        "Découpez la carte le long de la ligne, ou montrez cette feuille.",
        "Cut the card out along the line, or show this sheet.",
        "Schneiden Sie die Karte entlang der Linie aus oder zeigen Sie dieses Blatt.",
    ),
    "lost": _in_languages(
        "Kaart op papier kwijt?",
        "Carte papier perdue ?",
        "Lost your paper card?",
        "Papierkarte verloren?",
    ),
    "lost_text": _in_languages(
        "Meld je aan op je kaart online en druk een nieuwe af. "
        "Zodra die gemaakt is, wordt dit blad geweigerd.",
        "Connectez-vous à votre carte en ligne et imprimez-en une nouvelle. "
        "Dès qu'elle existe, cette feuille est refusée.",
        "Log in to your card online and print a new one. "
        "As soon as that is made, this sheet is refused.",
        "Melden Sie sich bei Ihrer Online-Karte an und drucken Sie eine neue. "
        "Sobald diese erstellt ist, wird dieses Blatt abgelehnt.",
    ),
}


def draw(content: PassContent, *, size: Size, language: str) -> bytes:
    """The print as a PDF; `language` is one of `LANGUAGES`."""
    _fonts()
    file = BytesIO()
    # Invariant: no moment of making, so that the same print is the same file.
    canvas = Canvas(file, pagesize=A4 if size is Size.A4 else CARD, invariant=True, lang=language)
    canvas.setTitle(LABELS["title"][language])
    canvas.setAuthor(LABELS["title"][LANGUAGES[0]])
    if size is Size.A4:
        _sheet(canvas, content, language)
    else:
        _card(canvas, content, language)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


@cache
def _fonts() -> None:
    for name in (PLAIN, BOLD):
        registerFont(TTFont(name, FONTS / f"{name}.ttf"))


def _sheet(canvas: Canvas, content: PassContent, language: str) -> None:
    width, height = A4
    _band(canvas, content, language, top=height, size=(width, 22 * mm), margin=MARGIN)
    top = height - 32 * mm
    code = 82 * mm
    _code(canvas, content.code, x=MARGIN, y=top - code, side=code)
    x = MARGIN + code + 8 * mm
    y = _facts(canvas, content, language, x=x, y=top - 3 * mm, width=width - MARGIN - x, points=14)
    _lines(canvas, LABELS["show_with_id"][language], x=x, y=y, width=width - MARGIN - x, points=11)
    y = top - code - 14 * mm
    for name, words in (("about", LABELS), ("checking", LABELS), ("lost", WORDS)):
        y = _lines(canvas, words[name][language], x=MARGIN, y=y, points=11, font=BOLD)
        y = _lines(canvas, words[f"{name}_text"][language], x=MARGIN, y=y, points=10) - 3 * mm
    _lines(canvas, WORDS["cut"][language], x=MARGIN, y=MARGIN + CARD[1] + 5 * mm, points=10)
    canvas.saveState()
    canvas.translate(MARGIN, MARGIN)
    _card(canvas, content, language)
    canvas.setStrokeColor(QUIET)
    canvas.setDash(3, 2)
    canvas.rect(0, 0, *CARD)
    canvas.restoreState()


def _card(canvas: Canvas, content: PassContent, language: str) -> None:
    width, height = CARD
    band, margin = 9 * mm, 3 * mm
    _band(canvas, content, language, top=height, size=(width, band), margin=margin)
    code = 42 * mm
    _code(canvas, content.code, x=0.5 * mm, y=1.2 * mm, side=code)
    x = code + 2.5 * mm
    y = _facts(
        canvas,
        content,
        language,
        x=x,
        y=height - band - 4.5 * mm,
        width=width - x - 2 * mm,
        points=8,
    )
    _lines(canvas, LABELS["show_with_id"][language], x=x, y=y, width=width - x - 2 * mm, points=6.5)


def _band(
    canvas: Canvas,
    content: PassContent,
    language: str,
    *,
    top: float,
    size: tuple[float, float],
    margin: float,
) -> None:
    width, height = size
    canvas.setFillColor(YELLOW)
    canvas.rect(0, top - height, width, height, stroke=0, fill=1)
    canvas.setFillColor(INK)
    points = height * 0.4
    canvas.setFont(BOLD, points)
    baseline = top - height / 2 - points * 0.36
    canvas.drawString(margin, baseline, LABELS["title"][language])
    canvas.drawRightString(width - margin, baseline, str(content.year))


def _facts(
    canvas: Canvas,
    content: PassContent,
    language: str,
    *,
    x: float,
    y: float,
    width: float,
    points: float,
) -> float:
    """Draw each fact under its label, from `y` down; returns where the next line goes."""
    facts = {
        "holder": content.holder_name,
        "card_number": f"{content.card_number[:5]} {content.card_number[5:]}",
        "valid_until": _day(content.valid_until, language),
    }
    for name, fact in facts.items():
        if fact:
            label = LABELS[name][language]
            y = _lines(canvas, label, x=x, y=y, width=width, points=points * 0.7, ink=QUIET)
            y -= points * 0.2
            y = _lines(canvas, fact, x=x, y=y, width=width, points=points, font=BOLD)
            y -= points * 0.3
    return y


def _lines(
    canvas: Canvas,
    text: str,
    *,
    x: float,
    y: float,
    width: float = A4[0] - 2 * MARGIN,
    points: float,
    font: str = PLAIN,
    ink: Color = INK,
) -> float:
    """Draw a text in as many lines as it needs; returns where the next line goes.

    A word that is wider than the line makes all letters smaller.
    """
    widest = max(stringWidth(word, font, points) for word in text.split())
    points *= min(1, width / widest)
    canvas.setFillColor(ink)
    canvas.setFont(font, points)
    for line in simpleSplit(text, font, points, width):
        canvas.drawString(x, y, line)
        y -= points * LEADING
    return y


def _code(canvas: Canvas, text: str, *, x: float, y: float, side: float) -> None:
    """Draw the code, quiet zone included, row by row from the top."""
    rows = qr.modules(text)
    module = side / len(rows)
    canvas.setFillColor(white)
    canvas.rect(x, y, side, side, stroke=0, fill=1)
    path = canvas.beginPath()
    for down, row in enumerate(rows, 1):
        for along, dark in enumerate(row):
            if dark:
                path.rect(x + along * module, y + side - down * module, module, module)
    canvas.setFillColor(black)
    canvas.drawPath(path, stroke=0, fill=1)


def _day(moment: datetime, language: str) -> str:
    on: date = moment.astimezone(BRUSSELS).date()
    return format_date(on, "long", locale=Locale(language, "BE"))
