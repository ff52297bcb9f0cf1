"""Any number of people who do not exist, each with a file, for loads and for tests of batches."""

from datetime import date, timedelta
from typing import Any

from demo.population import FIRST_COUNTER, LAST_COUNTER, Record, synthetic_insz

FIRST_DAY = date(1955, 1, 2)
COUNTERS = LAST_COUNTER - FIRST_COUNTER + 1
CATEGORIES = ("ONDERWIJZEND", "BESTUUR", "ADMINISTRATIEF", "OPVOEDEND_HULP")


def insz_of(number: int) -> str:
    """The national number of one of them; the first 236,000 are born before 2027."""
    return synthetic_insz(
        FIRST_DAY + timedelta(days=number // COUNTERS), FIRST_COUNTER + number % COUNTERS
    )


def file_of(
    number: int,
    *,
    version: int = 1,
    until: date | None = None,
    died_on: date | None = None,
    leave: str | None = None,
) -> Record:
    """What the personnel file says of one (contract 4.2): at work since 2019, `until` a day."""
    assignment: dict[str, Any] = {
        "opdrachtId": f"{number}-1",
        "instellingsnummer": f"{number % 4_000:06}",
        "hoofdstructuur": "311",
        "soortInstelling": "1",
        "ambt": {"code": "101", "omschrijving": "leraar"},
        "personeelscategorie": CATEGORIES[number % len(CATEGORIES)],
        "ato": "4",
        "tadd": False,
        "volume": {"teller": 20, "noemer": 20},
        "begindatum": "2019-09-01",
        "einddatum": until and str(until),
    }
    full_leave = {
        "code": "60",
        "soort": leave,
        "volledig": True,
        "begindatum": "2026-09-01",
        "einddatum": "2027-08-31",
    }
    return {
        "insz": insz_of(number),
        "naam": {"voornaam": "An", "familienaam": f"Test{number}"},
        "overlijdensdatum": died_on and str(died_on),
        "versie": version,
        "gewijzigdOp": "2026-11-20T03:12:44Z",
        "woonplaats": {"postcode": f"{1_000 + number % 9_000}"},
        "opdrachten": [assignment],
        "dienstonderbrekingen": [full_leave] if leave else [],
    }
