"""What every pass shows, whatever the wallet: one value, its labels in four languages.

Pure. Knows which facts of a card may stand on a phone and the words beside them; hides
them from each wallet's own grammar (`apple`, `google`, `paper`). Dutch is the default
language. A label is found by its name, never by its text, except inside an Apple pass,
whose translations hang on the Dutch text itself: two labels never share a Dutch text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from app.cards.entitlement import CardStatus

# A status, or that an active card is so for now only.
Standing: TypeAlias = CardStatus | Literal["grace"]

LANGUAGES = ("nl", "fr", "en", "de")


@dataclass(frozen=True, slots=True)
class PassContent:
    """The facts of one pass. Moments are aware UTC; `code` is LK1 text (Google: without tail)."""

    serial: str
    card_number: str
    holder_name: str
    year: int
    valid_from: datetime
    valid_until: datetime
    status: CardStatus
    # Valid for now, although the work behind the card ended.
    in_grace: bool
    code: str
    revision: int

    @property
    def standing(self) -> Standing:
        """What is told of the status in words."""
        return "grace" if self.in_grace and self.status is CardStatus.ACTIVE else self.status


def _in_languages(*texts: str) -> Mapping[str, str]:
    return MappingProxyType(dict(zip(LANGUAGES, texts, strict=True)))


LABELS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        # Headings beside one fact.
        "title": _in_languages(
            "Lerarenkaart", "Carte d'enseignant", "Teacher card", "Lehrkräfteausweis"
        ),
        "holder": _in_languages("Naam", "Nom", "Name", "Name"),
        "card_number": _in_languages(
            "Kaartnummer", "Numéro de carte", "Card number", "Kartennummer"
        ),
        "year": _in_languages("Jaar", "Année", "Year", "Jahr"),
        "valid_from": _in_languages("Geldig vanaf", "Valable dès le", "Valid from", "Gültig ab"),
        "valid_until": _in_languages(
            "Geldig tot en met", "Valable jusqu'au", "Valid until", "Gültig bis"
        ),
        "status": _in_languages("Status van de kaart", "Statut", "Status", "Status"),
        # What stands beside the code.
        "show_with_id": _in_languages(
            "Toon samen met je identiteitskaart",
            "À présenter avec votre carte d'identité",
            "Show together with your identity card",
            "Zusammen mit dem Personalausweis vorzeigen",
        ),
        # The back: a heading and its text.
        "about": _in_languages(
            "Wat is dit?", "De quoi s'agit-il ?", "What is this?", "Was ist das?"
        ),
        "about_text": _in_languages(
            "De Lerarenkaart toont dat je in het Vlaamse onderwijs werkt. "
            "Ze geldt alleen samen met je identiteitskaart.",
            "Cette carte montre que vous travaillez dans l'enseignement flamand. "
            "Elle n'est valable qu'avec votre carte d'identité.",
            "This card shows that you work in Flemish education. "
            "It is only valid together with your identity card.",
            "Diese Karte zeigt, dass Sie im flämischen Bildungswesen arbeiten. "
            "Sie gilt nur zusammen mit dem Personalausweis.",
        ),
        "checking": _in_languages(
            "Voor wie de kaart controleert",
            "Pour qui contrôle la carte",
            "For whoever checks this card",
            "Für die Kontrolle",
        ),
        "checking_text": _in_languages(
            "Alleen de code bewijst dat de kaart geldig is; hoe ze eruitziet, bewijst niets. "
            "Scan de code aan de kassa of met de camera van een telefoon.",
            "Seul le code prouve que la carte est valable ; son apparence ne prouve rien. "
            "Scannez le code à la caisse ou avec l'appareil photo d'un téléphone.",
            "Only the code proves that the card is valid; its looks prove nothing. "
            "Scan the code at the till or with the camera of a phone.",
            "Nur der Code beweist, dass die Karte gültig ist; ihr Aussehen beweist nichts. "
            "Scannen Sie den Code an der Kasse oder mit der Kamera eines Telefons.",
        ),
        "lost": _in_languages(
            "Telefoon kwijt?", "Téléphone perdu ?", "Lost your phone?", "Telefon verloren?"
        ),
        "lost_text": _in_languages(
            "Open je kaart online, meld je aan en geef ze op als verloren. "
            "Deze kaart wordt dan meteen geweigerd en je krijgt een nieuwe.",
            "Connectez-vous à votre carte en ligne et déclarez-la perdue. "
            "Cette carte est refusée aussitôt et vous en recevez une nouvelle.",
            "Log in to your card online and report it lost. "
            "This card is then refused at once and you get a new one.",
            "Melden Sie sich bei Ihrer Online-Karte an und melden Sie sie als verloren. "
            "Diese Karte wird dann sofort abgelehnt und Sie erhalten eine neue.",
        ),
        "privacy": _in_languages("Privacy", "Vie privée", "Privacy", "Datenschutz"),
        "privacy_text": _in_languages(
            "In de code staan je initialen en een verzegelde verwijzing, "
            "geen naam en geen rijksregisternummer. Wie scant, ziet die initialen en of de kaart "
            "geldig is.",
            "Le code contient vos initiales et une référence scellée, ni nom ni numéro national. "
            "Qui le scanne voit ces initiales et si la carte est valable.",
            "The code holds your initials and a sealed reference, no name and no national number. "
            "Whoever scans it sees those initials and whether the card is valid.",
            "Der Code enthält Ihre Initialen und einen versiegelten Verweis, weder Name noch "
            "Nationalnummer. Wer ihn scannt, sieht diese Initialen und ob die Karte gültig ist.",
        ),
        # Links.
        "web_card": _in_languages(
            "Je kaart online", "Votre carte en ligne", "Your card online", "Ihre Karte online"
        ),
        # What a phone says when a fact changes; `%@` is Apple's place for the new value.
        "year_changed": _in_languages(
            "Je Lerarenkaart %@ staat klaar.",
            "Votre carte d'enseignant %@ est prête.",
            "Your teacher card %@ is ready.",
            "Ihr Lehrkräfteausweis %@ ist bereit.",
        ),
        "status_changed": _in_languages(
            "De status van je Lerarenkaart: %@",
            "Statut de votre carte d'enseignant : %@",
            "The status of your teacher card: %@",
            "Status Ihres Lehrkräfteausweises: %@",
        ),
    }
)

STATUS_LABELS: Mapping[Standing, Mapping[str, str]] = MappingProxyType(
    {
        "grace": _in_languages(
            "Voorlopig in gebruik", "Active provisoirement", "In use for now", "Vorläufig aktiv"
        ),
        CardStatus.ACTIVE: _in_languages("In gebruik", "Active", "In use", "Aktiv"),
        CardStatus.SUSPENDED: _in_languages("Geschorst", "Suspendue", "Suspended", "Ausgesetzt"),
        CardStatus.REVOKED: _in_languages("Ingetrokken", "Retirée", "Revoked", "Widerrufen"),
        CardStatus.ENDED: _in_languages("Beëindigd", "Terminée", "Ended", "Beendet"),
    }
)
