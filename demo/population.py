"""The people of the simulated outside world: a small cast that acts out every rule.

Knows who they are, what the personnel file says of each on a given day, and how a national
number that belongs to nobody is made: right check digits, and a counter of 990 or more on an
ordinary day, which the register does not reach. Names, numbers and keys never change; only the
dates in the files move with the day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

FIRST_COUNTER, LAST_COUNTER = 990, 998
CENTURY = 2000
# What the register adds to the month of a BIS number when the sex is known.
BIS_MONTHS = 40
ORDINARY_DAY = date(2026, 11, 24)

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who logs in with `insz`.

    `record` is their file as EPD sends it (None: EPD has no file), under `replaced_by` where the
    number was replaced since. `label` says in nl, fr, en and de what part they play.
    """

    key: str
    insz: str
    given_name: str
    family_name: str
    label: Mapping[str, str]
    record: Record | None
    replaced_by: str | None = None
    # What the log-in tells of the organisation somebody acts for; nobody but a citizen here.
    organisation: Mapping[str, Any] = field(default_factory=lambda: {"vo_doelgroepcode": "BUR"})


def synthetic_insz(born: date, counter: int, *, bis: bool = False) -> str:
    """A national number of nobody: valid check digits, a counter the register does not reach."""
    if not FIRST_COUNTER <= counter <= LAST_COUNTER:
        raise ValueError(f"a synthetic counter lies between {FIRST_COUNTER} and {LAST_COUNTER}")
    month = born.month + (BIS_MONTHS if bis else 0)
    digits = f"{born.year % 100:02}{month:02}{born.day:02}{counter}"
    century = "2" if born.year >= CENTURY else ""
    return f"{digits}{97 - int(century + digits) % 97:02}"


def cast(on: date) -> tuple[Person, ...]:
    """Everybody, with the files as they stand on a day."""
    return (*_at_the_edges_of_work(on), *_out_of_work(on), *_with_unusual_files(on))


def _at_the_edges_of_work(on: date) -> tuple[Person, ...]:
    """At work, between two assignments, or just past one."""
    return (
        _teacher(
            "permanent",
            (date(1984, 2, 29), 996, "Annelies", "Peeters"),
            ("vast benoemd", "nommée à titre définitif", "permanently appointed", "fest ernannt"),
            _file(on, "9000", _assignment("2009-09-01", ato="4")),
        ),
        _teacher(
            "summer",
            (date(1991, 11, 3), 997, "Jonas", "Maes"),
            (
                "tijdelijk, in de zomer tussen twee opdrachten",
                "temporaire, entre deux charges en été",
                "temporary, between two assignments in summer",
                "befristet, im Sommer zwischen zwei Aufträgen",
            ),
            _file(on, "2060", _temporary(_summer_end(on))),
        ),
        _teacher(
            "grace",
            (date(2001, 9, 15), 996, "Lien", "Claes"),
            (
                "opdracht pas afgelopen, in respijt",
                "charge tout juste terminée, en délai de grâce",
                "assignment just over, in grace",
                "Auftrag gerade beendet, in Nachfrist",
            ),
            _file(on, "3500", _temporary(_grace_end(on))),
        ),
    )


def _out_of_work(on: date) -> tuple[Person, ...]:
    """For one reason or another not entitled."""
    return (
        _teacher(
            "on-leave",
            (date(1969, 10, 8), 991, "Rik", "Vermeulen"),
            (
                "volledige loopbaanonderbreking",
                "interruption de carrière complète",
                "full career break",
                "volle Laufbahnunterbrechung",
            ),
            _file(
                on,
                "8000",
                _assignment("1995-09-01", ato="4"),
                leave=_leave("LOOPBAANONDERBREKING", on, full=True),
            ),
        ),
        _teacher(
            "left",
            (date(1958, 5, 17), 994, "Greta", "Wouters"),
            ("met pensioen", "retraitée", "retired", "im Ruhestand"),
            _file(on, "3000", _assignment("1981-09-01", str(date(on.year - 5, 6, 30)), ato="4")),
        ),
        _teacher(
            "unknown",
            (date(2000, 2, 29), 995, "Milan", "Jacobs"),
            (
                "niet in het personeelsdossier",
                "absent du dossier du personnel",
                "not in the personnel file",
                "nicht in der Personalakte",
            ),
            None,
        ),
        _teacher(
            "deceased",
            (date(1979, 6, 15), 997, "Herman", "Goossens"),
            ("overleden", "décédé", "deceased", "verstorben"),
            _file(
                on,
                "8500",
                _assignment("2003-09-01", ato="4"),
                died_on=on - timedelta(days=3),
            ),
        ),
    )


