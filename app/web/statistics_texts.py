"""The words of the statistics: what is counted, where, and why a figure is not there.

One label for every key that a report, a chart or a file can hold; `labels(language)` gives them
all, so that a key without words fails at once and not in front of a reader.
"""

from collections.abc import Mapping

from app.web.texts import Language, Msgid

PROVINCES: Mapping[str, Msgid] = {
    "BE-VAN": Msgid("Antwerp"),
    "BE-VLI": Msgid("Limburg"),
    "BE-VOV": Msgid("East Flanders"),
    "BE-VWV": Msgid("West Flanders"),
    "BE-VBR": Msgid("Flemish Brabant"),
    "BE-WLG": Msgid("Liège"),
    "BE-WNA": Msgid("Namur"),
    "BE-WHT": Msgid("Hainaut"),
    "BE-WLX": Msgid("Luxembourg"),
    "BE-BRU": Msgid("Brussels"),
    "BE-WBR": Msgid("Walloon Brabant"),
    "unknown": Msgid("Unknown or abroad"),
    "total": Msgid("Total"),
}
TABLES: Mapping[str, Msgid] = {
    "distributed": Msgid("Cards distributed"),
    "by_channel": Msgid("How the cards were distributed"),
    "pick_up_by_province": Msgid("Cards through pick-up points, by province"),
    "digital_by_province": Msgid("Digital cards, by province"),
    "holders": Msgid("Who has a right to the card, has it and uses it"),
    "share_by_province": Msgid("Share of those entitled who have a digital card, by province"),
    "use": Msgid("How often the card was used"),
    "use_by_province": Msgid("Uses of the card, by province"),
    "website": Msgid("Visits to the website, which are no use of the card"),
}
# A sheet's name has at most 31 characters, its number included, and none of []:*?/\.
SHEETS: Mapping[str, Msgid] = {
    "sheet/distributed": Msgid("Distributed"),
    "sheet/by_channel": Msgid("By channel"),
    "sheet/pick_up_by_province": Msgid("Pick-up points"),
    "sheet/digital_by_province": Msgid("Digital by province"),
    "sheet/holders": Msgid("Holders"),
    "sheet/share_by_province": Msgid("Share by province"),
    "sheet/use": Msgid("Use"),
    "sheet/use_by_province": Msgid("Use by province"),
    "sheet/website": Msgid("Website"),
}
ROWS: Mapping[str, Msgid] = {
    "cards_distributed": Msgid("Cards distributed"),
    "cards_distributed/ABONNEMENT": Msgid("With a subscription to Klasse"),
    "cards_distributed/STARTER": Msgid("To new and returning teachers"),
    "cards_distributed/AFHAALPUNT": Msgid("Through pick-up points"),
    "cards_distributed/DIGITAL": Msgid("Digital"),
    "cards_distributed/APPLE": Msgid("Digital: in Apple Wallet"),
    "cards_distributed/GOOGLE": Msgid("Digital: in Google Wallet"),
    "cards_distributed/WEB": Msgid("Digital: live on the website"),
    "cards_distributed/PAPER": Msgid("Digital: printed"),
    "cards_replaced": Msgid("Stolen cards that were reprinted"),
    "cards_replaced/DIGITAL": Msgid("Digital cards that replaced a lost one"),
    "cards_collected/AFHAALPUNT": Msgid("Collected at pick-up points"),
    "entitled": Msgid("Persons entitled"),
    "holders_issued": Msgid("Were given a digital card"),
    "holders_activated": Msgid("Put it on a phone or on paper"),
    "holders_used": Msgid("Used it at least once"),
    "share/holders_issued": Msgid("Share that was given a digital card"),
    "share/holders_activated": Msgid("Share that put it on a phone or on paper"),
    "share/holders_used": Msgid("Share that used it"),
    "uses": Msgid("All uses"),
    "uses/IN_PERSON": Msgid("In person"),
    "uses/ONLINE": Msgid("Online or by phone"),
    "website_visits": Msgid("Visits to the website"),
}
WORDS: Mapping[str, Msgid] = {
    "statistics": Msgid("The teacher card in figures"),
    "final": Msgid("final"),
    "provisional": Msgid("provisional"),
    "suppressed": Msgid("hidden: too few"),
    "not_available": Msgid("not available"),
    "sources": Msgid("Sources"),
    "version": Msgid("version"),
    "entitled_at": Msgid("Persons entitled were counted in the personnel file of"),
    "text_over_table": Msgid("Cards in the running text of the answer, over its table"),
    "table_over_channels": Msgid("Persons in the table of the answer, over its three channels"),
    "home": Msgid("home of the teacher"),
    "work": Msgid("school of the teacher"),
    "partner": Msgid("place where the card was shown"),
}
LABELS: Mapping[str, Msgid] = {**PROVINCES, **TABLES, **SHEETS, **ROWS, **WORDS}


def labels(language: Language) -> dict[str, str]:
    """Every label in one language."""
    return {key: language(msgid) for key, msgid in LABELS.items()}
