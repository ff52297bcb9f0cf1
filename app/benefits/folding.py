"""Text as a search sees it: without accents, capitals and punctuation. Pure."""

import re
import unicodedata

# Letters that do not come apart into a letter and a mark.
WHOLE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
NO_WORD = re.compile(r"[^0-9a-z]+")


def fold(text: str) -> str:
    """Plain words with one space between them: "Musée d'Été" -> "musee d ete"."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return NO_WORD.sub(" ", plain.translate(WHOLE)).strip()
