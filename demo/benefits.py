"""Offers of made-up partners, as the file that a card office would import.

Kinds, provinces and languages are mixed on purpose: one offer is online, one in several towns,
one outside Flanders, one ends with the year, some speak one language only.
"""

from contextlib import closing
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.benefits import offers
from app.benefits.offers import Offer
from app.db import Database
from app.verification import partners
from demo.deployment import SHOPS

Place = tuple[str, str, float, float]

ANTWERPEN: Place = ("Antwerpen", "2000", 51.2194, 4.4025)
BRUGGE: Place = ("Brugge", "8000", 51.2093, 3.2247)
BRUSSEL: Place = ("Brussel", "1000", 50.8466, 4.3528)
GENT: Place = ("Gent", "9000", 51.0543, 3.7174)
HASSELT: Place = ("Hasselt", "3500", 50.9307, 5.3378)
LEUVEN: Place = ("Leuven", "3000", 50.8798, 4.7005)
LUIK: Place = ("Liège", "4000", 50.6326, 5.5797)
MECHELEN: Place = ("Mechelen", "2800", 51.0259, 4.4776)
OOSTENDE: Place = ("Oostende", "8400", 51.2154, 2.9286)
RONSE: Place = ("Ronse", "9600", 50.7475, 3.6005)

MUSEUM, BOOKSHOP = SHOPS["museum"][0], SHOPS["bookshop"][0]


def _offer(
    partner: str,
    reference: str,
    category: str,
    title: dict[str, str],
    terms: dict[str, str],
    *places: Place,
    **more: Any,
) -> Offer:
    names = ("town", "postcode", "latitude", "longitude")
    return Offer.model_validate(
        {
            "partner": partner,
            "reference": reference,
            "category": category,
            "title": title,
            "terms": terms,
            "places": [dict(zip(names, place, strict=True)) for place in places],
            **more,
        }
    )


def seed(database_url: str, *, now: datetime) -> None:
    """Bring the offers into a migrated database whose shops are open."""

    def work(session: Session) -> None:
        for name in sorted({offer.partner for offer in demo_offers(now.date())} - KNOWN):
            partners.add_partner(session, name, category="demo", now=now)
        for offer in demo_offers(now.date()):
            offers.keep(session, offer, now=now)

    with closing(Database(database_url)) as database:
        database.transact(work)


KNOWN = {MUSEUM, BOOKSHOP}
FREE = {
    "nl": "Gratis toegang",
    "fr": "Entrée gratuite",
    "en": "Free entry",
    "de": "Freier Eintritt",
}
WITH_CARD = {
    "nl": "Op vertoon van je kaart, ook tijdens de weekends.",
    "fr": "Sur présentation de votre carte, le week-end aussi.",
    "en": "When you show your card, at weekends too.",
    "de": "Gegen Vorlage Ihres Ausweises, auch am Wochenende.",
}


def demo_offers(on: date) -> list[Offer]:
    """Everything that is offered around a day."""
    return [
        _offer(
            MUSEUM, "vast", "museum", FREE, WITH_CARD, ANTWERPEN, website="https://example.org/"
        ),
        _offer(
            BOOKSHOP,
            "boeken",
            "books",
            {"nl": "5 % korting op alle boeken", "fr": "5 % de réduction sur les livres"},
            {"nl": "Niet op schoolboeken en cadeaubonnen."},
            GENT,
            BRUGGE,
            MECHELEN,
            LEUVEN,
            HASSELT,
        ),
        _offer(
            "Abdijsite Ename-Zuid (demo)",
            "rondgang",
            "heritage",
            {"nl": "Halve prijs voor jou en één gast", "en": "Half price for you and one guest"},
            {"nl": "Van april tot en met oktober. Reserveren hoeft niet."},
            RONSE,
        ),
        _offer(
            "Sterrenwacht De Poolster (demo)",
            "kijkavond",
            "science",
            {"nl": "Gratis kijkavond per schooljaar"},
            {"nl": "Eén keer per schooljaar, vooraf reserveren op de website."},
            HASSELT,
            website="https://example.org/sterrenwacht",
        ),
        _offer(
            "Natuurdomein De Zilte Wei (demo)",
            "gids",
            "nature",
            {"nl": "Gratis gids bij een klasbezoek", "fr": "Guide gratuit pour votre classe"},
            {"nl": "Voor groepen tot 25 leerlingen."},
            OOSTENDE,
        ),
        _offer(
            "Theater Het Voetlicht (demo)",
            "laatste-stoelen",
            "stage",
            {"nl": "Laatste stoelen voor 8 euro"},
            {"nl": "Vanaf een uur voor de voorstelling, zolang er plaatsen zijn."},
            LEUVEN,
            ends_on=str(date(on.year, 12, 31)),
        ),
        _offer(
            "Concertzaal De Klankkast (demo)",
            "abonnement",
            "stage",
            {"nl": "20 % korting op abonnementen", "de": "20 % auf Abonnements"},
            {"nl": "Per seizoen, aan de balie."},
            BRUSSEL,
        ),
        _offer(
            "Byte & Bord (demo)",
            "laptops",
            "computers",
            {"nl": "Onderwijsprijs op laptops", "en": "Education price on laptops"},
            {"nl": "Eén toestel per kalenderjaar. Vraag een webshopcode op je kaartpagina."},
            website="https://example.org/laptops",
        ),
        _offer(
            "Dagblad De Morgenmaan (demo)",
            "proef",
            "press",
            {"nl": "Drie maanden voor de prijs van één"},
            {"nl": "Voor nieuwe abonnees, digitaal of op papier."},
        ),
        _offer(
            "Bibliotheek Het Leesplein (demo)",
            "klaskaart",
            "library",
            {"nl": "Gratis klaskaart voor 50 boeken"},
            {"nl": "Met je kaart als bewijs; twee maanden uitleentijd."},
            MECHELEN,
        ),
        _offer(
            "Musée de la Houille (démo)",
            "entree",
            "museum",
            FREE,
            {"nl": "Ook de audiogids in het Nederlands.", "fr": "Audioguide compris."},
            LUIK,
        ),
        _offer(
            "Klimhal De Steile Kant (demo)",
            "daguur",
            "leisure",
            {"nl": "Klimmen aan studententarief", "en": "Climb at the student price"},
            {"nl": "Op weekdagen tot 17 uur."},
            ANTWERPEN,
        ),
    ]
