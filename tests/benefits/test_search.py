"""Offers are found by what people type, the nearest first, and only while they hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.benefits import offers
from app.benefits.folding import fold
from app.benefits.model import Benefit, BenefitPlace, Category
from app.benefits.postal_regions import REGIONS, position
from app.benefits.search import Found, Wanted, search
from app.db import Database
from app.errors import NotFound
from app.partners import Partner
from app.provinces import Province
from app.verification import partners
from demo.benefits import demo_offers

ON = date(2026, 11, 24)


@pytest.fixture
def offered(database: Database, now: datetime) -> Database:
    """A database with the offers of the demo."""

    def work(session: Session) -> None:
        for name in {offer.partner for offer in demo_offers(ON)}:
            partners.add_partner(session, name, category="demo", now=now)
        for offer in demo_offers(ON):
            offers.keep(session, offer, now=now)

    database.transact(work)
    return database


@contextmanager
def finding(database: Database) -> Iterator["Finder"]:
    with database.reading() as session:
        yield Finder(session)


class Finder:
    """Searches in one open session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, on: date = ON, **wanted: object) -> tuple[int, list[Found]]:
        """The count and the page."""
        return search(self._session, Wanted(**wanted), on=on)  # type: ignore[arg-type]

    def references(self, **wanted: object) -> list[str]:
        """The partners' own names of what was found, in order."""
        _, found = self(**wanted)
        known = dict(self._session.execute(select(Benefit.id, Benefit.reference)).all())
        return [known[one.id] for one in found]


def test_words_are_found_whatever_their_accents_capitals_and_language(offered: Database) -> None:
    with finding(offered) as find:
        assert find.references(words="MUSEE de la houille") == ["entree"]
        assert (
            find.references(words="één gast") == find.references(words="een GAST") == ["rondgang"]
        )
        assert find.references(words="livres") == ["boeken"]
        assert find.references(words="liege") == ["entree"]
        assert find.references(words="korting 20") == ["abonnement"]
        assert find.references(words="zeppelin") == []


def test_signs_of_a_search_pattern_mean_nothing(offered: Database) -> None:
    with finding(offered) as find:
        everything = find.references()
        assert len(everything) == len(demo_offers(ON))
        for words in ("%", "_", "\\", "%%%' --"):
            assert find.references(words=words) == everything
        assert find.references(words="'; DROP TABLE benefit; --") == []


def test_a_province_gives_its_offers_and_those_that_hold_everywhere(offered: Database) -> None:
    with finding(offered) as find:
        found = set(find.references(province=Province.LIMBURG))
        assert found == {"boeken", "kijkavond", "laptops", "proef"}
        assert find.references(category=Category.STAGE) == ["abonnement", "laatste-stoelen"]


def test_the_nearest_comes_first_and_what_is_nowhere_last(offered: Database) -> None:
    with finding(offered) as find:
        near_hasselt = find.references(near=position("3500"))
        assert set(near_hasselt[:2]) == {"boeken", "kijkavond"}
        assert set(near_hasselt[-2:]) == {"laptops", "proef"}
        _, found = find(near=position("9000"), words="boeken korting")
        assert [place.town for place in found[0].places][:2] == ["Gent", "Brugge"]
        distances = [place.distance_km for place in found[0].places]
        # Ghent to Bruges is 38 km as the crow flies.
        assert distances[0] == pytest.approx(0, abs=1)
        assert distances[1] == pytest.approx(38.5, abs=1)


def test_an_offer_holds_from_its_first_to_its_last_day(offered: Database) -> None:
    with finding(offered) as find:
        last_day = date(2026, 12, 31)
        assert find(on=last_day, words="voetlicht")[0] == 1
        assert find(on=last_day + timedelta(days=1), words="voetlicht")[0] == 0


def test_a_partner_that_stopped_offers_nothing(offered: Database, now: datetime) -> None:
    def stop(session: Session) -> None:
        partner = session.scalars(select(Partner).where(Partner.name.contains("Leesplein"))).one()
        partner.stopped_at = now

    offered.transact(stop)
    with finding(offered) as find:
        assert find(words="leesplein")[0] == 0


def test_pages_together_hold_every_offer_once(offered: Database) -> None:
    with finding(offered) as find:
        whole = find.references(near=position("2000"))
        pages = [
            reference
            for start in (0, 5, 10)
            for reference in find.references(near=position("2000"), offset=start, limit=5)
        ]
        assert pages == whole
        assert {find(limit=5)[0], find(offset=10, limit=5)[0]} == {len(whole)}


def test_an_offer_that_comes_again_keeps_its_number(offered: Database, now: datetime) -> None:
    first = demo_offers(ON)[1]
    with finding(offered) as find:
        before = find(words="schoolboeken")[1][0].id
    fewer = first.model_copy(update={"places": first.places[:1]})
    offered.transact(lambda session: offers.keep(session, fewer, now=now))
    with finding(offered) as find:
        [again] = find(words="schoolboeken")[1]
        assert (again.id, [place.town for place in again.places]) == (before, ["Gent"])
    with offered.reading() as session:
        assert session.scalar(select(func.count(BenefitPlace.id))) == 10


def test_an_offer_of_nobody_is_refused(database: Database, now: datetime) -> None:
    with pytest.raises(NotFound, match="There is no partner named"):
        database.transact(lambda session: offers.keep(session, demo_offers(ON)[0], now=now))


def test_a_file_with_faults_names_every_line(now: datetime) -> None:
    good = demo_offers(now.date())[0].model_dump_json()
    lines = [good, "{", good.replace('"museum"', '"zoo"'), good.replace("2000", "20000")]
    with pytest.raises(ValueError, match=r"line 2: .*\nline 3: category.*\nline 4: places.0.post"):
        offers.read(lines)
    assert offers.read([good]) == [demo_offers(now.date())[0]]


def test_a_website_is_a_web_address(now: datetime) -> None:
    good = demo_offers(now.date())[0].model_dump_json()
    with pytest.raises(ValueError, match="line 1: website"):
        offers.read([good.replace("https://example.org/", "javascript:alert(1)")])


def test_every_postal_region_of_flanders_is_known() -> None:
    flemish = [*range(15, 27), *range(28, 40), *range(80, 81), *range(82, 100)]
    assert {str(prefix) for prefix in flemish} <= REGIONS.keys()
    assert position("0412") is None


@given(st.text(max_size=80))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert all(letter.isascii() for letter in fold(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Musée d'Été", "musee d ete"),
        ("Łódź – Ørsted", "lodz orsted"),  # noqa: RUF001 - a dash
        ("STRASSE Straße", "strasse strasse"),
        ("  5 % korting! ", "5 korting"),
    ],
)
def test_folding_leaves_plain_words(text: str, expected: str) -> None:
    assert fold(text) == expected