def _with_unusual_files(on: date) -> tuple[Person, ...]:
    """Entitled, with something about them that is not ordinary."""
    return (
        _teacher(
            "replaced",
            (date(1988, 4, 12), 994, "Amira", "Haddad"),
            (
                "BIS-nummer, intussen vervangen",
                "numéro BIS, remplacé entre-temps",
                "BIS number, replaced since",
                "BIS-Nummer, inzwischen ersetzt",
            ),
            _file(on, "1080", _assignment("2022-09-01", ato="2", tadd=True)),
            replaces=synthetic_insz(date(1988, 4, 12), 992, bis=True),
        ),
        _teacher(
            "partial-leave",
            (date(1972, 3, 8), 992, "Katrien", "De Smet"),
            (
                "deeltijdse loopbaanonderbreking",
                "interruption de carrière partielle",
                "part-time career break",
                "teilweise Laufbahnunterbrechung",
            ),
            _file(
                on,
                "9300",
                _assignment("1996-09-01", ato="4", hours=10),
                leave=_leave("LOOPBAANONDERBREKING", on, full=False),
            ),
        ),
        _teacher(
            "clb",
            (date(1990, 1, 23), 995, "Bram", "Willems"),
            (
                "psycholoog in een CLB",
                "psychologue dans un CLB",
                "CLB psychologist",
                "CLB-Psychologe",
            ),
            _file(
                on,
                "3600",
                _assignment("2016-09-01", ato="4", kind="2", category="PSYCHOLOGISCH"),
            ),
        ),
        _teacher(
            "university",
            (date(1971, 3, 14), 992, "Sofie", "Lambrecht"),
            (
                "docent aan een universiteit",
                "chargée de cours à l'université",
                "university lecturer",
                "Universitätsdozentin",
            ),
            _file(on, "1300", _assignment("2005-10-01", ato="4", kind="9", structure="411")),
        ),
        _teacher(
            "diacritics",
            (date(1999, 12, 24), 990, "Élodie", "Çelik"),
            (
                "naam met tekens: initialen E.C.",
                "nom avec diacritiques : initiales E.C.",
                "name with diacritics: initials E.C.",
                "Name mit Akzenten: Initialen E.C.",
            ),
            _file(on, "4000", _assignment("2023-09-01", ato="2", tadd=True)),
        ),
    )


def by_key(key: str, *, on: date = ORDINARY_DAY) -> Person:
    """One of the cast; `KeyError` for nobody."""
    return {person.key: person for person in cast(on)}[key]


def _teacher(
    key: str,
    who: tuple[date, int, str, str],
    label: tuple[str, str, str, str],
    file: Record | None,
    *,
    replaces: str | None = None,
) -> Person:
    born, counter, given_name, family_name = who
    insz = synthetic_insz(born, counter)
    name = {"voornaam": given_name, "familienaam": family_name}
    return Person(
        key=key,
        insz=replaces or insz,
        given_name=given_name,
        family_name=family_name,
        label=dict(zip(("nl", "fr", "en", "de"), label, strict=True)),
        record=None if file is None else {"insz": insz, "naam": name} | file,
        replaced_by=insz if replaces else None,
    )


def _file(
    on: date,
    postcode: str,
    assignment: Record,
    *,
    leave: Record | None = None,
    died_on: date | None = None,
) -> Record:
    """A file as of contract 4.2, without the person; later days have higher versions."""
    return {
        "overlijdensdatum": died_on and str(died_on),
        "versie": on.toordinal(),
        "gewijzigdOp": f"{on}T03:12:44Z",
        "woonplaats": {"postcode": postcode},
        "opdrachten": [assignment],
        "dienstonderbrekingen": [leave] if leave else [],
    }


def _assignment(
    begin: str,
    end: str | None = None,
    *,
    ato: str,
    tadd: bool = False,
    hours: int = 20,
    kind: str = "1",
    structure: str = "311",
    category: str = "ONDERWIJZEND",
) -> Record:
    return {
        "opdrachtId": f"{structure}-{begin}",
        "instellingsnummer": "012345",
        "hoofdstructuur": structure,
        "soortInstelling": kind,
        "ambt": {"code": "101", "omschrijving": "leraar"},
        "personeelscategorie": category,
        "ato": ato,
        "tadd": tadd,
        "volume": {"teller": hours, "noemer": 20},
        "begindatum": begin,
        "einddatum": end,
    }


def _temporary(end: date) -> Record:
    """An assignment from the start of the school year of its last day."""
    year = end.year if end >= date(end.year, 9, 1) else end.year - 1
    return _assignment(str(date(year, 9, 1)), str(end), ato="2")


def _leave(kind: str, on: date, *, full: bool) -> Record:
    return {
        "code": "60",
        "soort": kind,
        "volledig": full,
        "begindatum": str(date(on.year - 1, 9, 1)),
        "einddatum": str(date(on.year + 1, 8, 31)),
    }


def _summer_end(on: date) -> date:
    """In season the end that is bridged on that day; outside it one that leaves grace."""
    if date(on.year, 6, 16) <= on <= date(on.year, 9, 30):
        return min(on - timedelta(days=1), date(on.year, 6, 30))
    return on - timedelta(days=5)


def _grace_end(on: date) -> date:
    """An end ten days ago, moved out of the way of the bridge while the grace can show at all.

    From 15 July to 30 September nobody can be in grace; the end is then bridged.
    """
    if date(on.year, 6, 16) <= on <= date(on.year, 7, 14):
        return min(on - timedelta(days=10), date(on.year, 6, 14))
    if date(on.year, 7, 15) <= on <= date(on.year, 9, 30):
        return date(on.year, 6, 30)
    return on - timedelta(days=10)


CAST = cast(ORDINARY_DAY)
