"""Officials of the simulated outside world: of two schools, the card office and two enterprises.

They log in as the cast does, in another capacity and with roles; the names of the roles are
those of the service's own settings. Two people of each kind, where one releases what another did.
"""

from datetime import date

from demo.population import Person, synthetic_insz

SCHOOL, OTHER_SCHOOL = "012345", "067890"
CARD_OFFICE = "OVO000001"


def _official(
    key: str,
    who: tuple[date, int, str, str],
    label: tuple[str, str, str, str],
    *,
    capacity: str,
    organisation: tuple[str, str],
    roles: tuple[str, ...],
) -> Person:
    born, counter, given_name, family_name = who
    code, name = organisation
    return Person(
        key=key,
        insz=synthetic_insz(born, counter),
        given_name=given_name,
        family_name=family_name,
        label=dict(zip(("nl", "fr", "en", "de"), label, strict=True)),
        record=None,
        organisation={
            "vo_doelgroepcode": capacity,
            "vo_orgcode": code,
            "vo_orgnaam": name,
            "lerarenkaart_rol_3d": [f"{role}:{code}" for role in roles],
        },
    )


def _of_school(
    key: str,
    who: tuple[date, int, str, str],
    organisation: tuple[str, str],
    *,
    roles: tuple[str, ...] = ("LerarenkaartPersoneelsdienst",),
) -> Person:
    name = organisation[1]
    label = (
        f"personeelsdienst, {name}" if roles else f"leraar zonder rol, {name}",
        f"service du personnel, {name}" if roles else f"enseignant sans rôle, {name}",
        f"personnel office, {name}" if roles else f"teacher without a role, {name}",
        f"Personalabteilung, {name}" if roles else f"Lehrkraft ohne Rolle, {name}",
    )
    return _official(key, who, label, capacity="OV", organisation=organisation, roles=roles)


def _of_office(
    key: str, who: tuple[date, int, str, str], label: tuple[str, str, str, str], role: str
) -> Person:
    organisation = (CARD_OFFICE, "Kaartdienst (demo)")
    return _official(key, who, label, capacity="GID", organisation=organisation, roles=(role,))


def _of_enterprise(
    key: str, who: tuple[date, int, str, str], enterprise: tuple[str, str]
) -> Person:
    name = enterprise[1]
    label = (
        f"partner, {name}",
        f"partenaire, {name}",
        f"partner, {name}",
        f"Partner, {name}",
    )
    roles = ("LerarenkaartPartner",)
    return _official(key, who, label, capacity="EA", organisation=enterprise, roles=roles)


# Numbers with right check digits, of nobody.
BOOKSHOP = ("0999999922", "Boekhandel De Specht (demo)")
THEATRE = ("1999999943", "Theater Ter Linde (demo)")
_SCHOOL = (SCHOOL, "Basisschool De Linde (demo)")
_OTHER_SCHOOL = (OTHER_SCHOOL, "Atheneum Zuid (demo)")

OFFICIALS = (
    _of_school("personnel", (date(1977, 2, 3), 990, "Els", "Dewulf"), _SCHOOL),
    _of_school("personnel-second", (date(1985, 7, 19), 993, "Pieter", "Baert"), _SCHOOL),
    _of_school("personnel-elsewhere", (date(1980, 11, 2), 994, "Nadia", "Rousseau"), _OTHER_SCHOOL),
    _of_school("colleague", (date(1992, 4, 8), 991, "Joris", "Segers"), _SCHOOL, roles=()),
    _of_office(
        "viewer",
        (date(1968, 1, 30), 992, "Ingrid", "Van Acker"),
        (
            "kaartdienst: inzage",
            "service des cartes : consultation",
            "card office: viewer",
            "Kartenstelle: Einsicht",
        ),
        "LerarenkaartInzage",
    ),
    _of_office(
        "support",
        (date(1995, 9, 9), 993, "Karim", "Bouzid"),
        (
            "kaartdienst: helpdesk",
            "service des cartes : assistance",
            "card office: support",
            "Kartenstelle: Hilfe",
        ),
        "LerarenkaartHelpdesk",
    ),
    _of_office(
        "issuer",
        (date(1983, 12, 5), 990, "Hilde", "Coppens"),
        (
            "kaartdienst: uitgifte",
            "service des cartes : émission",
            "card office: issuer",
            "Kartenstelle: Ausgabe",
        ),
        "LerarenkaartUitgifte",
    ),
    _of_office(
        "issuer-second",
        (date(1974, 8, 21), 991, "Wim", "Lauwers"),
        (
            "kaartdienst: uitgifte, tweede persoon",
            "service des cartes : émission, deuxième personne",
            "card office: issuer, second person",
            "Kartenstelle: Ausgabe, zweite Person",
        ),
        "LerarenkaartUitgifte",
    ),
    _of_office(
        "security",
        (date(1970, 5, 25), 996, "Bart", "Nijs"),
        (
            "kaartdienst: veiligheid",
            "service des cartes : sécurité",
            "card office: security",
            "Kartenstelle: Sicherheit",
        ),
        "LerarenkaartVeiligheid",
    ),
    _of_office(
        "security-second",
        (date(1981, 6, 14), 991, "Lien", "Michiels"),
        (
            "kaartdienst: veiligheid, tweede persoon",
            "service des cartes : sécurité, deuxième personne",
            "card office: security, second person",
            "Kartenstelle: Sicherheit, zweite Person",
        ),
        "LerarenkaartVeiligheid",
    ),
    _of_enterprise("partner", (date(1988, 3, 14), 990, "Sofie", "Mertens"), BOOKSHOP),
    _of_enterprise("partner-elsewhere", (date(1979, 10, 6), 991, "Marc", "Thijs"), THEATRE),
)
