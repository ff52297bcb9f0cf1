"""The benefits page as one value, and the words for kinds of offers and provinces.

Offers speak in the partner's own words; only what we say ourselves is translated here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.benefits.model import Category
from app.benefits.search import Found
from app.provinces import Province
from app.web.texts import Msgid

PAGE_SIZE = 24

BENEFIT_CATEGORIES: Mapping[Category, Msgid] = {
    Category.MUSEUM: Msgid("Museums"),
    Category.HERITAGE: Msgid("Heritage"),
    Category.SCIENCE: Msgid("Science"),
    Category.NATURE: Msgid("Nature"),
    Category.STAGE: Msgid("Theatre and concerts"),
    Category.BOOKS: Msgid("Books"),
    Category.COMPUTERS: Msgid("Computers and software"),
    Category.PRESS: Msgid("Newspapers and magazines"),
    Category.LIBRARY: Msgid("Libraries"),
    Category.LEISURE: Msgid("Leisure"),
}

PROVINCES: Mapping[Province, Msgid] = {
    Province.ANTWERPEN: Msgid("Antwerp"),
    Province.BRUSSEL: Msgid("Brussels"),
    Province.LIMBURG: Msgid("Limburg"),
    Province.OOST_VLAANDEREN: Msgid("East Flanders"),
    Province.VLAAMS_BRABANT: Msgid("Flemish Brabant"),
    Province.WEST_VLAANDEREN: Msgid("West Flanders"),
    Province.HENEGOUWEN: Msgid("Hainaut"),
    Province.LUIK: Msgid("Liège"),
    Province.LUXEMBURG: Msgid("Luxembourg (province)"),
    Province.NAMEN: Msgid("Namur"),
    Province.WAALS_BRABANT: Msgid("Walloon Brabant"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitsPage:
    """What `benefits.html` shows: the question as it was asked, and one page of the answer.

    `near` is a postcode, `near_known` whether we know where it lies; `number` counts from 1.
    """

    total: int
    found: tuple[Found, ...]
    words: str = ""
    category: Category | None = None
    province: Province | None = None
    near: str = ""
    near_known: bool = True
    number: int = 1

    @property
    def asked(self) -> bool:
        """Whether anything in particular was looked for."""
        return bool(self.words or self.category or self.province or self.near)

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PAGE_SIZE))

    def query(self) -> str:
        """The same question again, ready to go after a `?`."""
        asked = {
            "q": self.words,
            "category": self.category,
            "province": self.province,
            "near": self.near,
        }
        return urlencode({name: value for name, value in asked.items() if value})
