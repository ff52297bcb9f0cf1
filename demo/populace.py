"""Everybody: a made-up population as large as the real one, the same for the same seed.

Knows how many live where and how they used to get their card (the answer to parliament about
2022), and how a school year goes: temporary work ends on 30 June and goes on in September or does
not, leave begins, some die, BIS numbers become national numbers. Hides that nobody is stored: a
person is made anew from their place in the row. The numbers are nobody's; their range is smaller
than the population, so more of them are BIS numbers than in truth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, islice
from random import Random
from typing import Any

from demo.officials import OFFICIALS
from demo.population import CAST, FIRST_COUNTER, LAST_COUNTER, Record, synthetic_insz

SIZE = 228_000
SEED = 2022
# Cards by home province, and by channel, in the answer to parliament about 2022.
PROVINCES = {
    # Not 2070, which moved to another province.
    "BE-VAN": (50_232, (2100, 2999)),
    "BE-VLI": (24_814, (3500, 3999)),
    "BE-VOV": (41_400, (9000, 9999)),
    "BE-VWV": (30_630, (8000, 8999)),
    "BE-VBR": (26_496, (3000, 3499)),
    "BE-WLG": (153, (4000, 4999)),
    "BE-WNA": (43, (5000, 5999)),
    "BE-WHT": (457, (7000, 7999)),
    "BE-WLX": (28, (6600, 6999)),
    "BE-BRU": (2_608, (1000, 1299)),
    "BE-WBR": (399, (1300, 1499)),
}
CHANNELS = {"ABONNEMENT": 26_936, "STARTER": 17_984, "AFHAALPUNT": 177_260}
# Of these nobody published figures: our assumption.
CATEGORIES = {
    "ONDERWIJZEND": 800,
    "BESTUUR": 40,
    "OPVOEDEND_HULP": 45,
    "PARAMEDISCH": 35,
    "ADMINISTRATIEF": 30,
    "MEESTERS_VAK_DIENST": 20,
    "PSYCHOLOGISCH": 10,
    "SOCIAAL": 8,
    "TECHNISCH": 6,
    "BEGELEIDING": 4,
    "INSPECTIE": 2,
}
STRUCTURES = ("111", "211", "311", "311", "316", "321")
# Of a hundred: not permanently appointed; of these, not back in September; and of everybody.
TEMPORARY, NOT_BACK, ON_LEAVE = 24, 5, 3
DEATHS_OF_10_000 = 15
LEAVES = (
    ("ZIEKTE", True),
    ("LOOPBAANONDERBREKING", True),
    ("LOOPBAANONDERBREKING", False),
    ("TBS_58_PLUS", True),
)
# Births; unknown days are registered on the first of January and July, so those are left out.
FIRST_BIRTH, LAST_BIRTH = date(1957, 1, 2), date(2006, 12, 31)
FIRST_YEAR, LAST_YEAR = 2022, 2036
DAYS = tuple(
    day
    for offset in range((LAST_BIRTH - FIRST_BIRTH).days + 1)
    if ((day := FIRST_BIRTH + timedelta(days=offset)).month, day.day) not in {(1, 1), (7, 1)}
)
COUNTERS = LAST_COUNTER - FIRST_COUNTER + 1
RANGE = len(DAYS) * COUNTERS
TAKEN = {person.insz for person in (*CAST, *OFFICIALS)} | {person.replaced_by for person in CAST}
# Kept free, for those whose BIS number is replaced.
RESERVE = 3_000
EVERY_BIS_REPLACED = 50
# Prime, so that neighbours in the row are born far apart.
STRIDE = 7_919


@dataclass(frozen=True, slots=True)
class Member:
    """One of the crowd; `became` is the number that replaces theirs, and when."""

    place: int
    insz: str
    postcode: str
    province: str
    channel: str
    category: str
    institution: str
    structure: str
    since: date
    temporary: bool
    leave: tuple[str, bool, date] | None
    died_on: date | None
    became: tuple[date, str] | None


def everybody(size: int = SIZE, *, seed: int = SEED) -> Iterator[Member]:
    """The first so many, in order; a larger crowd begins with the smaller one.

    Whoever has a part of their own in the demonstration is not among them.
    """
    strangers = (place for place in count() if _numbers(place)[0] not in TAKEN)
    return (member(place, seed=seed) for place in islice(strangers, size))


def member(place: int, *, seed: int = SEED) -> Member:
    """The one at a place of the row."""
    chance = Random(f"{seed}/{place}")  # noqa: S311 - nothing is secret about nobody
    province, (_, (low, high)) = _drawn(chance, {p: (n, r) for p, (n, r) in PROVINCES.items()})
    channel, _ = _drawn(chance, {c: (n, None) for c, n in CHANNELS.items()})
    category, _ = _drawn(chance, {c: (n, None) for c, n in CATEGORIES.items()})
    insz, became = _numbers(place)
    starter = channel == "STARTER"
    year = chance.randint(LAST_YEAR - 11, LAST_YEAR - 10) if starter else chance.randint(1990, 2023)
    died = chance.randrange(10_000) < DEATHS_OF_10_000
    on_leave = chance.randrange(100) < ON_LEAVE
    kind, full = chance.choice(LEAVES)
    return Member(
        place=place,
        insz=insz,
        postcode=str(chance.randint(low, high)),
        province=province,
        channel=channel,
        category=category,
        institution=f"{chance.randint(1_000, 6_999):06}",
        structure=chance.choice(STRUCTURES),
        since=date(year, 9, 1),
        temporary=chance.randrange(100) < TEMPORARY,
        leave=(kind, full, date(chance.randint(2025, 2027), 9, 1)) if on_leave else None,
        died_on=date(2026, 1, 1) + timedelta(days=chance.randrange(730)) if died else None,
        became=became,
    )


def file_of(person: Member, on: date) -> Record | None:
    """The file as EPD sends it on a day (contract 4.2); None before there is one.

    Its version is the day of the last change, so that later files count more.
    """
    assignments = [one for one in _assignments(person) if one["begindatum"] <= str(on)]
    if not assignments:
        return None
    leave = _leave(person, on)
    died = person.died_on if person.died_on is not None and person.died_on <= on else None
    turned = [date.fromisoformat(one["begindatum"]) for one in (*assignments, *leave)]
    turned += [died] if died else []
    insz = person.insz
    if person.became is not None and person.became[0] <= on:
        insz = person.became[1]
        turned.append(person.became[0])
    last = max(turned)
    return {
        "insz": insz,
        "overlijdensdatum": died and str(died),
        "versie": last.toordinal(),
        "gewijzigdOp": f"{last}T03:12:44Z",
        "woonplaats": {"postcode": person.postcode},
        "opdrachten": assignments,
        "dienstonderbrekingen": leave,
    }


def files(on: date, size: int = SIZE, *, seed: int = SEED) -> Iterator[Record]:
    """What a full snapshot of that day holds."""
    for person in everybody(size, seed=seed):
        if (record := file_of(person, on)) is not None:
            yield record


def changes(
    since: date, until: date, size: int = SIZE, *, seed: int = SEED
) -> Iterator[tuple[Record, str | None]]:
    """Whose files changed after one day until another, with the number that was replaced."""
    for person in everybody(size, seed=seed):
        record = file_of(person, until)
        if record is not None and record["versie"] > since.toordinal():
            replaced = person.became is not None and since < person.became[0] <= until
            yield record, person.insz if replaced else None


def _numbers(place: int) -> tuple[str, tuple[date, str] | None]:
    ordinary = RANGE - RESERVE
    if place < ordinary:
        return _number(place * STRIDE % ordinary), None
    rank = place - ordinary
    insz = _number(rank * STRIDE % RANGE, bis=True)
    if rank % EVERY_BIS_REPLACED:
        return insz, None
    which = rank // EVERY_BIS_REPLACED
    return insz, (date(2026, 2, 1) + timedelta(days=which % 700), _number(ordinary + which))


def _number(which: int, *, bis: bool = False) -> str:
    day, counter = divmod(which, COUNTERS)
    return synthetic_insz(DAYS[day], FIRST_COUNTER + counter, bis=bis)


def _assignments(person: Member) -> Iterator[Record]:
    """Every assignment there will ever be; the file of a day leaves out the later ones."""
    if not person.temporary:
        yield _assignment(person, person.since, None)
        return
    for year in range(max(FIRST_YEAR, person.since.year), LAST_YEAR):
        if Random(f"{person.place}/{year}").randrange(100) < NOT_BACK and year > person.since.year:  # noqa: S311 - as above
            return
        yield _assignment(person, date(year, 9, 1), date(year + 1, 6, 30))


def _assignment(person: Member, begin: date, end: date | None) -> Record:
    return {
        "opdrachtId": f"{person.place}-{begin}",
        "instellingsnummer": person.institution,
        "hoofdstructuur": person.structure,
        "soortInstelling": "1",
        "ambt": {"code": "101", "omschrijving": "leraar"},
        "personeelscategorie": person.category,
        "ato": "2" if person.temporary else "4",
        "tadd": False,
        "volume": {"teller": 20, "noemer": 20},
        "begindatum": str(begin),
        "einddatum": end and str(end),
    }


def _leave(person: Member, on: date) -> list[Record]:
    if person.leave is None or person.leave[2] > on:
        return []
    kind, full, begin = person.leave
    end = date(begin.year + 1, 8, 31)
    return [
        {
            "code": "60",
            "soort": kind,
            "volledig": full,
            "begindatum": str(begin),
            "einddatum": str(end),
        }
    ]


def _drawn(chance: Random, shares: dict[str, tuple[int, Any]]) -> tuple[str, tuple[int, Any]]:
    names = list(shares)
    (name,) = chance.choices(names, [shares[one][0] for one in names])
    return name, shares[name]
